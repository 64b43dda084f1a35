"""Every setting there is, one line each: its type, kind, meaning and default.

A setting's key is its place (`web.port`), its environment variable `SCHEDULEZERO_<SECTION>_<FIELD>`, its option
`--section-field`; `Setting` names the few that are called otherwise.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Struct

from schedulezero.protocol.values import Ended, Notify
from schedulezero.runtime.settings import kinds
from schedulezero.runtime.settings.databases import located
from schedulezero.runtime.settings.kinds import Kind

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["auto", "json", "console"]


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known of one setting besides its type and default.

    Args:
        kind: the values it accepts.
        about: what it is, as a user reads it.
        variable: the name its environment variable has after `SCHEDULEZERO_`, besides the regular one.
        option: its command line option, where that is not the regular one.
        public: whether anyone may read it, over `GET /api/config`.
    """

    kind: Kind
    about: str
    variable: str = ""
    option: str = ""
    public: bool = False


class Endpoints(Struct, frozen=True, kw_only=True):
    """The two sockets of a service, as `tcp://` addresses."""

    commands: str
    events: str

    @classmethod
    def at(cls, host: str, *, commands: int, events: int) -> "Endpoints":
        """Put `host` and the two ports together; an IPv6 address gets its brackets."""
        name = f"[{host}]" if ":" in host else host
        return cls(commands=f"tcp://{name}:{commands}", events=f"tcp://{name}:{events}")


class WebSettings(Struct, frozen=True, kw_only=True):
    """The web gateway: pages, REST and live feed."""

    addr: Annotated[
        str, Setting(kinds.LISTEN_HOST, "Address it listens on.", variable="TORNADO_ADDR", option="--addr", public=True)
    ] = "127.0.0.1"
    port: Annotated[
        int,
        Setting(kinds.PORT_OR_FREE, "Port; 0 takes a free one.", variable="TORNADO_PORT", option="--port", public=True),
    ] = 8888
    docs_path: Annotated[str, Setting(kinds.LINE, "Directory of the built documentation.")] = "docs_site_build"


class RegistrySettings(Struct, frozen=True, kw_only=True):
    """The registry of handlers: who is alive, where, with which methods."""

    host: Annotated[str, Setting(kinds.HOST, "Host by which others reach it.", variable="ZRPC_HOST", public=True)] = (
        "127.0.0.1"
    )
    bind: Annotated[str, Setting(kinds.LISTEN_HOST, "Address it listens on.")] = "127.0.0.1"
    port: Annotated[
        int, Setting(kinds.PORT, "Port for commands, where handlers register.", variable="ZRPC_PORT", public=True)
    ] = 4242
    events_port: Annotated[int, Setting(kinds.PORT, "Port for events.")] = 4243
    metrics_port: Annotated[int, Setting(kinds.PORT_OR_OFF, "Port for /metrics and /health; 0: off.")] = 4246
    path: Annotated[str, Setting(kinds.LINE, "Its snapshot file, under the state directory.")] = "handler_registry.yaml"
    lease_seconds: Annotated[
        float, Setting(kinds.seconds(4, 300), "Silence after which a handler, beating every second, is gone.")
    ] = 10.0

    @property
    def listening(self) -> Endpoints:
        """Where the registry binds its sockets."""
        return Endpoints.at(self.bind, commands=self.port, events=self.events_port)

    @property
    def connecting(self) -> Endpoints:
        """Where others connect to the registry."""
        return Endpoints.at(self.host, commands=self.port, events=self.events_port)


class SchedulerSettings(Struct, frozen=True, kw_only=True):
    """The scheduler, which alone opens the database."""

    host: Annotated[str, Setting(kinds.HOST, "Host by which others reach it.")] = "127.0.0.1"
    bind: Annotated[str, Setting(kinds.LISTEN_HOST, "Address it listens on.")] = "127.0.0.1"
    port: Annotated[int, Setting(kinds.PORT, "Port for commands.")] = 4244
    events_port: Annotated[int, Setting(kinds.PORT, "Port for events.")] = 4245
    metrics_port: Annotated[int, Setting(kinds.PORT_OR_OFF, "Port for /metrics and /health; 0: off.")] = 4247
    max_pending: Annotated[
        int, Setting(kinds.whole(1, 100_000_000), "Executions that may wait for one handler; beyond, requests get 429.")
    ] = 1_000_000
    lease_seconds: Annotated[
        float, Setting(kinds.seconds(2, 300), "How long its ownership of schedules outlives it.")
    ] = 5.0
    webhook_url: Annotated[
        str | None, Setting(kinds.WEBHOOK, "Webhook that is told of every execution; left out, none.")
    ] = None
    webhook_on: Annotated[
        tuple[Ended, ...], Setting(kinds.ENDED, "Final statuses that it is told of, separated by commas.")
    ] = ("error", "timeout")
    webhook_secret: Annotated[
        str | None, Setting(kinds.SECRET, "Secret that every notification is signed with; left out, none is.")
    ] = None
    webhook_max_attempts: Annotated[
        int, Setting(kinds.whole(1, 100), "Attempts to deliver a notification, within 24 hours.")
    ] = 12

    @property
    def webhook(self) -> Notify | None:
        """The webhook that is told of every execution, if there is one."""
        return None if self.webhook_url is None else Notify(url=self.webhook_url, on=self.webhook_on)

    @property
    def listening(self) -> Endpoints:
        """Where the scheduler binds its sockets."""
        return Endpoints.at(self.bind, commands=self.port, events=self.events_port)

    @property
    def connecting(self) -> Endpoints:
        """Where others connect to the scheduler."""
        return Endpoints.at(self.host, commands=self.port, events=self.events_port)


class DatabaseSettings(Struct, frozen=True, kw_only=True):
    """The database; a relative SQLite path is under the state directory."""

    url: Annotated[
        str, Setting(kinds.DATABASE, "sqlite:///FILE, postgresql://, mysql:// or mariadb://USER:PASSWORD@HOST/NAME.")
    ] = "sqlite:///schedulezero_jobs.db"
    keep_days: Annotated[
        int, Setting(kinds.whole(0, 36_500), "Days that executions are kept after their end; 0: for ever.")
    ] = 30
    keep_failed_days: Annotated[
        int, Setting(kinds.whole(0, 36_500), "Days that failed and timed out executions are kept; 0: for ever.")
    ] = 90
    keep_executions: Annotated[
        int, Setting(kinds.whole(0, 1_000_000_000), "Executions that are kept; beyond, the oldest go. 0: all.")
    ] = 1_000_000


class HandlerSettings(Struct, frozen=True, kw_only=True):
    """A handler process."""

    bind: Annotated[str, Setting(kinds.LISTEN_ENDPOINT, "Where it listens; port 0 takes a free one.")] = (
        "tcp://127.0.0.1:0"
    )
    advertise: Annotated[
        str | None, Setting(kinds.ENDPOINT, "Where schedulers reach it; left out, what was bound.")
    ] = None
    concurrency: Annotated[int, Setting(kinds.whole(1, 10_000), "Executions it runs at the same time.")] = 16
    instance_id: Annotated[
        str | None, Setting(kinds.LINE, "Its name among the instances; left out, new at each start.")
    ] = None
    drain_seconds: Annotated[
        float, Setting(kinds.seconds(0, 86_400), "Time that its running work is given when it stops.")
    ] = 10.0


class LoggingSettings(Struct, frozen=True, kw_only=True):
    """What is logged, and in which form."""

    level: Annotated[LogLevel, Setting(kinds.choice(LogLevel), "debug, info, warning or error.")] = "info"
    format: Annotated[
        LogFormat, Setting(kinds.choice(LogFormat), "json, console, or auto: console on a terminal, else json.")
    ] = "auto"


class MetricsSettings(Struct, frozen=True, kw_only=True):
    """The /metrics and /health of registry and scheduler."""

    bind: Annotated[str, Setting(kinds.LISTEN_HOST, "Address they listen on.")] = "127.0.0.1"


class SecuritySettings(Struct, frozen=True, kw_only=True):
    """What is permitted."""

    insecure_bind: Annotated[
        bool, Setting(kinds.SWITCH, "Permit addresses that other machines reach, without keys or users.")
    ] = False
    allowed_hosts: Annotated[
        tuple[str, ...], Setting(kinds.HOSTS, "Host names by which browsers may reach the pages, besides its own.")
    ] = ()


class Settings(Struct, frozen=True, kw_only=True):
    """The effective settings of one instance."""

    instance_name: Annotated[str, Setting(kinds.LINE, "Name of this instance.", public=True)] = "ScheduleZero"
    description: Annotated[str, Setting(kinds.TEXT, "What this instance is for.", public=True)] = ""
    admin_contact: Annotated[str, Setting(kinds.TEXT, "Whom to ask.", public=True)] = ""
    version: Annotated[
        str,
        Setting(kinds.TEXT, "Version of this instance, as you number it.", option="--instance-version", public=True),
    ] = ""
    timezone: Annotated[str, Setting(kinds.ZONE, "Time zone of schedules that name none.", public=True)] = "UTC"
    state_dir: Annotated[str, Setting(kinds.LINE, "Directory of the files it writes.")] = "."
    drain_seconds: Annotated[
        float, Setting(kinds.seconds(0, 3600), "Time that running work is given when a service stops.")
    ] = 10.0
    web: WebSettings = WebSettings()
    registry: RegistrySettings = RegistrySettings()
    scheduler: SchedulerSettings = SchedulerSettings()
    database: DatabaseSettings = DatabaseSettings()
    handler: HandlerSettings = HandlerSettings()
    logging: LoggingSettings = LoggingSettings()
    metrics: MetricsSettings = MetricsSettings()
    security: SecuritySettings = SecuritySettings()

    @property
    def registry_file(self) -> Path:
        """The registry's snapshot file."""
        return Path(self.state_dir) / self.registry.path

    @property
    def database_url(self) -> str:
        """The database URL with a relative SQLite path placed under the state directory."""
        return located(self.database.url, Path(self.state_dir))
