"""A ScheduleZero handler made of ZeroMQ's plain sockets and JSON alone: a pattern to follow in any language.

It offers `greet` and `add`, one run at a time. Start it beside a running system: `python plain_handler.py`.
The frames are explained on the page "The protocol, frame by frame". Methods run between two looks at the sockets, so
they must be quick: give a long one a thread, or the instance counts as unresponsive while it runs.
"""

import json
import os
import signal
import time
import traceback
import uuid
from collections import OrderedDict
from datetime import UTC, datetime

import zmq

REGISTRY = "tcp://{}:{}".format(
    os.environ.get("SCHEDULEZERO_ZRPC_HOST", "127.0.0.1"), os.environ.get("SCHEDULEZERO_ZRPC_PORT", "4242")
)
BOOT_ID = uuid.uuid4().hex  # new for each start: work that was meant for an earlier one is told apart by it
INSTANCE_ID = f"plain-{BOOT_ID[:8]}"
MAX_PART_BYTES, MAX_RESULT_BYTES, REMEMBERED = 4 * 1024 * 1024, 1024 * 1024, 10_000


def greet(name="world"):
    return f"Hello, {name}!"


def add(a, b):
    return a + b


def schema(required=(), **properties):
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


NUMBER = {"type": "number"}
METHODS = {"greet": (greet, schema(name={"type": "string"})), "add": (add, schema(["a", "b"], a=NUMBER, b=NUMBER))}


class Registry:
    """A REQ socket asks, then waits. Where no answer comes it is of no more use and is opened anew."""

    def __init__(self, context, poller, instance):
        self.context, self.poller, self.instance = context, poller, instance
        self.socket, self.known = None, False
        self.open()

    def open(self):
        if self.socket is not None:
            self.poller.unregister(self.socket)
            self.socket.close(linger=0)
        self.socket, self.asked_at = self.context.socket(zmq.REQ), None
        self.socket.connect(REGISTRY)
        self.poller.register(self.socket, zmq.POLLIN)

    def beat(self, draining):
        """Once a second: register until that is confirmed, then say that we live."""
        if self.asked_at is not None and time.monotonic() - self.asked_at > 3:
            self.open()
        if self.asked_at is None and self.known:
            self.ask("handler.heartbeat", instance_id=INSTANCE_ID, boot_id=BOOT_ID, draining=draining)
        elif self.asked_at is None:
            self.ask("handler.register", instance=self.instance)

    def ask(self, kind, **fields):
        self.socket.send_json({"v": 1, "id": kind, "body": {"type": kind, **fields}})
        self.asked_at = time.monotonic()

    def read(self):
        reply, self.asked_at = json.loads(b"".join(self.socket.recv_multipart())), None
        self.known = reply.get("ok", {}).get("known", "ok" in reply)  # a registry that began anew knows us no more
        if "error" in reply:
            print("the registry refuses:", reply["error"]["message"], flush=True)

    def leave(self):
        self.open()
        self.ask("handler.deregister", instance_id=INSTANCE_ID, boot_id=BOOT_ID)
        self.socket.poll(1000)
        self.socket.close(linger=0)


class Session:
    """What we owe to the schedulers that are connected to our ROUTER."""

    def __init__(self, router):
        self.router, self.draining = router, False
        self.schedulers = {}  # routing id -> scheduler id, for those that said hello to this boot
        self.epochs = {}  # shard -> the highest epoch that was shown for it
        self.outcomes = {}  # execution id -> outcome that is not acknowledged yet
        self.newest = OrderedDict()  # execution id -> newest claim taken, so that a duplicate is not run again

    def send(self, peer, *messages):
        try:
            parcel = json.dumps({"v": 1, "messages": messages}).encode()
            self.router.send_multipart([peer, parcel], zmq.NOBLOCK)
        except zmq.ZMQError:  # it has gone; it will say hello again, and be sent what it has missed
            self.schedulers.pop(peer, None)

    def pulse(self, nonce=0):
        return {"type": "pulse", "boot_id": BOOT_ID, "running": 0, "draining": self.draining, "nonce": nonce}

    def beat(self):
        for peer in list(self.schedulers):
            self.send(peer, self.pulse())

    def receive(self):
        peer, parcel = self.router.recv_multipart()
        parcel = json.loads(parcel)
        if parcel["v"] != 1:
            raise ValueError(f"version {parcel['v']} is not spoken here")
        for message in parcel["messages"]:
            match message["type"]:
                case "hello":
                    self.hello(peer, message)
                case "execute":
                    self.send(peer, self.execute(message))
                case "ack" if self.outcomes.get(message["execution_id"], {}).get("claim") == message["claim"]:
                    del self.outcomes[message["execution_id"]]
                case "probe":
                    self.send(peer, self.pulse(message["nonce"]))
                case "drain":
                    self.draining = True

    def hello(self, peer, hello):
        if (hello["instance_id"], hello["boot_id"]) != (INSTANCE_ID, BOOT_ID):
            return self.send(peer, {"type": "stranger", "instance_id": INSTANCE_ID, "boot_id": BOOT_ID})
        self.schedulers[peer] = hello["scheduler_id"]
        owed = list(self.outcomes.values())
        holding = [[outcome["execution_id"], outcome["attempt"], outcome["claim"]] for outcome in owed]
        welcome = {"type": "welcome", "instance_id": INSTANCE_ID, "boot_id": BOOT_ID, "capacity": 1}
        return self.send(peer, {**welcome, "holding": holding, "draining": self.draining}, *owed)

    def execute(self, work):
        """Return what to answer: Stranger, an outcome kept from before, Refused, or the outcome of running it now."""
        if work["boot_id"] != BOOT_ID:
            return {"type": "stranger", "instance_id": INSTANCE_ID, "boot_id": BOOT_ID}
        id_ = work["execution_id"]
        claim = {"execution_id": id_, "attempt": work["attempt"], "claim": work["claim"]}
        kept = self.outcomes.get(id_)
        if kept is not None and kept["claim"] == work["claim"]:
            return kept
        if work["claim"] <= self.newest.get(id_, 0) or work["epoch"] < self.epochs.get(work["shard"], 0):
            return {"type": "refused", **claim, "reason": "stale"}
        if self.draining or work["method"] not in METHODS:
            return {"type": "refused", **claim, "reason": "draining" if self.draining else "unknown_method"}
        self.newest[id_], self.epochs[work["shard"]] = work["claim"], work["epoch"]
        if len(self.newest) > REMEMBERED:
            self.newest.popitem(last=False)
        self.outcomes[id_] = {"type": "outcome", **claim, **run(METHODS[work["method"]][0], work["params"])}
        return self.outcomes[id_]


def run(function, params):
    started = now()
    try:
        result = function(**params)
        if len(json.dumps(result, allow_nan=False)) > MAX_RESULT_BYTES:
            raise ValueError(f"the result is over {MAX_RESULT_BYTES} bytes")
        end = {"status": "success", "result": result}
    except Exception as error:
        failure = {"type": type(error).__name__, "message": str(error), "traceback": traceback.format_exc()}
        end = {"status": "error", "error": failure}
    return {**end, "started_at": started, "completed_at": now()}


def now():
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def main():
    context, poller = zmq.Context(), zmq.Poller()
    router = context.socket(zmq.ROUTER)
    router.setsockopt(zmq.ROUTER_MANDATORY, 1)  # a send to a peer that has gone is an error, not silence
    router.setsockopt(zmq.MAXMSGSIZE, MAX_PART_BYTES)
    port = router.bind_to_random_port("tcp://127.0.0.1")
    poller.register(router, zmq.POLLIN)
    methods = [{"name": name, "params_schema": params} for name, (_, params) in METHODS.items()]
    instance = {"handler_id": "plain", "instance_id": INSTANCE_ID, "boot_id": BOOT_ID, "capacity": 1}
    registry = Registry(context, poller, {**instance, "address": f"tcp://127.0.0.1:{port}", "methods": methods})
    session, next_beat, give_up_at = Session(router), 0.0, float("inf")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: setattr(session, "draining", True))

    while not session.draining or (session.outcomes and time.monotonic() < give_up_at):
        for socket, _ in poller.poll(100):
            try:
                session.receive() if socket is router else registry.read()
            except Exception as error:  # somebody else's mistake must not end us
                print("passed over what makes no sense:", repr(error), flush=True)
        if session.draining:  # what is not acknowledged in time will be asked for elsewhere
            give_up_at = min(give_up_at, time.monotonic() + 10)
        if time.monotonic() >= next_beat:
            next_beat = time.monotonic() + 1
            registry.beat(session.draining)
            session.beat()

    registry.leave()
    context.destroy(linger=500)


if __name__ == "__main__":
    main()
