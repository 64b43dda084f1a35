"""The Dockerfiles: small images of one program each, that no user root runs."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from schedulezero.runtime.settings import FIELDS, load
from schedulezero.testkit.programs import CONSOLE_SCRIPTS

ROOT = Path(__file__).parents[2]
NAMES = ("registry", "scheduler", "web-gateway", "handler")
PORTS = {
    "registry": ["registry.port", "registry.events_port", "registry.metrics_port"],
    "scheduler": ["scheduler.port", "scheduler.events_port", "scheduler.metrics_port"],
    "web-gateway": ["web.port"],
    "handler": [],
}


@pytest.fixture(params=NAMES)
def dockerfile(request: pytest.FixtureRequest, dockerfiles: dict[str, Any]) -> Any:
    return dockerfiles[request.param]


def test_the_linter_has_nothing_to_say(dockerfile: Any) -> None:
    linted = subprocess.run([CONSOLE_SCRIPTS / "hadolint", dockerfile.path], capture_output=True, text=True, timeout=60)

    assert linted.stdout + linted.stderr == ""
    assert linted.returncode == 0


def test_the_linter_would_find_a_fault(tmp_path: Path) -> None:
    faulty = tmp_path / "Dockerfile"
    faulty.write_text("FROM python:latest\nRUN cd /tmp\nUSER root\n")

    linted = subprocess.run([CONSOLE_SCRIPTS / "hadolint", faulty], capture_output=True, text=True, timeout=60)

    assert linted.returncode == 1
    assert {"DL3007", "DL3003", "DL3002"} <= set(re.findall(r"DL\d+", linted.stdout))


def test_what_builds_stays_out_of_the_image(dockerfile: Any) -> None:
    final = dockerfile.final

    assert len(dockerfile.stages) > 1
    assert final.base == dockerfile.build.base == "python:3.13-slim-bookworm"
    assert next(one.text for one in final.all("COPY") if "--from=" in one.text) == (
        "--from=build /opt/schedulezero /opt/schedulezero"
    )
    assert all(one.text.startswith("install -d ") for one in final.all("RUN"))


def test_it_is_no_user_root_that_runs_it(dockerfile: Any) -> None:
    after_user = [one.word for one in dockerfile.final.instructions]

    assert dockerfile.final.last("USER").text == "10001:10001"
    assert "RUN" not in after_user[after_user.index("USER") :]


def test_the_program_is_the_first_process_and_hears_its_signals(dockerfile: Any) -> None:
    final = dockerfile.final

    assert final.last("ENTRYPOINT").text.startswith("[")
    assert final.all("CMD") == final.all("STOPSIGNAL") == []


def test_its_health_is_asked_for_with_what_is_in_the_image(dockerfile: Any) -> None:
    check = dockerfile.final.last("HEALTHCHECK")

    assert check.text == "NONE" if dockerfile.name == "handler" else check.array[:2] == ["python", "/opt/healthy.py"]


def test_its_ports_are_those_of_the_settings(dockerfile: Any) -> None:
    exposed = [port for one in dockerfile.final.all("EXPOSE") for port in one.text.split()]
    checked = [] if dockerfile.name == "handler" else dockerfile.final.last("HEALTHCHECK").array[2:3]

    assert exposed == [str(FIELDS[key].default) for key in PORTS[dockerfile.name]]
    assert set(checked) <= set(exposed)


def test_its_variables_are_settings(dockerfile: Any) -> None:
    ours = {name: text for name, text in dockerfile.final.environment.items() if name.startswith("SCHEDULEZERO_")}

    assert load(environ=ours).settings


def test_all_it_copies_is_sent_to_the_build(dockerfile: Any, context: Any) -> None:
    instructions = [one for stage in dockerfile.stages for one in stage.instructions]
    copied = [source for one in instructions for sources, _ in one.copied for source in sources]

    assert [source for source in copied if not context.sends(source)] == []


def test_all_images_are_built_in_the_same_way(dockerfiles: dict[str, Any]) -> None:
    def steps(name: str) -> list[str]:
        lines = [f"{one.word} {one.text}" for one in dockerfiles[name].build.instructions]
        return [re.sub(r"(?<=/opt/schedulezero )\S+( '\S+\[\S+\]')?$", "DISTRIBUTION", line) for line in lines]

    def beside_the_pages(line: str) -> bool:
        return not re.search(r"docs|islands", line)

    assert steps("scheduler") == steps("registry") == steps("handler")
    assert list(filter(beside_the_pages, steps("web-gateway"))) == steps("scheduler")


def test_only_what_is_named_is_sent_to_a_build(context: Any) -> None:
    assert context.everything == "*"
    assert not any(
        context.sends(path) for path in (".git", ".venv", "tests/deploy", "islands/node_modules", "README.md")
    )


@pytest.mark.slow
@pytest.mark.timeout(480)
@pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm; install with apt-get install npm")
def test_the_image_of_the_gateway_has_the_islands_and_the_documentation(
    images: Any, dockerfiles: dict[str, Any], context: Any, tmp_path: Path
) -> None:
    image = type(images["web-gateway"])(dockerfiles["web-gateway"], tmp_path).build(context, pages=True)

    built = next(image.venv.glob("lib/python*/site-packages/schedulezero/web/microsites/container/assets/built"))
    assert {"htmx.min.js", "schedule-grid.min.js"} <= {file.name for file in built.iterdir()}
    docs = Path(image.environment["SCHEDULEZERO_WEB_DOCS_PATH"])
    assert docs == tmp_path / "opt/docs"
    assert (tmp_path / "docs/deployment/containers/index.html").is_file()
