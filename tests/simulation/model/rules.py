"""The rules: what the scheduler promises, each with the name under which a violation of it is reported."""

from enum import StrEnum


class Rule(StrEnum):
    """A promise. The simulations look for its breach; nothing else counts as a failure."""

    DECIDED_ONCE = "every due instant is decided exactly once"
    NOTHING_OVERDUE = "no due instant is left undecided"
    ACCEPTED_IS_STORED = "what a user was told is accepted is in the database"
    REFUSED_IS_NOT_STORED = "what was refused has stored nothing"
    KEY_RUNS_ONCE = "one idempotency key leads to one run"
    EVERYTHING_ENDS = "every execution ends"
    TRANSITION = "a status follows another only as the table of transitions says"
    CLAIM = "an outcome is written only over the claim that it answers"
    ATTEMPTS = "attempts add up, and are never more than the policy allows"
    BEGUN_ONCE = "a claim begins at most once in one boot"
    BEGUN_IF_STORED = "work begins only where its claim is stored for that very boot"
    MEMORY = "what the scheduler remembers is what the database holds"
    NO_CONFLICT = "a scheduler that owns its shards never meets a row that is not as it remembers"
    EPOCH_RISES = "an epoch is never used twice"
    FIGURES = "the figures that are kept are those of the rows"
    SETTLES = "when the faults end, everything comes to rest"
    NO_CRASH = "no part of the program raises what nobody catches"
    ANSWERED = "every command is answered, once"


class Violation(AssertionError):
    """A rule was broken."""

    def __init__(self, rule: Rule, what: str) -> None:
        super().__init__(f"{rule.name}: {rule.value}\n  {what}")
        self.rule = rule
