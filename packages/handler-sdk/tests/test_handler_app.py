"""Declaring a handler and its methods."""

from typing import Any

import pytest
from msgspec import json

from schedulezero.handler import Context, Handler, HandlerError, Retry
from schedulezero.protocol.values import RetryOptions


def at_top(n: int) -> int:
    return n


class Base:
    def inherited(self) -> None:
        """Of the base class."""


class Reports(Base):
    limit = 3

    def build(self, ctx: Context, name: str) -> str:
        """Build a report."""
        return name

    async def send(self, to: str) -> None: ...

    @staticmethod
    def version() -> str:
        return "1"

    @property
    def touched(self) -> Any:
        raise AssertionError("properties are not to be touched")

    def _private(self) -> None: ...


def test_a_method_is_described_by_its_function_and_options_and_stays_callable() -> None:
    handler = Handler("reports")

    @handler.method(timeout_seconds=30, concurrency=2, retry={"max_attempts": 5})
    async def process(ctx: Context, order_id: int) -> int:
        """Process an order."""
        return order_id

    method = handler.methods["process"]
    assert (method.runs_on, method.function) == ("loop", process)
    assert (method.spec.name, method.spec.doc) == ("process", "Process an order.")
    assert (method.spec.timeout_seconds, method.spec.concurrency) == (30, 2)
    assert method.spec.retry == RetryOptions(max_attempts=5)
    assert list(json.decode(method.spec.params_schema)["properties"]) == ["order_id"]


def test_a_plain_function_runs_in_a_thread_and_may_have_another_name() -> None:
    handler = Handler("reports")

    handler.method(name="other.name")(at_top)

    assert handler.methods["other.name"].runs_on == "thread"


def test_a_process_method_has_the_number_of_processors_for_its_limit() -> None:
    handler = Handler("reports")

    handler.method(process=True)(at_top)

    method = handler.methods["at_top"]
    assert method.runs_on == "process"
    assert method.spec.concurrency is not None


def test_an_object_offers_its_public_methods_a_base_class_first() -> None:
    handler = Handler.from_object("reports", Reports())

    assert list(handler.methods) == ["inherited", "build", "send", "version"]
    assert [method.runs_on for method in handler.methods.values()] == ["thread", "thread", "loop", "thread"]
    assert list(json.decode(handler.methods["build"].spec.params_schema)["properties"]) == ["name"]


def test_an_object_with_nothing_to_offer_is_refused() -> None:
    with pytest.raises(HandlerError, match="object has no public method"):
        Handler.from_object("reports", object())


def test_a_name_is_offered_once() -> None:
    handler = Handler("reports")
    handler.method(at_top)

    with pytest.raises(HandlerError, match="method at_top is offered twice"):
        handler.method(at_top)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout_seconds": 0}, "method at_top: timeout_seconds"),
        ({"concurrency": 0}, "method at_top: concurrency"),
        ({"retry": {"max_attempt": 3}}, "retry.max_attempt: unknown field; did you mean max_attempts"),
        ({"name": "two words"}, "method two words: name"),
    ],
)
def test_an_option_out_of_range_is_refused_with_its_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(HandlerError, match=message):
        Handler("reports").method(**options)(at_top)


def test_a_handler_id_has_no_spaces() -> None:
    with pytest.raises(HandlerError, match="handler id 'my reports'"):
        Handler("my reports")


def test_a_process_method_must_be_importable_and_not_async() -> None:
    async def asynchronous() -> None: ...

    with pytest.raises(HandlerError, match="make it a plain one"):
        Handler("h").method(process=True)(asynchronous)
    with pytest.raises(HandlerError, match="top of a module"):
        Handler("h").method(process=True)(lambda: None)


@pytest.mark.parametrize("after", [-1, float("nan"), float("inf")])
def test_a_retry_waits_for_a_time_that_comes(after: float) -> None:
    with pytest.raises(ValueError, match="give seconds, 0 or more"):
        Retry(after=after)
