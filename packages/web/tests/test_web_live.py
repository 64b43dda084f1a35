"""The live feed, as a client of `/ws` gets it from publishers on real sockets."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

import pytest
from msgspec import Raw
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from schedulezero.protocol.events import (
    ExecutionCreated,
    ExecutionFinished,
    HandlerUnresponsive,
    SchedulePaused,
)
from schedulezero.protocol.link.publisher import Publisher
from schedulezero.protocol.link.sockets import BindError
from schedulezero.protocol.states import HandlerStatus
from schedulezero.protocol.values import InstanceInfo, InstanceState

ALL = {"subscribe": ["execution.*", "handler.*", "schedule.*"]}
_TIMEOUT = 10


class Client:
    """A client of the feed, on the loop of the stage."""

    def __init__(self, connection: WebSocketClientConnection) -> None:
        self.connection = connection

    async def say(self, message: Any) -> None:
        await self.connection.write_message(message if isinstance(message, str) else json.dumps(message))

    async def hear(self) -> Any:
        message = await asyncio.wait_for(self.connection.read_message(), _TIMEOUT)
        return None if message is None else json.loads(message)

    async def subscribe(self, *patterns: str) -> None:
        """A second message is answered, so the first has been taken in when its answer is here."""
        await self.say({"subscribe": patterns})
        await self.say("no JSON")
        assert (await self.hear())["type"] == "error"


@pytest.fixture
def talk(stage: Any) -> Callable[[Callable[[Client], Coroutine[Any, Any, None]]], None]:
    """Run a conversation over a connection to the gateway."""

    async def over_a_connection(conversation: Callable[[Client], Coroutine[Any, Any, None]]) -> None:
        client = await connected(stage)
        try:
            await conversation(client)
        finally:
            client.connection.close()

    return lambda conversation: stage.run(over_a_connection(conversation))


async def connected(stage: Any) -> Client:
    connection = await websocket_connect(f"ws://127.0.0.1:{stage.port}/ws")
    assert connection.protocol is not None
    connection.protocol.set_nodelay(True)
    return Client(connection)


async def becomes_heard(publisher: Publisher, family: str, expected: bool) -> None:
    async with asyncio.timeout(_TIMEOUT):
        while publisher.is_heard(family) is not expected:  # noqa: ASYNC110 - a publisher tells no one who has left
            await asyncio.sleep(0.01)


async def bound(context: Any, address: str, now: datetime) -> Publisher:
    """Return a publisher at an address that another has just left; ZeroMQ gives it up a moment after `close`."""
    async with asyncio.timeout(_TIMEOUT):
        while True:
            try:
                return Publisher(context, [address], lambda: now)
            except BindError:
                await asyncio.sleep(0.01)


def instance(samples: Any, status: HandlerStatus) -> InstanceState:
    info = InstanceInfo(handler_id="reports", instance_id="i", boot_id="b", address="tcp://127.0.0.1:1", methods=())
    return InstanceState(info=info, status=status, running=0, last_seen=samples.now)


def test_an_event_arrives_with_its_place_in_the_feed_and_its_data_unchanged(
    stage: Any, talk: Any, samples: Any
) -> None:
    record = samples.execution(result=Raw(b'{"n": 1.50, "n2":"\\u00e9"}'))

    async def conversation(client: Client) -> None:
        await client.subscribe("execution.*")
        scheduler = stage.publishers["scheduler"]
        scheduler.publish([ExecutionFinished(data=record)])
        message = await asyncio.wait_for(client.connection.read_message(), _TIMEOUT)

        assert isinstance(message, str)
        assert '"result":{"n": 1.50, "n2":"\\u00e9"}' in message
        event = json.loads(message)
        assert list(event) == ["type", "epoch", "seq", "time", "data"]
        assert (event["type"], event["epoch"], event["seq"]) == ("execution.finished", scheduler.epoch, 1)
        assert event["time"] == "2026-11-23T06:00:00Z"
        assert event["data"]["execution_id"] == "e1"

    talk(conversation)


def test_events_of_both_services_arrive_and_an_unresponsive_handler_is_told_as_such(
    stage: Any, talk: Any, samples: Any
) -> None:
    async def conversation(client: Client) -> None:
        await client.subscribe(*ALL["subscribe"])
        stage.publishers["scheduler"].publish([SchedulePaused(data=samples.schedule())])
        assert (await client.hear())["type"] == "schedule.paused"
        stage.publishers["registry"].publish([HandlerUnresponsive(data=instance(samples, HandlerStatus.UNRESPONSIVE))])
        assert (await client.hear())["type"] == "handler.unresponsive"

    talk(conversation)


def test_only_what_was_subscribed_to_arrives_and_a_later_subscription_takes_its_place(
    stage: Any, talk: Any, samples: Any
) -> None:
    created, finished = (kind(data=samples.execution()) for kind in (ExecutionCreated, ExecutionFinished))

    async def conversation(client: Client) -> None:
        publish = stage.publishers["scheduler"].publish
        publish([created])
        await client.subscribe("execution.finished")
        publish([created, finished])
        assert ((await client.hear())["type"]) == "execution.finished"
        await client.subscribe("execution.created")
        publish([finished, created])
        assert ((await client.hear())["type"]) == "execution.created"

    talk(conversation)


@pytest.mark.parametrize(
    ("message", "code", "path", "told"),
    [
        ("{", "malformed_json", None, "not JSON"),
        ({"subscribe": ["execution.*", "executions.*"]}, "invalid_value", "subscribe[1]", "did you mean execution.*?"),
        ({"subscribe": ["tea"]}, "invalid_value", "subscribe[0]", "known are *, "),
        ({"subscribe": "execution.*"}, "invalid_type", "subscribe", "expected array"),
        ({"subscribe": [7]}, "invalid_type", "subscribe[0]", "expected string"),
        ({"subscribe": ["*"] * 101}, "invalid_value", "subscribe", "100"),
        ({"subscribes": []}, "unknown_field", "subscribes", "did you mean subscribe?"),
        ({}, "invalid_value", "subscribe", "is required"),
        ([], "invalid_type", "$", "expected object"),
    ],
)
def test_a_bad_subscription_is_answered_with_its_fault_and_the_earlier_one_lives(
    stage: Any, talk: Any, samples: Any, message: Any, code: str, path: str | None, told: str
) -> None:
    async def conversation(client: Client) -> None:
        await client.say({"subscribe": ["execution.created"]})
        await client.say(message)
        answer = await client.hear()
        assert (answer["type"], answer["error"]["code"]) == ("error", code)
        assert told in answer["error"]["message"]
        assert [detail["path"] for detail in answer["error"]["details"]] == ([path] if path else [])
        stage.publishers["scheduler"].publish([ExecutionCreated(data=samples.execution())])
        assert (await client.hear())["type"] == "execution.created"

    talk(conversation)


@pytest.mark.parametrize("stage", ["tcp"], indirect=True)
def test_a_publisher_that_begins_anew_leaves_a_gap_of_unknown_size(stage: Any, talk: Any, samples: Any) -> None:
    async def conversation(client: Client) -> None:
        await client.subscribe("execution.*")
        old = stage.publishers["scheduler"]
        old.publish([ExecutionCreated(data=samples.execution())])
        await client.hear()
        old.close()
        new = stage.publishers["scheduler"] = await bound(stage.context, old.addresses[0], samples.now)

        assert await client.hear() == {"type": "gap", "family": "execution", "from": 0, "to": 0}
        new.publish([ExecutionCreated(data=samples.execution())])
        event = await client.hear()
        assert (event["seq"], event["epoch"]) == (1, new.epoch)

    talk(conversation)


def test_events_that_never_reach_the_gateway_are_a_gap(stage: Any, talk: Any, samples: Any) -> None:
    async def conversation(client: Client) -> None:
        await client.subscribe("execution.finished")
        publisher = stage.publishers["scheduler"]
        publisher.publish([ExecutionFinished(data=samples.execution())])
        await client.hear()
        publisher._sequences["execution"] += 3  # as if three had been lost on the way
        publisher.publish([ExecutionFinished(data=samples.execution())])

        assert await client.hear() == {"type": "gap", "family": "execution", "from": 2, "to": 4}
        assert (await client.hear())["seq"] == 5

    talk(conversation)


def test_a_client_that_does_not_read_gets_a_gap_and_then_what_is_new(stage: Any, talk: Any, samples: Any) -> None:
    large = ExecutionFinished(data=samples.execution(result=Raw(b'"' + b"x" * 1_000_000 + b'"')))

    async def conversation(client: Client) -> None:
        publish = stage.publishers["scheduler"].publish
        await client.subscribe("execution.*")
        for _ in range(60):  # more than its outbox and all buffers of the connection hold
            publish([large])
            await asyncio.sleep(0)
        heard = []
        while (message := await client.hear())["type"] != "gap":
            heard.append(message["seq"])
        assert heard == list(range(1, message["from"]))
        assert message["to"] <= 60
        after = [(await client.hear())["seq"] for _ in range(60 - message["to"])]
        assert after == list(range(message["to"] + 1, 61))
        publish([ExecutionCreated(data=samples.execution())])
        assert (await client.hear())["seq"] == 61

    talk(conversation)


@pytest.mark.parametrize("stage", ["tcp", "inproc"], indirect=True)
def test_whoever_has_been_let_in_and_subscribed_hears_what_follows_every_time(stage: Any, samples: Any) -> None:
    created = ExecutionCreated(data=samples.execution())

    async def conversation() -> None:
        publisher = stage.publishers["scheduler"]
        for number in range(200):  # each is the only client, so that the publisher is followed anew
            client = await connected(stage)
            await client.subscribe("execution.*")
            publisher.publish([created])
            told = await client.hear()
            assert (told["type"], told["seq"]) == ("execution.created", publisher.sequence("execution"))
            client.connection.close()
            assert await client.hear() is None
            publisher.publish([created] * (number % 3))

    stage.run(conversation())


def test_publishers_are_followed_as_long_as_there_are_clients(stage: Any) -> None:
    async def conversation() -> None:
        scheduler = stage.publishers["scheduler"]
        assert not scheduler.is_heard("execution")
        first, second = [await connected(stage) for _ in range(2)]
        assert scheduler.is_heard("execution")
        assert scheduler.is_heard("schedule")
        first.connection.close()
        assert await first.hear() is None
        assert scheduler.is_heard("execution")
        second.connection.close()
        await becomes_heard(scheduler, "execution", False)

    stage.run(conversation())


@pytest.mark.parametrize("stage", ["tcp"], indirect=True)
def test_a_client_is_let_in_while_the_scheduler_is_away_and_told_a_gap_once_it_is_heard(
    stage: Any, samples: Any
) -> None:
    async def conversation() -> None:
        old = stage.publishers["scheduler"]
        old.close()
        client = await connected(stage)
        await client.subscribe("execution.*")
        new = stage.publishers["scheduler"] = await bound(stage.context, old.addresses[0], samples.now)

        assert await client.hear() == {"type": "gap", "family": "execution", "from": 0, "to": 0}
        new.publish([ExecutionCreated(data=samples.execution())])
        assert (await client.hear())["seq"] == 1
        client.connection.close()

    stage.run(conversation())


@pytest.mark.parametrize("stage", ["tcp"], indirect=True)
def test_a_client_that_leaves_before_it_is_let_in_is_forgotten(stage: Any) -> None:
    async def conversation() -> None:
        stage.publishers["scheduler"].close()
        _, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        head = f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{stage.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        writer.write(f"{head}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        await becomes_heard(stage.publishers["registry"], "handler", True)
        writer.transport.abort()
        await becomes_heard(stage.publishers["registry"], "handler", False)

    stage.run(conversation())


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_a_foreign_page_is_403(stage: Any, origin: str) -> None:
    request = HTTPRequest(f"ws://127.0.0.1:{stage.port}/ws", headers={"Origin": origin})

    with pytest.raises(HTTPClientError) as caught:
        stage.run(_connect(request))

    assert caught.value.code == 403
    assert json.loads(caught.value.response.body)["error"]["code"] == "cross_origin"


def test_an_own_page_is_let_in(stage: Any) -> None:
    url = f"127.0.0.1:{stage.port}"

    stage.run(_connect(HTTPRequest(f"ws://{url}/ws", headers={"Origin": f"http://{url}"})))


def test_an_unknown_host_is_403(stage: Any) -> None:
    request = HTTPRequest(f"ws://127.0.0.1:{stage.port}/ws", headers={"Host": "evil.example"})

    with pytest.raises(HTTPClientError) as caught:
        stage.run(_connect(request))

    assert json.loads(caught.value.response.body)["error"]["code"] == "unknown_host"


@pytest.mark.parametrize(("method", "status"), [("GET", 422), ("POST", 405)])
def test_who_does_not_speak_the_protocol_is_told(stage: Any, method: str, status: int) -> None:
    answer = stage.ask(method, "/ws")

    assert answer.status == status
    assert answer.error["message"]


def test_what_waits_is_sent_and_the_connection_closed_when_the_server_stops(
    stage: Any, talk: Any, samples: Any
) -> None:
    async def conversation(client: Client) -> None:
        await client.subscribe("execution.*")
        stage.publishers["scheduler"].publish([ExecutionCreated(data=samples.execution())])
        assert (await client.hear())["type"] == "execution.created"
        await stage.service.stop()

        assert await client.hear() is None
        assert client.connection.close_code == 1001

    talk(conversation)


async def _connect(request: HTTPRequest) -> None:
    (await websocket_connect(request)).close()
