"""Requests as Tornado hands them over: guarded, taken in, served, answered; whatever goes wrong becomes an answer."""

import contextlib
import uuid
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler, stream_request_body

from schedulezero.protocol.errors import Code, Problem, ScheduleZeroError
from schedulezero.runtime.logging import get_logger
from schedulezero.web.gateway import Gateway
from schedulezero.web.http import body, errors, query
from schedulezero.web.http.guard import Guard
from schedulezero.web.http.traffic import Traffic
from schedulezero.web.routes import Call, Reply, Route

UNMATCHED = "unmatched"
"""The route that metrics name for paths that are not ours."""

# Enough to tell that a declared length is beyond measure; Python refuses to read thousands of digits.
_DIGITS = 18

_log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What every handler stands on."""

    gateway: Gateway
    guard: Guard
    traffic: Traffic


@stream_request_body
class Handler(RequestHandler):
    """Base of all: an exchange is one :class:`Reply`, whatever happens."""

    frame: Frame
    route_name = UNMATCHED

    @abstractmethod
    async def respond(self, path: Mapping[str, str]) -> Reply:
        """Return the answer, or raise ScheduleZeroError."""

    @abstractmethod
    def refuse(self, problem: Problem) -> Reply:
        """Return the answer that says what is wrong."""

    def verbs(self) -> tuple[str, ...]:
        """Return the verbs that this path knows, in the order of `Allow`."""
        return ("GET", "HEAD")

    def body_limit(self) -> int:
        """Return how large a body may be; 0 where none is read."""
        return 0

    # -- Tornado's side ---------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        self.intake = body.Intake(self.body_limit())
        declared = self.request.headers.get("Content-Length", "")
        if declared.isdecimal() and int(declared[:_DIGITS]) > body.DRAIN_BYTES:
            self._give_up_reading()

    def data_received(self, chunk: bytes) -> None:
        self.intake.take(chunk)
        if self.intake.size > body.DRAIN_BYTES and not self._finished:
            self._give_up_reading()

    async def serve(self, **path: str) -> None:
        with self.frame.traffic.request():
            reply = await self._reply(path)
            with contextlib.suppress(StreamClosedError):  # whoever asked has left
                await self._send(reply)

    get = head = post = put = patch = delete = options = serve

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        return value.decode("utf-8", "replace")

    def compute_etag(self) -> None:
        """Tags are ours to give."""

    def write_error(self, status_code: int, **_: Any) -> None:
        """Answer where Tornado refuses before we are asked: a verb that is none, or a fault that it has logged."""
        if status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            self._put(self._wrong_verb())
        else:
            self._put(self.refuse(Problem(code=Code.INTERNAL, message="an internal error, which was logged")))

    # -- ours -------------------------------------------------------------------------------------------------------

    async def _reply(self, path: Mapping[str, str]) -> Reply:
        try:
            return await self._admitted(path)
        except ScheduleZeroError as error:
            return self.refuse(error.problem)
        except Exception:  # the boundary of a request: said here, told by its id, and the server goes on
            id_ = uuid.uuid4().hex
            _log.exception("http.failed", id=id_, method=self.request.method, route=self.route_name)
            return self.refuse(Problem(code=Code.INTERNAL, message=f"an internal error, logged with id {id_}"))

    async def _admitted(self, path: Mapping[str, str]) -> Reply:
        method, headers = str(self.request.method), self.request.headers
        self.frame.guard.check(method=method, host=self.request.host, origin=headers.get("Origin"))
        return await self.respond(path) if method in self.verbs() else self._wrong_verb()

    def _wrong_verb(self) -> Reply:
        allowed = ", ".join(self.verbs())
        message = f"{self.request.method} is not known here; use {allowed}"
        reply = self.refuse(Problem(code=Code.METHOD_NOT_ALLOWED, message=message))
        return Reply(body=reply.body, status=reply.status, content_type=reply.content_type, headers={"Allow": allowed})

    def _give_up_reading(self) -> None:
        self._put(self.refuse(body.too_large(self.body_limit()).problem))
        self.finish()

    async def _send(self, reply: Reply) -> None:
        self._put(reply)
        await self.finish()

    def _put(self, reply: Reply) -> None:
        self.set_status(reply.status)
        self.set_header("Content-Type", reply.content_type)
        for name, value in reply.headers.items():
            self.set_header(name, value)
        if self._is_known(reply):
            self.set_status(HTTPStatus.NOT_MODIFIED)
        else:
            self.write(reply.body)

    def _is_known(self, reply: Reply) -> bool:
        """Whether who asks has this very answer already, by its tag: RFC 9110, section 13.1.2."""
        return reply.status == HTTPStatus.OK and self.request.method in ("GET", "HEAD") and self.check_etag_header()


class ProgramHandler(Handler):
    """Base of what programs ask for: what is wrong is said in JSON, nothing is kept by caches."""

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")

    def refuse(self, problem: Problem) -> Reply:
        return errors.in_json(problem)


class ApiHandler(ProgramHandler):
    """The REST calls of one path, by verb."""

    def initialize(self, frame: Frame, routes: Mapping[str, Route], route_name: str) -> None:
        self.frame, self.routes, self.route_name = frame, routes, route_name

    def verbs(self) -> tuple[str, ...]:
        return tuple(_with_head(self.routes))

    def body_limit(self) -> int:
        route = self._route()
        return route.max_body_bytes if route is not None else 0

    async def respond(self, path: Mapping[str, str]) -> Reply:
        route = self._route()
        assert route is not None
        call: Call[Any, Any] = Call(
            gateway=self.frame.gateway,
            path=path,
            query=query.read(self.request.query, route.query),
            body=body.read(self.intake.body(), self.request.headers, route.body) if route.body else None,
            headers=self.request.headers,
        )
        return await route.serve(call)

    def _route(self) -> Route | None:
        method = str(self.request.method)
        return self.routes.get("GET" if method == "HEAD" else method)


class UnknownCall(ProgramHandler):
    """A path under /api that is none."""

    def initialize(self, frame: Frame) -> None:
        self.frame = frame

    def verbs(self) -> tuple[str, ...]:
        return (str(self.request.method),)

    async def respond(self, path: Mapping[str, str]) -> Reply:
        message = f"there is no {self.request.path}; every call is described in /api/openapi.json"
        raise ScheduleZeroError.of(Code.NOT_FOUND, message)


def _with_head(verbs: Mapping[str, Route]) -> Iterator[str]:
    for verb in verbs:
        yield verb
        if verb == "GET":
            yield "HEAD"
