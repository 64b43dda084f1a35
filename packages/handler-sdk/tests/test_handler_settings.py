"""What the environment tells a handler, and what is said of a value that cannot be used."""

import pytest

from schedulezero.handler import SettingsError
from schedulezero.handler.settings import Overrides, Settings, advertised, read_settings


def read(**environment: str) -> Settings:
    return read_settings("reports", {f"SCHEDULEZERO_{name}": value for name, value in environment.items()}, Overrides())


def test_the_defaults_need_nothing_and_the_instance_id_is_new_each_time() -> None:
    first, second = read(), read()

    assert (first.registry, first.bind, first.advertise) == ("tcp://127.0.0.1:4242", "tcp://127.0.0.1:0", None)
    assert (first.capacity, first.drain_seconds) == (16, 10)
    assert first.instance_id.startswith("reports-")
    assert first.instance_id != second.instance_id


def test_every_setting_is_read() -> None:
    settings = read(
        ZRPC_HOST="registry.local",
        ZRPC_PORT="14242",
        HANDLER_BIND="tcp://0.0.0.0:5001",
        HANDLER_ADVERTISE="tcp://worker-1:5001",
        HANDLER_CONCURRENCY="3",
        HANDLER_INSTANCE_ID="reports-1",
        HANDLER_DRAIN_SECONDS="2.5",
        SECURITY_INSECURE_BIND="true",
    )

    assert settings == Settings(
        registry="tcp://registry.local:14242",
        bind="tcp://0.0.0.0:5001",
        advertise="tcp://worker-1:5001",
        capacity=3,
        instance_id="reports-1",
        drain_seconds=2.5,
    )


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("ZRPC_PORT", "http", "give a number from 1 to 65535"),
        ("ZRPC_PORT", "0", "give a number from 1 to 65535"),
        ("ZRPC_HOST", "tcp://registry", "give the host name or IPv4 address"),
        ("ZRPC_HOST", "*", "give the host name or IPv4 address"),
        ("HANDLER_CONCURRENCY", "0", "give a number from 1"),
        ("HANDLER_CONCURRENCY", "1.5", "give a number from 1"),
        ("HANDLER_DRAIN_SECONDS", "nan", "give a number from 0"),
        ("HANDLER_INSTANCE_ID", "my worker", "give 1 to 200 letters"),
        ("HANDLER_BIND", "127.0.0.1:5000", "give tcp://ADDRESS:PORT"),
        ("HANDLER_BIND", "tcp://127.0.0.1:99999", "give tcp://ADDRESS:PORT"),
        ("HANDLER_ADVERTISE", "worker", "give tcp://ADDRESS:PORT"),
    ],
)
def test_a_bad_value_is_one_line_with_its_variable_and_the_remedy(name: str, value: str, remedy: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(**{name: value})

    assert str(caught.value).startswith(f"SCHEDULEZERO_{name}=")
    assert remedy in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bind", ["tcp://0.0.0.0:0", "tcp://*:5000", "tcp://10.0.0.5:5000", "tcp://eth0:*"])
def test_a_bind_that_others_can_reach_needs_a_permission(bind: str) -> None:
    with pytest.raises(SettingsError, match="permit it by SCHEDULEZERO_SECURITY_INSECURE_BIND=true"):
        read(HANDLER_BIND=bind, HANDLER_ADVERTISE="tcp://worker:5000")

    assert read(HANDLER_BIND=bind, HANDLER_ADVERTISE="tcp://worker:5000", SECURITY_INSECURE_BIND="TRUE").bind == bind


@pytest.mark.parametrize("bind", ["tcp://127.0.0.1:5000", "tcp://127.3.2.1:0", "tcp://localhost:0", "ipc:///tmp/h"])
def test_a_bind_that_nobody_else_can_reach_needs_none(bind: str) -> None:
    assert read(HANDLER_BIND=bind).bind == bind


@pytest.mark.parametrize("bind", ["tcp://0.0.0.0:0", "tcp://*:5000", "tcp://[::]:5000"])
def test_a_bind_to_every_address_must_say_which_one_to_connect_to(bind: str) -> None:
    with pytest.raises(SettingsError, match="set SCHEDULEZERO_HANDLER_ADVERTISE=tcp://HOST:PORT"):
        read(HANDLER_BIND=bind, SECURITY_INSECURE_BIND="true")


def test_the_permission_is_a_yes_or_a_no() -> None:
    with pytest.raises(SettingsError, match="SCHEDULEZERO_SECURITY_INSECURE_BIND='perhaps': give true or false"):
        read(HANDLER_BIND="tcp://10.0.0.5:0", SECURITY_INSECURE_BIND="perhaps")


@pytest.mark.parametrize(
    ("advertise", "told"),
    [("", "tcp://127.0.0.1:4001"), ("tcp://worker:0", "tcp://worker:4001"), ("tcp://worker:9", "tcp://worker:9")],
)
def test_what_is_advertised_has_the_port_that_was_bound_unless_it_names_one(advertise: str, told: str) -> None:
    assert advertised(read(HANDLER_ADVERTISE=advertise), "tcp://127.0.0.1:4001") == told


def test_what_an_embedding_program_decides_is_not_taken_from_the_environment() -> None:
    given = Overrides(registry="inproc://registry", bind="inproc://demo", instance_id="demo")
    environment = {"SCHEDULEZERO_HANDLER_BIND": "tcp://0.0.0.0:0", "SCHEDULEZERO_HANDLER_ADVERTISE": "tcp://w:1"}

    settings = read_settings("demo", environment, given)

    assert (settings.registry, settings.bind, settings.instance_id) == ("inproc://registry", "inproc://demo", "demo")
    assert settings.advertise is None
