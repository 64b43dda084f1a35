"""The asking side of commands over real sockets: what is answered, and what is known when no answer comes."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import zmq

from schedulezero.protocol.answers import Done, HandlerPage, Heard, Registered, ServiceInfo
from schedulezero.protocol.commands import (
    Command,
    HandlerGet,
    HandlerHeartbeat,
    HandlerList,
    HandlerRegister,
    Ping,
    RegistryCommand,
)
from schedulezero.protocol.errors import Code, Detail, Problem, ScheduleZeroError
from schedulezero.protocol.link.calls import Call, CommandClient, CommandServer
from schedulezero.protocol.values import InstanceInfo, MethodSpec

Context = zmq.Context[zmq.Socket[bytes]]
INFO = ServiceInfo(service="registry", version="1.2.3")
CHANGE = HandlerHeartbeat(instance_id="i", boot_id="b", running=3)
QUERY = HandlerList()
NOTHING = HandlerPage(handlers=(), count=0)


@contextmanager
def registry(
    endpoint: str, serve: Callable[[Call], None], *, context: Context | None = None
) -> Iterator[CommandServer]:
    """A service in a context of its own, so that its port is free again when this ends."""
    own = context or zmq.Context()
    server = CommandServer(own, [endpoint], RegistryCommand, INFO, serve)
    try:
        yield server
    finally:
        server.close()
        if context is None:
            own.term()


@contextmanager
def client(context: Context, endpoint: str, timeout: float = 5) -> Iterator[CommandClient]:
    asking = CommandClient(context, endpoint, "the registry", timeout)
    try:
        yield asking
    finally:
        asking.close()


def unexpected(what: object) -> None:
    pytest.fail(f"this should not have come: {what}")


def answer_all(call: Call) -> None:
    call.answer(NOTHING if isinstance(call.command, HandlerList) else Heard(known=True))


async def failure(call: Awaitable[object]) -> ScheduleZeroError:
    with pytest.raises(ScheduleZeroError) as failed:
        await call
    return failed.value


def test_a_command_arrives_as_it_was_sent_and_its_answer_comes_back(context: Context) -> None:
    heard: list[tuple[Any, str]] = []
    method = MethodSpec(name="do_work", doc="Works.", timeout_seconds=30)
    instance = InstanceInfo(handler_id="h", instance_id="i", boot_id="b", address="tcp://x:1", methods=(method,))

    def serve(call: Call) -> None:
        heard.append((call.command, call.caller))
        call.answer(Registered(heartbeat_seconds=1, lease_seconds=10))

    async def conversation() -> Registered:
        with registry("tcp://127.0.0.1:0", serve) as server, client(context, server.addresses[0]) as asking:
            return await asking.call(HandlerRegister(instance=instance), caller="alice")

    answer = asyncio.run(conversation())

    assert answer == Registered(heartbeat_seconds=1, lease_seconds=10)
    ((command, caller),) = heard
    assert (command.instance.instance_id, command.instance.methods[0].doc, caller) == ("i", "Works.", "alice")


def test_a_ping_is_answered_by_the_server_itself(context: Context) -> None:
    async def conversation() -> ServiceInfo:
        with registry("tcp://127.0.0.1:0", unexpected) as server, client(context, server.addresses[0]) as asking:
            return await asking.call(Ping())

    assert asyncio.run(conversation()) == INFO


def test_an_answer_can_be_had_unread(context: Context) -> None:
    async def conversation() -> bytes:
        with registry("tcp://127.0.0.1:0", answer_all) as server, client(context, server.addresses[0]) as asking:
            return bytes(await asking.call_raw(QUERY))

    assert asyncio.run(conversation()) == b'{"handlers":[],"count":0}'


def test_a_refusal_is_raised_with_all_that_it_says(context: Context) -> None:
    details = (Detail(path="handler_id", message="no such handler"),)
    problem = Problem(code=Code.HANDLER_NOT_FOUND, message="no such handler", details=details, retry_after=3)

    async def conversation() -> ScheduleZeroError:
        with (
            registry("tcp://127.0.0.1:0", lambda call: call.refuse(problem)) as server,
            client(context, server.addresses[0]) as asking,
        ):
            return await failure(asking.call(HandlerGet(handler_id="x")))

    assert asyncio.run(conversation()).problem == problem


def test_many_commands_are_under_way_at_once_and_answers_find_their_askers(context: Context) -> None:
    held: list[Call] = []

    def last_first(call: Call) -> None:
        held.append(call)
        if len(held) == 2000:
            for waiting in reversed(held):
                assert isinstance(waiting.command, HandlerHeartbeat)
                waiting.answer(Heard(known=waiting.command.running % 2 == 0))

    async def conversation() -> list[Heard]:
        with registry("tcp://127.0.0.1:0", last_first) as server, client(context, server.addresses[0], 20) as asking:
            beats = [HandlerHeartbeat(instance_id="i", boot_id="b", running=number) for number in range(2000)]
            return await asyncio.gather(*(asking.call(beat) for beat in beats))

    answers = asyncio.run(conversation())

    assert [answer.known for answer in answers] == [number % 2 == 0 for number in range(2000)]


@pytest.mark.parametrize("command", [CHANGE, QUERY], ids=["change", "query"])
def test_when_nobody_listens_nothing_was_changed(context: Context, free_address: str, command: Command[Any]) -> None:
    async def conversation() -> ScheduleZeroError:
        with client(context, free_address) as asking:
            return await failure(asking.call(command, timeout=0.2))

    error = asyncio.run(conversation())

    assert error.code is Code.UNAVAILABLE
    assert str(error) == "the registry does not answer; nothing was changed"
    assert error.problem.retry_after == 1


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (CHANGE, Code.OUTCOME_UNKNOWN, "whether it was done is not known"),
        (QUERY, Code.UNAVAILABLE, "nothing was changed"),
    ],
    ids=["change", "query"],
)
def test_when_the_server_goes_away_after_it_was_asked(
    context: Context, command: Command[Any], code: Code, words: str
) -> None:
    async def conversation() -> ScheduleZeroError:
        asked: asyncio.Queue[Call] = asyncio.Queue()
        with registry("tcp://127.0.0.1:0", asked.put_nowait) as server, client(context, server.addresses[0]) as asking:
            waiting = asyncio.create_task(failure(asking.call(command)))
            await asked.get()
            server.close()
            return await waiting

    error = asyncio.run(conversation())

    assert error.code is code
    assert str(error).startswith("the registry went away before it answered; ")
    assert words in str(error)


@pytest.mark.parametrize(("command", "code"), [(CHANGE, Code.OUTCOME_UNKNOWN), (QUERY, Code.UNAVAILABLE)])
def test_when_the_server_is_silent(context: Context, command: Command[Any], code: Code) -> None:
    async def conversation() -> ScheduleZeroError:
        with (
            registry("tcp://127.0.0.1:0", lambda call: None) as server,
            client(context, server.addresses[0]) as asking,
        ):
            await asking.call(Ping())
            return await failure(asking.call(command, timeout=0.1))

    assert asyncio.run(conversation()).code is code


def test_it_reconnects_by_itself_when_the_server_returns_on_the_same_port(context: Context) -> None:
    async def conversation() -> tuple[ScheduleZeroError, Heard]:
        asked: asyncio.Queue[Call] = asyncio.Queue()
        with registry("tcp://127.0.0.1:0", asked.put_nowait) as first, client(context, first.addresses[0]) as asking:
            waiting = asyncio.create_task(failure(asking.call(CHANGE)))
            await asked.get()
            address = first.addresses[0]
            first.close()
            lost = await waiting
            returned = asyncio.create_task(asking.call(CHANGE))
            with registry_again(address):
                return lost, await returned

    lost, answer = asyncio.run(conversation())

    assert lost.code is Code.OUTCOME_UNKNOWN
    assert answer == Heard(known=True)


@contextmanager
def registry_again(address: str) -> Iterator[CommandServer]:
    """A service where one has just been; the port may take a moment to be free."""
    while True:
        try:
            with registry(address, answer_all) as server:
                yield server
                return
        except OSError:
            continue


def test_a_command_that_waits_for_the_server_is_sent_when_it_comes(context: Context, free_address: str) -> None:
    async def conversation() -> Heard:
        with client(context, free_address) as asking:
            waiting = asyncio.create_task(asking.call(CHANGE))
            await asyncio.sleep(0)
            with registry(free_address, answer_all):
                return await waiting

    assert asyncio.run(conversation()) == Heard(known=True)


def test_a_command_that_was_given_up_is_not_sent_later(context: Context, free_address: str) -> None:
    served: list[Any] = []

    def serve(call: Call) -> None:
        served.append(call.command)
        answer_all(call)

    async def conversation() -> None:
        with client(context, free_address) as asking:
            await failure(asking.call(CHANGE, timeout=0.05))
            abandoned = asyncio.create_task(asking.call(CHANGE))
            await asyncio.sleep(0)
            abandoned.cancel()
            with registry(free_address, serve):
                await asking.call(QUERY)

    asyncio.run(conversation())

    assert served == [QUERY]


def test_whoever_waits_is_told_when_the_link_is_closed(context: Context) -> None:
    async def conversation() -> list[Code]:
        asked: asyncio.Queue[Call] = asyncio.Queue()
        with registry("tcp://127.0.0.1:0", asked.put_nowait) as server, client(context, server.addresses[0]) as asking:
            waiting = [asyncio.create_task(failure(asking.call(command))) for command in (CHANGE, QUERY)]
            await asked.get()
            await asked.get()
            asking.close()
            return [(await task).code for task in waiting]

    assert asyncio.run(conversation()) == [Code.OUTCOME_UNKNOWN, Code.UNAVAILABLE]


def test_a_closed_link_says_that_nothing_was_changed(context: Context, free_address: str) -> None:
    async def conversation() -> ScheduleZeroError:
        with client(context, free_address) as asking:
            asking.close()
            return await failure(asking.call(CHANGE))

    error = asyncio.run(conversation())

    assert error.code is Code.UNAVAILABLE
    assert str(error) == "the registry is no longer asked, the link was closed; nothing was changed"


def test_a_command_too_large_to_be_sent_is_refused_at_once_and_leaves_nothing_behind(context: Context) -> None:
    huge = HandlerGet(handler_id="x" * 13 * 1024 * 1024)

    async def conversation() -> tuple[ScheduleZeroError, HandlerPage]:
        with registry("tcp://127.0.0.1:0", answer_all) as server, client(context, server.addresses[0]) as asking:
            return await failure(asking.call(huge)), await asking.call(QUERY)

    error, answer = asyncio.run(conversation())

    assert error.code is Code.PAYLOAD_TOO_LARGE
    assert answer == NOTHING


def test_replies_that_make_no_sense_are_passed_over_and_logged(
    context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    def serve(router: zmq.Socket[bytes]) -> None:
        peer, empty, request = router.recv_multipart()
        id_ = json.loads(request)["id"]
        good = {"v": 1, "id": id_, "ok": {"known": True}}
        for reply in (
            b"nonsense",
            b'{"v":2}',
            json.dumps({"v": 1, "id": id_}).encode(),
            b'{"v":1,"id":"99","ok":1}',
            b"",
        ):
            router.send_multipart([peer, empty, reply])
        router.send_multipart([peer, empty, json.dumps(good).encode()])

    async def conversation() -> Heard:
        with context.socket(zmq.ROUTER) as router:
            port = router.bind_to_random_port("tcp://127.0.0.1")
            with client(context, f"tcp://127.0.0.1:{port}") as asking:
                waiting = asyncio.create_task(asking.call(CHANGE))
                await asyncio.to_thread(serve, router)
                return await waiting

    assert asyncio.run(conversation()) == Heard(known=True)
    assert caplog.text.count("an answer of the registry was refused: ") == 4


def test_an_answer_of_another_kind_is_a_fault_that_names_the_field(context: Context) -> None:
    async def conversation() -> ScheduleZeroError:
        with (
            registry("inproc://registry", lambda call: call.answer(Done()), context=context),
            client(context, "inproc://registry") as asking,
        ):
            return await failure(asking.call(CHANGE))

    fault = asyncio.run(conversation())
    assert fault.code is Code.INTERNAL
    assert "known" in str(fault)
