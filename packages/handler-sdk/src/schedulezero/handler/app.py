"""A handler and its methods, as a worker project declares them."""

import inspect
import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self, overload

import msgspec

from schedulezero.handler.errors import HandlerError
from schedulezero.handler.method import Method, Offer, place_of
from schedulezero.handler.schema import Parameters
from schedulezero.protocol.errors import ScheduleZeroError
from schedulezero.protocol.validation import decode
from schedulezero.protocol.values import Identifier, MethodSpec, RetryOptions

if TYPE_CHECKING:
    from schedulezero.handler.serve import Server
    from schedulezero.protocol.link.calls import Context as ZmqContext


class Handler:
    """A named set of methods that schedules and runs may call. Any number of processes may serve the same handler.

    Args:
        id: the handler's name, such as `reports`.
        version: shown beside each instance; free text.

    Raises:
        HandlerError: the id has characters that an id cannot have.
    """

    def __init__(self, id: str, *, version: str | None = None) -> None:
        self.id = _checked(f"handler id {id!r}", id, Identifier)
        self.version = version
        self._methods: dict[str, Method] = {}
        self._server: Server | None = None

    @classmethod
    def from_object(cls, id: str, target: object, *, version: str | None = None) -> Self:
        """Return a handler that offers every public method of `target`, an instance of any class.

        Raises:
            HandlerError: one of them cannot be offered, or there is none.
        """
        handler = cls(id, version=version)
        for name in _public_methods(target):
            handler.method(getattr(target, name), name=name)
        if not handler.methods:
            raise HandlerError(f"handler {id}: {type(target).__qualname__} has no public method to offer")
        return handler

    @property
    def methods(self) -> Mapping[str, Method]:
        """What is offered, by name."""
        return MappingProxyType(self._methods)

    @overload
    def method[F: Callable[..., Any]](self, function: F, /, *, name: str | None = None) -> F: ...
    @overload
    def method[F: Callable[..., Any]](
        self,
        /,
        *,
        name: str | None = None,
        timeout_seconds: float | None = None,
        concurrency: int | None = None,
        retry: RetryOptions | Mapping[str, Any] | None = None,
        process: bool = False,
    ) -> Callable[[F], F]: ...
    def method(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        name: str | None = None,
        timeout_seconds: float | None = None,
        concurrency: int | None = None,
        retry: RetryOptions | Mapping[str, Any] | None = None,
        process: bool = False,
    ) -> Any:
        """Offer a function; it is returned unchanged, so that it can be called and tested as before.

        An `async def` runs on the event loop, any other function in a thread, with `process` in a process of its own
        that can be killed. Its parameters are filled by name from `job_params`; one that is annotated
        :class:`~schedulezero.handler.Context`, or named `ctx`, is given the context of the execution.

        Args:
            function: what to offer; left out when this is used with options.
            name: the method's name; the function's own by default.
            timeout_seconds: an attempt that runs longer ends as `timeout`, unless the job brings its own limit.
            concurrency: runs at a time in each instance; for `process` the number of processors by default.
            retry: `max_attempts`, `base_seconds`, `factor`, `max_seconds`, `jitter`, `on_lost`; in part or in full.
            process: run it in a spawned process. The function must then be importable by its module and name.

        Raises:
            HandlerError: the name is taken, an option is out of range, or a parameter has no JSON form.
        """

        def offer(function: Callable[..., Any]) -> Callable[..., Any]:
            options = {"timeout_seconds": timeout_seconds, "concurrency": concurrency, "retry": retry}
            self._offer(function, name or str(getattr(function, "__name__", "")), options, process)
            return function

        return offer if function is None else offer(function)

    def run(self) -> None:
        """Serve until SIGTERM or Ctrl+C, then finish what runs and return; the settings come from the environment.

        A setting that cannot be used, or an address that is taken, is one line on stderr and exit code 2.
        """
        from schedulezero.handler.serve import run  # the sockets are not for those who only declare

        self._check_free()
        try:
            run(self._offered(), self._began)
        finally:
            self._server = None

    async def serve(
        self,
        *,
        registry: str | None = None,
        bind: str | None = None,
        instance_id: str | None = None,
        context: "ZmqContext | None" = None,
    ) -> None:
        """Serve on the running loop until drained or cancelled. No signal handler is installed.

        Cancelling it stops at once: what runs is given up and will be retried elsewhere. :meth:`drain` ends it well.

        Args:
            registry: endpoint of the registry's commands, in place of the settings'.
            bind: endpoint to listen on, in place of the settings'.
            instance_id: in place of the settings'.
            context: the ZeroMQ context to use, needed for `inproc://`; otherwise one of its own.

        Raises:
            SettingsError: a setting cannot be used, or the address is taken.
            HandlerError: this handler is being served already.
        """
        from schedulezero.handler.serve import serve
        from schedulezero.handler.settings import Overrides

        self._check_free()
        overrides = Overrides(registry=registry, bind=bind, instance_id=instance_id)
        try:
            await serve(self._offered(), overrides, context, self._began)
        finally:
            self._server = None

    def drain(self) -> None:
        """Take nothing new, finish what runs, then let :meth:`serve` return. Call it on the loop that serves."""
        if self._server is not None:
            self._server.drain()

    def _check_free(self) -> None:
        if self._server is not None:
            raise HandlerError(f"handler {self.id} is being served already")

    def _offered(self) -> Offer:
        return Offer(handler_id=self.id, version=self.version, methods=self.methods)

    def _began(self, server: "Server") -> None:
        self._server = server

    def _offer(self, function: Callable[..., Any], name: str, options: dict[str, Any], process: bool) -> None:
        if name in self._methods:
            raise HandlerError(f"handler {self.id}: method {name} is offered twice; give one of them another name")
        runs_on = place_of(function, name, process)
        if runs_on == "process" and options["concurrency"] is None:
            options["concurrency"] = os.cpu_count() or 1
        parameters = Parameters(name, function)
        said = {"name": name, "params_schema": parameters.schema, "doc": inspect.getdoc(function), **options}
        spec = _checked(f"method {name or repr(function)}", said, MethodSpec)
        self._methods[name] = Method(function=function, runs_on=runs_on, parameters=parameters, spec=spec)


def _checked[T](what: str, value: object, type_: type[T]) -> T:
    try:
        return decode(msgspec.json.encode(value), type_)
    except ScheduleZeroError as error:
        raise HandlerError(f"{what}: {error}") from None


def _public_methods(target: object) -> list[str]:
    """Names in the order of their definition, a base class's first; properties are not touched."""
    names = {name: None for class_ in reversed(type(target).__mro__[:-1]) for name in vars(class_)}
    found = {name: inspect.getattr_static(target, name) for name in names if not name.startswith("_")}
    return [name for name, item in found.items() if inspect.isroutine(item)]
