"""Watches what becomes durable and what handlers begin, and reports what breaks a rule.

It knows nothing of the core: it sees the rows before and after, as the database does, and holds them to the table of
transitions and to the claims.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from schedulezero.protocol.states import FINAL, TRANSITIONS, Status
from schedulezero.scheduler.core.model import Attempt, Execution

from .ledger import Ledger
from .rules import Rule, Violation
from .trace import Trace

_FOLLOWS = frozenset((before, after) for (before, _), after in TRANSITIONS.items())
_BEGINS = frozenset({Status.PENDING, Status.RUNNING, Status.SKIPPED, Status.CANCELLED})
"""One event may decide an execution and claim, skip or cancel it: that is one row written once."""
_CLAIMED = frozenset({(Status.PENDING, Status.RUNNING), (Status.RETRYING, Status.RUNNING)})


class Watch:
    """Collects violations; the simulation looks at them after every step."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.violations: list[Violation] = []
        self.ledger = Ledger()
        self.claims: dict[tuple[str, int], str | None] = {}
        """Every claim that was ever durable, and the boot it was for."""
        self._begun: Counter[tuple[str, str, int]] = Counter()
        self._epochs: set[int] = set()

    def report(self, rule: Rule, what: str) -> None:
        self.violations.append(Violation(rule, what))

    def check(self) -> None:
        """Raise the first violation that was seen."""
        if self.violations:
            raise self.violations[0]

    # -- what becomes durable ------------------------------------------------------------------------------------

    def inserted(self, row: Execution) -> None:
        if row.status not in _BEGINS:
            self.report(Rule.TRANSITION, f"an execution begins as {row.status}: {row}")
        self._note_claim(row)

    def updated(self, before: Execution, after: Execution) -> None:
        moved = (before.status, after.status)
        if before.status is not after.status and moved not in _FOLLOWS:
            self.report(Rule.TRANSITION, f"{before.status} to {after.status}: {after}")
        if before.status is after.status and before.status in FINAL - {Status.SKIPPED}:
            self.report(Rule.TRANSITION, f"{before.status} is final and was written over: {after}")
        if moved in _CLAIMED:
            if after.claim <= before.claim:
                self.report(Rule.CLAIM, f"claim {after.claim} follows {before.claim}: {after}")
        elif after.claim != before.claim:
            self.report(Rule.CLAIM, f"{moved} came with another claim, {before.claim} to {after.claim}: {after}")
        self._note_claim(after)
        if after.status is Status.SUCCESS:
            self._judge_result(after)

    def acquired(self, epoch: int) -> None:
        if epoch in self._epochs:
            self.report(Rule.EPOCH_RISES, f"epoch {epoch} was given twice")
        self._epochs.add(epoch)

    # -- what handlers do ----------------------------------------------------------------------------------------

    def begun(self, boot_id: str, execution_id: str, claim: int) -> None:
        """A method is entered for a claim in a boot."""
        self.trace.note("{} begins {} (claim {})", boot_id, execution_id, claim)
        self._begun[boot_id, execution_id, claim] += 1
        if self._begun[boot_id, execution_id, claim] > 1:
            self.report(Rule.BEGUN_ONCE, f"{boot_id} began {execution_id} (claim {claim}) again")
        if self.claims.get((execution_id, claim), "no boot, for it is not stored") != boot_id:
            meant = self.claims.get((execution_id, claim), "no boot, for it is not stored")
            self.report(Rule.BEGUN_IF_STORED, f"{boot_id} began {execution_id} (claim {claim}), meant for {meant}")

    def begun_of(self, execution_id: str) -> int:
        return sum(count for (_, id_, _), count in self._begun.items() if id_ == execution_id)

    # -- how -----------------------------------------------------------------------------------------------------

    def _note_claim(self, row: Execution) -> None:
        if row.status is Status.RUNNING:
            self.claims[row.id, row.claim] = row.boot_id
            if row.attempt > row.retry.max_attempts:
                self.report(Rule.ATTEMPTS, f"attempt {row.attempt} of {row.retry.max_attempts}: {row}")

    def _judge_result(self, row: Execution) -> None:
        """The jobs of the simulations return their boot and their claim, see `result_of`."""
        told = msgspec.json.decode(row.result or "null")
        if told != [row.boot_id, row.claim]:
            self.report(Rule.CLAIM, f"the result {told} is of another claim than {row.boot_id}, {row.claim}: {row}")


def attempts_that_do_not_add_up(executions: Iterable[Execution], attempts: Iterable[Attempt]) -> Iterator[Violation]:
    """Hold the rows of attempts against their executions: one for each attempt that did not succeed."""
    told: defaultdict[str, list[int]] = defaultdict(list)
    for attempt in attempts:
        told[attempt.execution_id].append(attempt.attempt)
    for row in executions:
        if row.status not in FINAL:
            continue
        failed = row.attempt - 1 if row.status is Status.SUCCESS else row.attempt
        if sorted(told[row.id]) != list(range(1, failed + 1)):
            yield Violation(Rule.ATTEMPTS, f"attempts {sorted(told[row.id])} of {row}")
