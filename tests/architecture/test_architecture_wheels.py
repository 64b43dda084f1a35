"""The wheels that users install: each can be built, and a worker project gets no more than it needs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WHEELS = {
    "schedulezero",
    "schedulezero_client",
    "schedulezero_handler_sdk",
    "schedulezero_protocol",
    "schedulezero_registry",
    "schedulezero_registry_service",
    "schedulezero_runtime",
    "schedulezero_scheduler",
    "schedulezero_scheduler_core",
    "schedulezero_testkit",
    "schedulezero_web",
    "schedulezero_web_gateway",
}
# Distributions by the name that pip knows them by; cffi is pyzmq's on PyPy alone.
SDK_BRINGS = {"schedulezero-handler-sdk", "schedulezero-protocol", "msgspec", "pyzmq"}
UV = os.environ.get("UV") or shutil.which("uv")

pytestmark = pytest.mark.skipif(UV is None, reason="needs uv; install with pip install uv, or use `make test`")


def uv(*arguments: str | Path) -> str:
    assert UV is not None
    done = subprocess.run([UV, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    uv("build", "--quiet", "--wheel", "--all-packages", "--out-dir", folder)
    return folder


def test_every_distribution_makes_a_wheel(wheels: Path) -> None:
    assert {wheel.name.partition("-")[0] for wheel in wheels.glob("*.whl")} == WHEELS


def test_a_worker_project_gets_the_sdk_with_two_libraries(wheels: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    uv("venv", "--quiet", environment)
    python = environment / "bin/python"

    uv("pip", "install", "--quiet", "--python", python, "--find-links", wheels, "schedulezero-handler-sdk")

    listed = uv("pip", "list", "--quiet", "--python", python, "--format", "freeze")
    assert {line.partition("==")[0] for line in listed.split()} == SDK_BRINGS
    program = "from schedulezero.handler import Handler; print(Handler('reports').id)"
    ran = subprocess.run([python, "-c", program], capture_output=True, text=True, timeout=60)
    assert ran.stdout == "reports\n"
