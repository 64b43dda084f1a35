"""The settings as text: the example file, the effective settings, the public part."""

from pathlib import Path

import pytest
import yaml

from schedulezero.runtime.settings import FIELDS, Settings, load, public, render_effective, render_example


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def uncommented(example: str) -> str:
    """Every line that shows a setting, without its leading #; comments in prose keep theirs."""
    names = {part for key in FIELDS for part in key.split(".")}
    lines = []
    for line in example.splitlines():
        bare = line.replace("# ", "", 1)
        lines.append(bare if bare.strip().partition(":")[0] in names else line)
    return "\n".join(lines)


def test_the_example_changes_nothing_as_it_stands() -> None:
    Path("config.yaml").write_text(render_example(), encoding="utf-8")

    loaded = load(environ={})

    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {"default"}


def test_the_example_shows_every_setting_with_its_default_and_its_variable() -> None:
    example = render_example()
    settings, schedules, _ = example.partition("# Schedules that")
    Path("config.yaml").write_text(uncommented(settings), encoding="utf-8")

    loaded = load(environ={})

    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {"config.yaml"}
    assert schedules
    assert all(field.variable in example and field.option in example for field in FIELDS.values())


def test_the_deployments_of_the_example_can_be_used() -> None:
    footer = render_example().partition("# deployments:")[2]
    Path("config.yaml").write_text("deployments:" + footer.replace("# ", ""), encoding="utf-8")

    assert load(environ={}, deployment="staging").settings.web.port == 9288


def test_the_effective_settings_are_yaml_with_the_origin_of_each() -> None:
    loaded = load(
        environ={"SCHEDULEZERO_TORNADO_PORT": "8889"}, flags={"--instance-name": 'a "b": #c'}, deployment="test"
    )

    text = render_effective(loaded)

    tree = yaml.safe_load(text)
    assert text.startswith("# config.yaml, deployment test\n")
    assert "  port: 8889  # SCHEDULEZERO_TORNADO_PORT\n" in text
    assert "  port: 4442  # deployment test\n" in text
    assert '  addr: "127.0.0.1"  # default\n' in text
    assert tree["instance_name"] == 'a "b": #c'
    Path("config.yaml").write_text(text, encoding="utf-8")
    assert load(environ={}).settings == loaded.settings


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:hunter2@db:5432/jobs", "postgresql://me:***@db:5432/jobs"),
        ("mysql://me:hunter@2@db/jobs", "mysql://me:***@db/jobs"),
        ("postgresql://db/jobs?user=me&Password=hunter2&x=1", "postgresql://db/jobs?user=me&Password=***&x=1"),
        ("postgresql://db:5432/jobs", "postgresql://db:5432/jobs"),
        ("sqlite:///jobs.db", "sqlite:///jobs.db"),
    ],
)
def test_passwords_of_the_database_are_masked(url: str, shown: str) -> None:
    text = render_effective(load(environ={"SCHEDULEZERO_DATABASE_URL": url}))

    assert yaml.safe_load(text)["database"]["url"] == shown
    assert "hunter" not in text


def test_a_secret_is_masked_and_what_is_not_there_is_null() -> None:
    secret = "sixteen characters"
    shown = render_effective(load(environ={"SCHEDULEZERO_SCHEDULER_WEBHOOK_SECRET": secret}))

    assert yaml.safe_load(shown)["scheduler"]["webhook_secret"] == "***"
    assert secret not in shown
    assert yaml.safe_load(render_effective(load(environ={})))["scheduler"]["webhook_secret"] is None


def test_the_public_part_is_who_and_where_and_nothing_of_the_inside() -> None:
    environ = {
        "SCHEDULEZERO_DATABASE_URL": "postgresql://me:hunter2@db/jobs",
        "SCHEDULEZERO_INSTANCE_NAME": "Jobs",
        "SCHEDULEZERO_SCHEDULER_WEBHOOK_URL": "https://hooks.example/secret-path",
        "SCHEDULEZERO_SCHEDULER_WEBHOOK_SECRET": "sixteen characters",
        "SCHEDULEZERO_DEPLOYMENT": "dev",
    }

    assert public(load(environ=environ)) == {
        "deployment": "dev",
        "instance_name": "Jobs",
        "description": "",
        "admin_contact": "",
        "version": "",
        "timezone": "UTC",
        "web": {"addr": "127.0.0.1", "port": 8988},
        "registry": {"host": "127.0.0.1", "port": 4342},
    }
