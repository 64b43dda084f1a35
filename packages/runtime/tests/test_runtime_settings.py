"""What the effective settings are: defaults, sources and their order, origins, endpoints, paths."""

from pathlib import Path

import pytest
from msgspec.structs import asdict

from schedulezero.runtime.settings import FIELDS, Loaded, Settings, insecure_binds, load


def given(directory: Path, text: str, **environ: str) -> Loaded:
    path = directory / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return load(environ={"SCHEDULEZERO_CONFIG_PATH": str(path), **environ})


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_any_source_the_documented_defaults_hold() -> None:
    loaded = load(environ={})

    settings = loaded.settings
    assert (settings.web.addr, settings.web.port) == ("127.0.0.1", 8888)
    assert settings.registry.connecting.commands == "tcp://127.0.0.1:4242"
    assert settings.registry.connecting.events == "tcp://127.0.0.1:4243"
    assert settings.scheduler.connecting.commands == "tcp://127.0.0.1:4244"
    assert settings.scheduler.connecting.events == "tcp://127.0.0.1:4245"
    assert (settings.registry.metrics_port, settings.scheduler.metrics_port) == (4246, 4247)
    assert settings.metrics.bind == "127.0.0.1"
    assert settings.database_url == "sqlite:///schedulezero_jobs.db"
    assert settings.registry_file == Path("handler_registry.yaml")
    assert (settings.handler.bind, settings.handler.advertise) == ("tcp://127.0.0.1:0", None)
    assert settings.handler.concurrency == 16
    assert settings.timezone == "UTC"
    assert (loaded.config_path, loaded.deployment, loaded.schedules) == ("config.yaml", None, ())
    assert set(loaded.origins.values()) == {"default"}


@pytest.mark.parametrize(
    ("variable", "text", "key", "value"),
    [
        ("SCHEDULEZERO_TORNADO_ADDR", "::1", "web.addr", "::1"),
        ("SCHEDULEZERO_TORNADO_PORT", "0", "web.port", 0),
        ("SCHEDULEZERO_WEB_PORT", "8890", "web.port", 8890),
        ("SCHEDULEZERO_ZRPC_HOST", "registry.internal", "registry.host", "registry.internal"),
        ("SCHEDULEZERO_ZRPC_PORT", "5242", "registry.port", 5242),
        ("SCHEDULEZERO_SCHEDULER_HOST", "10.0.0.7", "scheduler.host", "10.0.0.7"),
        ("SCHEDULEZERO_REGISTRY_BIND", "127.0.0.2", "registry.bind", "127.0.0.2"),
        ("SCHEDULEZERO_SCHEDULER_BIND", "127.0.0.3", "scheduler.bind", "127.0.0.3"),
        ("SCHEDULEZERO_METRICS_BIND", "localhost", "metrics.bind", "localhost"),
        ("SCHEDULEZERO_DATABASE_URL", "mariadb://a:b@c/d", "database.url", "mariadb://a:b@c/d"),
        ("SCHEDULEZERO_REGISTRY_PATH", "/var/lib/r.yaml", "registry.path", "/var/lib/r.yaml"),
        ("SCHEDULEZERO_REGISTRY_EVENTS_PORT", "1", "registry.events_port", 1),
        ("SCHEDULEZERO_SCHEDULER_PORT", "65535", "scheduler.port", 65535),
        ("SCHEDULEZERO_SCHEDULER_EVENTS_PORT", "5245", "scheduler.events_port", 5245),
        ("SCHEDULEZERO_REGISTRY_METRICS_PORT", "0", "registry.metrics_port", 0),
        ("SCHEDULEZERO_SCHEDULER_METRICS_PORT", "5247", "scheduler.metrics_port", 5247),
        ("SCHEDULEZERO_HANDLER_BIND", "tcp://[::1]:5001", "handler.bind", "tcp://[::1]:5001"),
        ("SCHEDULEZERO_HANDLER_ADVERTISE", "tcp://worker-1:5001", "handler.advertise", "tcp://worker-1:5001"),
        ("SCHEDULEZERO_HANDLER_CONCURRENCY", "4", "handler.concurrency", 4),
        ("SCHEDULEZERO_HANDLER_INSTANCE_ID", "null", "handler.instance_id", "null"),
        ("SCHEDULEZERO_SCHEDULER_MAX_PENDING", "10", "scheduler.max_pending", 10),
        ("SCHEDULEZERO_REGISTRY_LEASE_SECONDS", "4.5", "registry.lease_seconds", 4.5),
        ("SCHEDULEZERO_LOGGING_FORMAT", "json", "logging.format", "json"),
        ("SCHEDULEZERO_SECURITY_INSECURE_BIND", "TRUE", "security.insecure_bind", True),
        (
            "SCHEDULEZERO_SECURITY_ALLOWED_HOSTS",
            "a.example, b.example",
            "security.allowed_hosts",
            ("a.example", "b.example"),
        ),
        ("SCHEDULEZERO_INSTANCE_NAME", "Büro", "instance_name", "Büro"),
        ("SCHEDULEZERO_TIMEZONE", "Europe/Berlin", "timezone", "Europe/Berlin"),
        ("SCHEDULEZERO_STATE_DIR", "/var/lib/sz", "state_dir", "/var/lib/sz"),
    ],
)
def test_a_variable_sets_its_field_and_is_its_origin(variable: str, text: str, key: str, value: object) -> None:
    loaded = load(environ={variable: text})

    assert FIELDS[key].of(loaded.settings) == value
    assert loaded.origins[key] == variable
    assert [k for k, origin in loaded.origins.items() if origin != "default"] == [key]


def test_every_field_has_a_variable_and_an_option_of_its_own() -> None:
    variables = [name for field in FIELDS.values() for name in field.variables]
    options = [field.option for field in FIELDS.values()]

    assert len(set(variables)) == len(variables)
    assert len(set(options)) == len(options)
    assert {"--port", "--registry-events-port"} <= set(options)
    assert not {"--config", "--deployment", "--version", "--help"} & set(options)


def test_every_default_is_a_value_its_own_field_accepts() -> None:
    for field in FIELDS.values():
        if field.default is not None:
            assert field.from_file(field.default) == field.default, field.key


def test_each_source_overrides_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        """
        web: {port: 1001}
        registry: {port: 1002, events_port: 1002}
        scheduler: {port: 1003, events_port: 1003, metrics_port: 1003}
        deployments:
          blue:
            web: {port: 2001}
            registry: {port: 2002}
            scheduler: {port: 2003}
        """
    )
    environ = {"SCHEDULEZERO_WEB_PORT": "3001", "SCHEDULEZERO_ZRPC_PORT": "3002", "SCHEDULEZERO_DEPLOYMENT": "blue"}

    loaded = load(environ=environ, flags={"--port": "4001"})

    effective = {key: (FIELDS[key].of(loaded.settings), loaded.origins[key]) for key in FIELDS if key.endswith("port")}
    assert effective == {
        "web.port": (4001, "--port"),
        "registry.port": (3002, "SCHEDULEZERO_ZRPC_PORT"),
        "registry.events_port": (1002, "config.yaml"),
        "registry.metrics_port": (4246, "default"),
        "scheduler.port": (2003, "deployment blue"),
        "scheduler.events_port": (1003, "config.yaml"),
        "scheduler.metrics_port": (1003, "config.yaml"),
    }


def test_the_file_sets_identity_sections_and_declared_schedules(tmp_path: Path) -> None:
    loaded = given(
        tmp_path,
        """
        instance_name: "My ScheduleZero Instance"
        description: "Production task scheduler"
        admin_contact: "admin@example.com"
        version: "1.0.0"
        web:
        logging: {level: debug}
        security: {allowed_hosts: [jobs.example]}
        handler: {advertise: null}
        schedules:
          - schedule_id: nightly
        """,
    )

    settings = loaded.settings
    assert (settings.instance_name, settings.version) == ("My ScheduleZero Instance", "1.0.0")
    assert settings.web == Settings().web
    assert settings.logging.level == "debug"
    assert settings.security.allowed_hosts == ("jobs.example",)
    assert loaded.schedules == ({"schedule_id": "nightly"},)
    assert loaded.origins["version"] == str(tmp_path / "config.yaml")


@pytest.mark.parametrize("text", ["", "# nothing\n", "schedules:\ndeployments:\n"])
def test_an_empty_file_is_all_defaults(tmp_path: Path, text: str) -> None:
    assert given(tmp_path, text).settings == Settings()


def test_an_argument_chooses_the_file_before_the_environment_does(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("web: {port: 1001}")
    (tmp_path / "b.yaml").write_text("web: {port: 1002}")

    loaded = load(environ={"SCHEDULEZERO_CONFIG_PATH": "a.yaml"}, config_path="b.yaml")

    assert (loaded.settings.web.port, loaded.origins["web.port"]) == (1002, "b.yaml")


def test_a_file_named_by_the_environment_may_be_absent() -> None:
    assert load(environ={"SCHEDULEZERO_CONFIG_PATH": "absent.yaml"}).settings == Settings()


def test_variables_of_tests_and_of_other_programs_are_left_alone() -> None:
    environ = {"SCHEDULEZERO_TEST_POSTGRESQL": "postgresql://…", "TORNADO_PORT": "x", "PATH": "/bin"}

    assert load(environ=environ).settings == Settings()


def test_the_built_in_deployments_and_the_default_share_no_port_database_or_state() -> None:
    instances = [load(environ={}, deployment=name).settings for name in (None, "dev", "test", "production")]

    ports = [FIELDS[key].of(settings) for settings in instances for key in FIELDS if key.endswith("port")]
    assert len(set(ports)) == len(ports) == 28
    assert len({settings.database_url for settings in instances}) == 4
    assert len({settings.registry_file for settings in instances}) == 4
    assert instances[2].database_url == "sqlite:///state/test/schedulezero_jobs.db"


def test_a_deployment_of_the_file_has_a_state_directory_of_its_own_below_the_common_one(tmp_path: Path) -> None:
    text = "state_dir: /var/lib/sz\ndeployments:\n  blue:\n  green: {state_dir: /srv/green}\n"

    blue = given(tmp_path, text, SCHEDULEZERO_DEPLOYMENT="blue")
    green = given(tmp_path, text, SCHEDULEZERO_DEPLOYMENT="green")

    assert blue.settings.registry_file == Path("/var/lib/sz/state/blue/handler_registry.yaml")
    assert green.settings.registry_file == Path("/srv/green/handler_registry.yaml")


def test_a_deployment_keeps_its_ports_where_the_top_level_names_others(tmp_path: Path) -> None:
    text = "web: {port: 9000}\ndeployments: {test: {registry: {port: 9001}}}\n"

    settings = given(tmp_path, text, SCHEDULEZERO_DEPLOYMENT="test").settings

    assert (settings.web.port, settings.registry.port, settings.registry.events_port) == (9088, 9001, 4443)


def test_a_deployment_uses_the_database_it_is_given(tmp_path: Path) -> None:
    text = "database: {url: postgresql://db/main}\ndeployments: {test: {database: {url: postgresql://db/test}}}\n"

    by_file = given(tmp_path, text, SCHEDULEZERO_DEPLOYMENT="test")
    by_variable = given(tmp_path, text, SCHEDULEZERO_DEPLOYMENT="dev", SCHEDULEZERO_DATABASE_URL="postgresql://db/dev")

    assert by_file.settings.database_url == "postgresql://db/test"
    assert by_variable.settings.database_url == "postgresql://db/dev"


@pytest.mark.parametrize(
    ("url", "located"),
    [
        ("sqlite:///jobs.db", "sqlite:////srv/sz/jobs.db"),
        ("sqlite:///sub/jobs.db?timeout=5", "sqlite:////srv/sz/sub/jobs.db?timeout=5"),
        ("sqlite:////data/jobs.db", "sqlite:////data/jobs.db"),
        ("postgresql://u:p@db:5432/jobs", "postgresql://u:p@db:5432/jobs"),
        ("postgresql:///jobs", "postgresql:///jobs"),
    ],
)
def test_only_a_relative_sqlite_path_moves_with_the_state_directory(url: str, located: str) -> None:
    loaded = load(environ={"SCHEDULEZERO_STATE_DIR": "/srv/sz", "SCHEDULEZERO_DATABASE_URL": url})

    assert loaded.settings.database_url == located


def test_others_connect_to_the_host_while_the_service_listens_on_its_bind_address() -> None:
    environ = {
        "SCHEDULEZERO_ZRPC_HOST": "registry.internal",
        "SCHEDULEZERO_REGISTRY_BIND": "::1",
        "SCHEDULEZERO_SCHEDULER_HOST": "fd00::7",
    }

    settings = load(environ=environ).settings

    assert settings.registry.connecting.commands == "tcp://registry.internal:4242"
    assert asdict(settings.registry.listening) == {"commands": "tcp://[::1]:4242", "events": "tcp://[::1]:4243"}
    assert settings.scheduler.connecting.events == "tcp://[fd00::7]:4245"
    assert settings.scheduler.listening.commands == "tcp://127.0.0.1:4244"


def test_addresses_open_to_other_machines_are_listed_for_warnings_once_permitted() -> None:
    environ = {
        "SCHEDULEZERO_SECURITY_INSECURE_BIND": "true",
        "SCHEDULEZERO_TORNADO_ADDR": "0.0.0.0",
        "SCHEDULEZERO_HANDLER_BIND": "tcp://worker-1:5001",
    }

    assert insecure_binds(load(environ=environ).settings) == ("web.addr", "handler.bind")
    assert insecure_binds(Settings()) == ()
