"""What is refused, and that each message names the setting, its source and the remedy."""

from pathlib import Path

import pytest

from schedulezero.runtime.errors import StartError
from schedulezero.runtime.settings import SettingsError, load


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refusal(*, file: str | None = None, deployment: str | None = None, **environ: str) -> str:
    if file is not None:
        Path("config.yaml").write_text(file, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load(environ={f"SCHEDULEZERO_{name}": text for name, text in environ.items()}, deployment=deployment)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("TORNADO_PORT", "70000", "web.port (SCHEDULEZERO_TORNADO_PORT): '70000' is not a port from 1 to 65535, or 0"),
        ("TORNADO_PORT", "", "web.port (SCHEDULEZERO_TORNADO_PORT): is empty; give a port from 1 to 65535"),
        ("TORNADO_PORT", "eighty", "'eighty' is not a port"),
        ("ZRPC_PORT", "0", "registry.port (SCHEDULEZERO_ZRPC_PORT): '0' is not a port from 1 to 65535"),
        ("REGISTRY_METRICS_PORT", "-1", "'-1' is not a port from 1 to 65535, or 0 for none"),
        ("ZRPC_HOST", "tcp://registry", "'tcp://registry' is not a host name or an IP address, without port"),
        ("ZRPC_HOST", "registry:4242", "'registry:4242' is not a host name"),
        ("ZRPC_HOST", "300.1.1.1", "'300.1.1.1' is not a host name"),
        ("REGISTRY_BIND", "*", "'*' is not an address to listen on, such as 127.0.0.1"),
        ("HANDLER_BIND", "127.0.0.1:5001", "'127.0.0.1:5001' is not an address to listen on, such as tcp://"),
        ("HANDLER_BIND", "tcp://127.0.0.1:70000", "is not an address to listen on"),
        ("HANDLER_ADVERTISE", "tcp://worker-1:0", "is not an address such as tcp://worker-1:5001"),
        ("HANDLER_CONCURRENCY", "0", "'0' is not a whole number from 1 to 10000"),
        ("REGISTRY_LEASE_SECONDS", "nan", "'nan' is not a number of seconds from 4 to 300"),
        ("LOGGING_LEVEL", "loud", "'loud' is not one of debug, info, warning, error"),
        ("SECURITY_INSECURE_BIND", "yes", "'yes' is not true or false"),
        ("SECURITY_ALLOWED_HOSTS", "a.example,,b:80", "'a.example,,b:80' is not a list of host names"),
        ("TIMEZONE", "Mars/Olympus", "'Mars/Olympus' is not a time zone of the IANA database, such as Europe/Berlin"),
        ("TIMEZONE", "../../etc/passwd", "is not a time zone"),
        ("INSTANCE_NAME", " ", "instance_name (SCHEDULEZERO_INSTANCE_NAME): ' ' is not one line of text"),
        (
            "DATABASE_URL",
            "sqlite://",
            "database.url (SCHEDULEZERO_DATABASE_URL): the value is not the URL of a database",
        ),
        ("DATABASE_URL", "sqlite:///:memory:", "is not the URL of a database"),
        ("DATABASE_URL", "oracle://db/x", "sqlite:///FILE, postgresql://…, mysql://… or mariadb://…"),
        ("DATABASE_URL", "postgresql://db:port/x", "is not the URL of a database"),
    ],
)
def test_a_bad_variable_is_one_line_with_field_source_and_remedy(name: str, text: str, expected: str) -> None:
    message = refusal(**{name: text})

    assert expected in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("web: {port: '8888'}", "web.port (config.yaml): '8888' is not a port"),
        ("web: {port: 88.5}", "web.port (config.yaml): 88.5 is not a port"),
        ("web: {port: true}", "web.port (config.yaml): True is not a port"),
        ("web: {port: }", "web.port (config.yaml): is empty; give a port"),
        ("version: 1.0", "version (config.yaml): 1.0 is not text; put it in quotes"),
        ("web: {prot: 1}", "web.prot (config.yaml): there is no such key; did you mean web.port?"),
        ("instance_nam: x", "instance_nam (config.yaml): there is no such key; did you mean instance_name?"),
        ("webb: {port: 1}", "webb (config.yaml): there is no such key; did you mean web?"),
        ("port: 8888", "port (config.yaml): there is no such key; did you mean web.port?"),
        ("web: 8888", "web (config.yaml): is a section; write its fields beneath it, indented"),
        ("deployments: {dev: {web: {prot: 1}}}", "deployments.dev.web.prot (deployment dev): there is no such key"),
        ("deployments: {dev: {web: {prot: 1}}}", "did you mean deployments.dev.web.port?"),
        ("deployments: {dev: 1}", "config.yaml: deployments.dev: write `name: value` lines"),
        ("deployments: {../x: {}}", "deployments.../x: a deployment is named with letters"),
        ("schedules: {a: 1}", "config.yaml: schedules: write a list"),
        ("- a\n- b", "config.yaml: the file: write `name: value` lines"),
        ("web: {port: 1\nx", "config.yaml: line 2, column 2: expected ',' or '}'"),
        ("web: {port: 1, port: 2}", "config.yaml: line 1, column 16: the key 'port' occurs twice; remove one"),
        ("web: !!python/object:os.x {}", "config.yaml: line 1, column 6: could not determine a constructor"),
        ("a: \x01", "config.yaml: "),
    ],
)
def test_a_bad_file_is_one_line_that_leads_to_the_place(file: str, expected: str) -> None:
    message = refusal(file=file)

    assert expected in message
    assert "\n" not in message


def test_an_unknown_variable_names_the_nearest() -> None:
    assert refusal(TORNADO_PROT="1") == (
        "SCHEDULEZERO_TORNADO_PROT: there is no such variable; did you mean SCHEDULEZERO_TORNADO_PORT?"
    )
    assert refusal(DEPLOYMENTS="dev").endswith("did you mean SCHEDULEZERO_DEPLOYMENT?")


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match=r"--prot: there is no such option; did you mean --port\?"):
        load(environ={}, flags={"--prot": "1"})


def test_a_bad_option_is_named_as_the_source() -> None:
    with pytest.raises(SettingsError, match=r"^web\.port \(--port\): '70000' is not a port"):
        load(environ={}, flags={"--port": "70000"})


def test_two_names_of_one_variable_must_agree() -> None:
    message = refusal(TORNADO_PORT="1001", WEB_PORT="1002")

    assert message == (
        "web.port: SCHEDULEZERO_TORNADO_PORT and SCHEDULEZERO_WEB_PORT give different values; set one of them"
    )
    assert load(environ={"SCHEDULEZERO_TORNADO_PORT": "1", "SCHEDULEZERO_WEB_PORT": "1"}).settings.web.port == 1


def test_an_unknown_deployment_lists_the_known_ones() -> None:
    message = refusal(file="deployments: {blue: {}}", deployment="tset")

    assert message == "there is no deployment 'tset'; did you mean test? Known: dev, test, production, blue"


def test_a_database_of_the_top_level_is_not_shared_among_deployments_unawares() -> None:
    message = refusal(file="database: {url: postgresql://u:hunter2@db/jobs}", deployment="test")

    assert message == (
        "database.url (config.yaml) would be shared by every deployment; "
        "set deployments.test.database.url, or SCHEDULEZERO_DATABASE_URL"
    )


def test_an_absolute_registry_file_of_the_top_level_is_not_shared_either() -> None:
    assert "deployments.dev.registry.path" in refusal(file="registry: {path: /srv/r.yaml}", deployment="dev")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TORNADO_ADDR", "0.0.0.0"),
        ("REGISTRY_BIND", "::"),
        ("SCHEDULER_BIND", "10.0.0.1"),
        ("METRICS_BIND", "scheduler.internal"),
        ("HANDLER_BIND", "tcp://0.0.0.0:5001"),
    ],
)
def test_listening_to_other_machines_is_refused_with_the_setting_that_permits_it(name: str, text: str) -> None:
    message = refusal(**{name: text})

    assert f"(SCHEDULEZERO_{name}): {text} can be reached from other machines" in message
    assert "listen on 127.0.0.1, or permit it with SCHEDULEZERO_SECURITY_INSECURE_BIND=true" in message
    load(environ={f"SCHEDULEZERO_{name}": text, "SCHEDULEZERO_SECURITY_INSECURE_BIND": "true"})


def test_all_faults_are_told_at_once_each_on_its_line_with_its_path() -> None:
    Path("config.yaml").write_text("web: {port: 99999}\ndeployments: {dev: {logging: {level: loud}}}\n")

    with pytest.raises(SettingsError) as caught:
        load(environ={"SCHEDULEZERO_ZRPC_PORT": "x", "SCHEDULEZERO_TORNADO_PORT": "8888"})

    assert [detail.path for detail in caught.value.problem.details] == ["web.port", "registry.port", "logging.level"]
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize("url", ["https://me:hunter2@h/", "h/hook", "ftp://h/", "https://h/" + "x" * 2000, ""])
def test_a_webhook_url_that_is_none_is_refused_without_showing_it(url: str) -> None:
    message = refusal(SCHEDULER_WEBHOOK_URL=url)

    assert "scheduler.webhook_url" in message
    assert "http:// or https://" in message
    assert "hunter2" not in message


@pytest.mark.parametrize("statuses", ["pending", "error,", "error;timeout", ""])
def test_a_webhook_is_told_of_final_statuses_only(statuses: str) -> None:
    message = refusal(SCHEDULER_WEBHOOK_ON=statuses)

    assert "scheduler.webhook_on" in message
    assert "success, error, timeout, cancelled, skipped" in message


@pytest.mark.parametrize("secret", ["too short", "x" * 201, "sixteen and more\nin two lines"])
def test_a_secret_that_cannot_be_used_is_not_shown(secret: str) -> None:
    message = refusal(SCHEDULER_WEBHOOK_SECRET=secret)

    assert "16 to 200 characters" in message
    assert secret not in message


def test_a_misplaced_or_malformed_database_url_does_not_show_its_password() -> None:
    url = "postgres://me:hunter2@db/jobs"

    assert "hunter2" not in refusal(DATABASE_URL=url)
    assert "hunter2" not in refusal(file=f"database: {url}")
    assert "hunter2" not in refusal(file=f"database_url: {url}")


def test_a_file_asked_for_by_option_must_exist() -> None:
    with pytest.raises(SettingsError, match=r"^absent\.yaml: there is no such file; `schedulezero config init`"):
        load(environ={}, config_path="absent.yaml")


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        load(environ={}, config_path=str(tmp_path))
    Path("latin.yaml").write_bytes(b"instance_name: B\xfcro")
    with pytest.raises(StartError, match=r"^latin\.yaml: cannot be read: .*utf-8"):
        load(environ={}, config_path="latin.yaml")
