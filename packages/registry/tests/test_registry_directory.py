"""The directory in virtual time: what goes in, what comes out."""

import random
from collections.abc import Callable, Iterable

import pytest
from msgspec import Raw

from schedulezero.protocol.answers import Heard, Registered
from schedulezero.protocol.commands import HandlerDeregister, HandlerHeartbeat, HandlerLost, HandlerRegister
from schedulezero.protocol.errors import Code, ScheduleZeroError
from schedulezero.protocol.states import HandlerStatus
from schedulezero.protocol.values import MAX_VALUE_BYTES, InstanceInfo, InstanceState, MethodSpec
from schedulezero.registry.directory import Change, Directory, Event, Terms, Tick
from schedulezero.registry.moment import Moment
from schedulezero.runtime.clock import ManualClock

CONNECTED, DRAINING, UNRESPONSIVE, DISCONNECTED = HandlerStatus
START = 1_800_000_000_000_000


def instance(
    instance_id: str = "i1",
    boot_id: str = "b1",
    *,
    handler_id: str = "reports",
    methods: Iterable[str] = ("do_work",),
    address: str = "tcp://127.0.0.1:5001",
) -> InstanceInfo:
    specs = tuple(MethodSpec(name=name) for name in methods)
    return InstanceInfo(handler_id=handler_id, instance_id=instance_id, boot_id=boot_id, address=address, methods=specs)


def beat(instance_id: str = "i1", boot_id: str = "b1", *, draining: bool = False, running: int = 0) -> HandlerHeartbeat:
    return HandlerHeartbeat(instance_id=instance_id, boot_id=boot_id, draining=draining, running=running)


class Bench:
    """A directory and the clock that drives it; the facts that it told, each as (type, instance id, boot id)."""

    def __init__(self, terms: Terms | None = None) -> None:
        self.clock = ManualClock(START)
        self.directory = Directory(terms or Terms())
        self.told: list[tuple[str, str, str]] = []

    def handle(self, event: Event) -> Change:
        change = self.directory.handle(event, Moment.of(self.clock))
        for fact in change.facts:
            info = fact.data.info
            self.told.append((str(fact.__struct_config__.tag), info.instance_id, info.boot_id))
        return change

    def register(self, *infos: InstanceInfo) -> Change:
        """Register one after another; return what the last leads to."""
        return [self.handle(HandlerRegister(instance=info)) for info in infos][-1]

    def elapse(self, seconds: float, *beating: HandlerHeartbeat) -> None:
        """Let time pass with four ticks a second, and hear those who are beating once a second."""
        for quarter in range(1, round(seconds * 4) + 1):
            self.clock.advance(0.25)
            self.handle(Tick())
            if quarter % 4 == 0:
                for heartbeat in beating:
                    self.handle(heartbeat)

    def status(self, handler_id: str = "reports") -> HandlerStatus:
        return self.directory.detail(handler_id).status

    def listed(self, handler_id: str = "reports") -> list[str]:
        return [found.instance_id for found in self.directory.detail(handler_id).instances]


@pytest.fixture
def bench() -> Bench:
    return Bench()


# -- registering ----------------------------------------------------------------------------------------------------


def test_registering_is_answered_with_the_terms_and_told(bench: Bench) -> None:
    change = bench.register(instance())

    assert change.answer == Registered(heartbeat_seconds=1.0, lease_seconds=10.0)
    assert bench.told == [("handler.connected", "i1", "b1")]
    assert change.dirty
    assert bench.status() is CONNECTED


def test_a_repeated_registration_is_answered_and_tells_nothing_new(bench: Bench) -> None:
    bench.register(instance())

    change = bench.register(instance())

    assert change == Change(answer=Registered(heartbeat_seconds=1.0, lease_seconds=10.0))


def test_the_same_boot_may_say_something_new_of_itself(bench: Bench) -> None:
    bench.register(instance(methods=["a"]), instance(methods=["a", "b"]))

    assert bench.directory.detail("reports").methods == ("a", "b")
    assert bench.told == [("handler.connected", "i1", "b1")] * 2


def test_a_new_boot_replaces_the_earlier_one_of_its_instance_id(bench: Bench) -> None:
    bench.register(instance(boot_id="b1"))

    change = bench.register(instance(boot_id="b2"))

    assert bench.told[1:] == [("handler.disconnected", "i1", "b1"), ("handler.connected", "i1", "b2")]
    assert [found.boot_id for found in bench.directory.detail("reports").instances] == ["b2"]
    assert change.contested is None


def test_a_new_boot_after_the_end_of_the_earlier_one_does_not_end_it_twice(bench: Bench) -> None:
    bench.register(instance(boot_id="b1"))
    bench.handle(HandlerDeregister(instance_id="i1", boot_id="b1"))

    bench.register(instance(boot_id="b2"))

    assert [kind for kind, *_ in bench.told] == ["handler.connected", "handler.disconnected", "handler.connected"]


def test_a_draining_boot_that_registers_again_still_drains(bench: Bench) -> None:
    bench.register(instance())
    bench.handle(beat(draining=True))

    bench.register(instance())

    assert bench.status() is DRAINING


def test_an_instance_id_that_moves_to_another_handler_leaves_the_former_known(bench: Bench) -> None:
    bench.register(instance(boot_id="b1", handler_id="old"), instance(boot_id="b2", handler_id="new"))

    assert bench.status("old") is DISCONNECTED
    assert bench.status("new") is CONNECTED
    assert bench.handle(beat(boot_id="b1")).answer == Heard(known=False)
    assert bench.handle(beat(boot_id="b2")).answer == Heard(known=True)


def test_one_boot_cannot_serve_two_handlers(bench: Bench) -> None:
    bench.register(instance(handler_id="reports"))

    with pytest.raises(ScheduleZeroError, match="give each handler its own instance id") as refusal:
        bench.register(instance(handler_id="billing"))

    assert refusal.value.code is Code.CONFLICT
    assert bench.directory.page().count == 1


@pytest.mark.parametrize(
    ("info", "code", "path"),
    [
        (instance(address="127.0.0.1:5001"), Code.INVALID_VALUE, "instance.address"),
        (instance(methods=["a", "b", "a"]), Code.INVALID_VALUE, "instance.methods"),
        (instance(methods=["a" * 190 + str(n) for n in range(6_000)]), Code.PAYLOAD_TOO_LARGE, "instance.methods"),
    ],
    ids=["address", "method twice", "too large"],
)
def test_what_cannot_be_listed_is_refused_with_the_field(
    bench: Bench, info: InstanceInfo, code: Code, path: str
) -> None:
    with pytest.raises(ScheduleZeroError) as refusal:
        bench.register(info)

    assert (refusal.value.code, refusal.value.problem.details[0].path) == (code, path)
    assert bench.directory.page().count == 0


def test_a_schema_that_is_no_object_is_refused_with_its_place() -> None:
    methods = (MethodSpec(name="a"), MethodSpec(name="b", params_schema=Raw(b"[1]")))
    info = InstanceInfo(handler_id="h", instance_id="i", boot_id="b", address="ipc:///x", methods=methods)

    with pytest.raises(ScheduleZeroError) as refusal:
        Bench().register(info)

    assert refusal.value.problem.details[0].path == "instance.methods[1].params_schema"


def test_an_instance_just_below_the_limit_is_listed(bench: Bench) -> None:
    doc = "x" * (MAX_VALUE_BYTES - 1_000)
    methods = (MethodSpec(name="a", doc=doc),)

    bench.register(InstanceInfo(handler_id="h", instance_id="i", boot_id="b", address="ipc:///x", methods=methods))

    assert bench.directory.detail("h").method_specs == methods


def test_more_handlers_than_the_limit_are_refused_but_known_ones_come_back() -> None:
    bench = Bench(Terms(max_handlers=2))
    bench.register(instance("i1", handler_id="a"), instance("i2", handler_id="b"))

    with pytest.raises(ScheduleZeroError, match="knows 2 handlers and takes no more") as refusal:
        bench.register(instance("i3", handler_id="c"))

    assert refusal.value.code is Code.UNAVAILABLE
    bench.register(instance("i3", handler_id="a"))
    assert bench.listed("a") == ["i1", "i3"]


def test_more_instances_than_the_limit_are_refused_until_one_is_forgotten() -> None:
    bench = Bench(Terms(max_instances=2, remembered=0))
    bench.register(instance("i1"), instance("i2"))

    with pytest.raises(ScheduleZeroError, match="lists 2 instances and takes no more"):
        bench.register(instance("i3"))

    bench.register(instance("i2", "b2"))
    bench.handle(HandlerDeregister(instance_id="i1", boot_id="b1"))
    bench.elapse(0.25)
    bench.register(instance("i3"))
    assert bench.listed() == ["i2", "i3"]


# -- heartbeats -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stranger", [beat("i2", "b1"), beat("i1", "b2")], ids=["other instance", "other boot"])
def test_a_heartbeat_of_a_stranger_is_not_known(bench: Bench, stranger: HandlerHeartbeat) -> None:
    bench.register(instance("i1", "b1"))

    assert bench.handle(stranger) == Change(answer=Heard(known=False))


def test_a_heartbeat_tells_the_load_and_when_it_was_heard(bench: Bench) -> None:
    bench.register(instance())
    bench.clock.advance(0.5)

    change = bench.handle(beat(running=7))

    [found] = bench.directory.detail("reports").instances
    assert change == Change(answer=Heard(known=True))
    assert found.running == 7
    assert round(found.last_seen.timestamp() * 1_000_000) == START + 500_000


def test_draining_begins_and_ends_with_the_flag_of_the_heartbeat(bench: Bench) -> None:
    bench.register(instance())

    statuses = []
    for draining in (True, True, False):
        bench.handle(beat(draining=draining))
        statuses.append(bench.status())

    assert statuses == [DRAINING, DRAINING, CONNECTED]
    assert [kind for kind, *_ in bench.told] == ["handler.connected", "handler.draining", "handler.connected"]


# -- silence --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("silent_for", "status"),
    [(2.75, CONNECTED), (3.0, UNRESPONSIVE), (9.75, UNRESPONSIVE), (10.0, DISCONNECTED)],
)
def test_silence_leads_away_from_connected(bench: Bench, silent_for: float, status: HandlerStatus) -> None:
    bench.register(instance())

    bench.elapse(silent_for)

    assert bench.status() is status


def test_each_step_into_silence_is_told_once(bench: Bench) -> None:
    bench.register(instance())

    bench.elapse(60)

    assert [kind for kind, *_ in bench.told] == ["handler.connected", "handler.unresponsive", "handler.disconnected"]


def test_an_instance_that_beats_stays_connected(bench: Bench) -> None:
    bench.register(instance())

    bench.elapse(60, beat())

    assert bench.status() is CONNECTED
    assert len(bench.told) == 1


@pytest.mark.parametrize("silent_for", [5.0, 15.0], ids=["unresponsive", "disconnected"])
@pytest.mark.parametrize(("draining", "status"), [(False, CONNECTED), (True, DRAINING)])
def test_a_heartbeat_of_the_same_boot_brings_it_back(
    bench: Bench, silent_for: float, draining: bool, status: HandlerStatus
) -> None:
    bench.register(instance())
    bench.elapse(silent_for)

    change = bench.handle(beat(draining=draining))

    assert change.answer == Heard(known=True)
    assert bench.status() is status
    assert bench.told[-1][0] == f"handler.{status.lower()}"


def test_a_lease_shorter_than_the_silence_disconnects_at_once() -> None:
    bench = Bench(Terms(lease_seconds=2.0))
    bench.register(instance())

    bench.elapse(2)

    assert [kind for kind, *_ in bench.told] == ["handler.connected", "handler.disconnected"]


def test_a_pause_of_the_registry_itself_is_nobodys_silence(bench: Bench) -> None:
    bench.register(instance())
    bench.elapse(1)

    bench.clock.advance(3600)
    bench.handle(Tick())
    bench.elapse(1.75)
    assert bench.status() is CONNECTED

    bench.elapse(0.25)
    assert bench.status() is UNRESPONSIVE


def test_a_stepped_wall_clock_is_nobodys_silence() -> None:
    directory = Directory(Terms())
    directory.handle(HandlerRegister(instance=instance()), Moment(wall=START, monotonic=10.0))

    change = directory.handle(Tick(), Moment(wall=START + 3_600_000_000, monotonic=10.25))

    assert change.facts == ()


# -- farewell and loss ----------------------------------------------------------------------------------------------


def test_a_farewell_disconnects_and_is_answered_again(bench: Bench) -> None:
    bench.register(instance())
    farewell = HandlerDeregister(instance_id="i1", boot_id="b1")

    first, second = bench.handle(farewell), bench.handle(farewell)

    assert first.dirty
    assert not second.dirty
    assert bench.told[1:] == [("handler.disconnected", "i1", "b1")]


@pytest.mark.parametrize("farewell", [HandlerDeregister, HandlerLost])
@pytest.mark.parametrize("who", [("i1", "b0"), ("i2", "b1")], ids=["other boot", "other instance"])
def test_a_farewell_of_a_stranger_changes_nothing(bench: Bench, farewell: type, who: tuple[str, str]) -> None:
    bench.register(instance())
    bench.elapse(2.5)

    bench.handle(farewell(instance_id=who[0], boot_id=who[1]))

    assert bench.status() is CONNECTED


@pytest.mark.parametrize(("silent_for", "status"), [(1.75, CONNECTED), (2.0, DISCONNECTED), (5.0, DISCONNECTED)])
def test_a_reported_loss_is_believed_of_the_silent(bench: Bench, silent_for: float, status: HandlerStatus) -> None:
    bench.register(instance())
    bench.elapse(silent_for)

    bench.handle(HandlerLost(instance_id="i1", boot_id="b1"))

    assert bench.status() is status


# -- two processes under one instance id ----------------------------------------------------------------------------


def test_two_living_processes_under_one_id_are_noticed_once(bench: Bench) -> None:
    contested = [bench.register(instance(boot_id=boot)).contested for boot in ("a", "b", "a", "b", "a")]

    assert [info and info.boot_id for info in contested] == [None, None, "a", None, None]


def test_three_living_processes_under_one_id_are_noticed_once(bench: Bench) -> None:
    contested = [bench.register(instance(boot_id=boot)).contested for boot in "abcabcabc"]

    assert [info is not None for info in contested] == [False] * 3 + [True] + [False] * 5


def test_a_process_that_restarts_often_contests_nothing(bench: Bench) -> None:
    changes = [bench.register(instance(boot_id=f"b{number}")) for number in range(50)]

    assert all(change.contested is None for change in changes)


# -- what is listed -------------------------------------------------------------------------------------------------


def test_a_handler_has_the_status_and_address_of_its_best_instance(bench: Bench) -> None:
    bench.register(
        instance("i1", address="tcp://h:1"), instance("i2", address="tcp://h:2"), instance("i3", address="tcp://h:3")
    )
    bench.handle(HandlerDeregister(instance_id="i1", boot_id="b1"))
    bench.handle(beat("i2", draining=True))

    found = bench.directory.detail("reports")

    assert (found.status, found.address) == (CONNECTED, "tcp://h:3")
    assert [(each.instance_id, each.status) for each in found.instances] == [
        ("i3", CONNECTED),
        ("i2", DRAINING),
        ("i1", DISCONNECTED),
    ]


def test_methods_are_those_of_all_live_instances(bench: Bench) -> None:
    bench.register(instance("i1", methods=["a", "b"]), instance("i2", methods=["b", "c"]))
    bench.register(instance("i3", methods=["d"]))
    bench.handle(HandlerDeregister(instance_id="i3", boot_id="b1"))

    assert bench.directory.detail("reports").methods == ("a", "b", "c")


def test_methods_of_a_handler_without_live_instance_are_the_last_known(bench: Bench) -> None:
    bench.register(instance("i1", methods=["old"]))
    bench.elapse(1)
    bench.register(instance("i2", methods=["new"]))

    bench.elapse(30)

    assert bench.status() is DISCONNECTED
    assert bench.directory.detail("reports").methods == ("new",)
    assert bench.listed() == ["i2", "i1"]


def test_the_page_lists_handlers_by_id_and_the_counts_have_every_status(bench: Bench) -> None:
    bench.register(instance("i1", handler_id="b"), instance("i2", handler_id="a"))
    bench.handle(HandlerDeregister(instance_id="i1", boot_id="b1"))

    page = bench.directory.page()

    assert ([found.id for found in page.handlers], page.count) == (["a", "b"], 2)
    assert bench.directory.counts() == {CONNECTED: 1, DRAINING: 0, UNRESPONSIVE: 0, DISCONNECTED: 1}


@pytest.mark.parametrize(
    ("known", "asked", "hint"),
    [
        ([], "reports", "none has registered yet"),
        (["reports", "billing"], "reprots", "did you mean reports?"),
        (["reports", "billing"], "zzz", "known are billing, reports"),
    ],
)
def test_an_unknown_handler_is_refused_with_the_nearest(bench: Bench, known: list[str], asked: str, hint: str) -> None:
    for handler_id in known:
        bench.register(instance(f"i-{handler_id}", handler_id=handler_id))

    with pytest.raises(ScheduleZeroError) as refusal:
        bench.directory.detail(asked)

    assert refusal.value.code is Code.HANDLER_NOT_FOUND
    assert str(refusal.value) == f"handler {asked} is not known; {hint}"


# -- what is forgotten ----------------------------------------------------------------------------------------------


def test_only_the_newest_few_of_the_disconnected_stay_listed(bench: Bench) -> None:
    bench.register(instance("live"))
    for number in range(6):
        bench.register(instance(f"i{number}"))
        bench.handle(HandlerDeregister(instance_id=f"i{number}", boot_id="b1"))
        bench.elapse(1, beat("live"))

    assert bench.listed() == ["live", "i5", "i4", "i3"]


def test_the_disconnected_are_forgotten_after_a_while_beside_a_live_one(bench: Bench) -> None:
    bench.register(instance("gone"), instance("live"))
    bench.handle(HandlerDeregister(instance_id="gone", boot_id="b1"))

    bench.elapse(600, beat("live"))
    assert bench.listed() == ["live", "gone"]

    bench.elapse(0.25, beat("live"))
    assert bench.listed() == ["live"]
    assert bench.handle(beat("gone")).answer == Heard(known=False)


def test_the_last_instance_of_a_handler_is_never_forgotten(bench: Bench) -> None:
    bench.register(instance("i1"))
    bench.elapse(1)
    bench.register(instance("i2"))

    bench.elapse(700)

    assert bench.listed() == ["i2"]


# -- what outlives a restart ----------------------------------------------------------------------------------------


def restored(*states: InstanceState) -> Bench:
    bench = Bench()
    bench.directory.restore(states, Moment.of(bench.clock))
    return bench


def test_a_restored_handler_is_known_and_disconnected(bench: Bench) -> None:
    bench.register(instance(methods=["a"]))

    later = restored(*bench.directory.remembered())

    found = later.directory.detail("reports")
    assert (found.status, found.methods) == (DISCONNECTED, ("a",))
    later.elapse(3600)
    assert later.status() is DISCONNECTED


def test_a_restored_instance_is_asked_to_register_and_is_then_connected(bench: Bench) -> None:
    bench.register(instance())
    later = restored(*bench.directory.remembered())

    answer = later.handle(beat()).answer
    later.register(instance())

    assert answer == Heard(known=False)
    assert later.told == [("handler.connected", "i1", "b1")]
    assert later.listed() == ["i1"]


def test_a_few_instances_of_each_handler_are_remembered_live_ones_first(bench: Bench) -> None:
    bench.register(instance("gone"), *(instance(f"i{number}") for number in range(5)))
    bench.register(instance("only", handler_id="other"))
    bench.handle(HandlerDeregister(instance_id="gone", boot_id="b1"))

    remembered = [state.info.instance_id for state in bench.directory.remembered()]

    assert len(remembered) == 4
    assert remembered[0] == "only"
    assert "gone" not in remembered


def test_instances_heard_last_come_last(bench: Bench) -> None:
    bench.register(instance("x", handler_id="new"), instance("i1", "b1", handler_id="old"))
    bench.elapse(1)
    bench.register(instance("i1", "b2", handler_id="new"))

    order = [(state.info.instance_id, state.info.boot_id) for state in bench.directory.instances()]

    assert order[-1] == ("i1", "b2")
    assert ("i1", "b1") in order


# -- anything at all ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_a_follower_of_the_facts_knows_what_the_directory_knows(seed: int) -> None:
    rng = random.Random(seed)
    bench, follower = Bench(), dict[tuple[str, str], HandlerStatus]()
    kinds: list[Callable[..., Event]] = [beat, beat, beat, HandlerDeregister, HandlerLost]
    for _ in range(1_500):
        handler = f"h{rng.randrange(3)}"
        who = {"instance_id": f"i{rng.randrange(6)}", "boot_id": f"{handler}-{rng.randrange(2)}"}
        event: Event = Tick()
        if rng.random() < 0.1:
            event = HandlerRegister(instance=instance(**who, handler_id=handler))
        elif rng.random() < 0.5:
            event = rng.choice(kinds)(**who)
        for fact in bench.handle(event).facts:
            follower[fact.data.info.handler_id, fact.data.info.instance_id] = fact.data.status
        bench.clock.advance(rng.random())

        states = bench.directory.instances()
        known = {(state.info.handler_id, state.info.instance_id): state.status for state in states}
        live = [state.info.instance_id for state in states if state.status is not DISCONNECTED]
        assert known.items() <= follower.items()
        assert len(live) == len(set(live))
        assert all(follower[gone] is DISCONNECTED for gone in follower.keys() - known.keys())
        assert sum(bench.directory.counts().values()) == bench.directory.page().count
