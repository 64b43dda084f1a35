"""The images, built and run without a container engine: what their Dockerfiles say is carried out below a directory.

A line that copies is carried out with the files that `.dockerignore` lets through; of the lines that run something,
those are carried out that call the scripts of `deploy/`. What an image holds is then started as the Dockerfile and
`compose.yaml` say, on the loopback interface. Third parties come from the package index, or uv's cache of it.
"""

import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import pytest
import yaml

from schedulezero.testkit.api import Api
from schedulezero.testkit.ports import free_ports
from schedulezero.testkit.programs import Program
from schedulezero.testkit.waiting import eventually

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
NAMES = ("registry", "scheduler", "web-gateway", "handler")
UV = os.environ.get("UV") or shutil.which("uv")
# The directories of an image, which are below one of ours here.
_WITHIN = re.compile(r"(?<![\w.$}])/(?=(?:docs|opt|src|wheels|var/lib)\b)")
_BUILD_SECONDS = 110
_PORTS = (
    "SCHEDULEZERO_TORNADO_PORT",
    "SCHEDULEZERO_ZRPC_PORT",
    "SCHEDULEZERO_REGISTRY_EVENTS_PORT",
    "SCHEDULEZERO_REGISTRY_METRICS_PORT",
    "SCHEDULEZERO_SCHEDULER_PORT",
    "SCHEDULEZERO_SCHEDULER_EVENTS_PORT",
    "SCHEDULEZERO_SCHEDULER_METRICS_PORT",
)


# -- Dockerfiles ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    word: str
    text: str

    @property
    def array(self) -> list[str]:
        """Its arguments in exec form; options before it are left out."""
        return list(json.loads(self.text[self.text.index("[") :]))

    @property
    def copied(self) -> list[tuple[list[str], str]]:
        """Sources and target, where it copies from the build context; else nothing."""
        if self.word != "COPY" or self.text.startswith("--from="):
            return []
        *sources, target = shlex.split(self.text)
        return [(sources, target)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    name: str
    base: str
    instructions: tuple[Instruction, ...]

    def all(self, word: str) -> list[Instruction]:
        return [one for one in self.instructions if one.word == word]

    def last(self, word: str) -> Instruction:
        return self.all(word)[-1]

    @property
    def environment(self) -> dict[str, str]:
        pairs = (pair.partition("=") for one in self.all("ENV") for pair in shlex.split(one.text))
        return {name: value for name, _, value in pairs}


class Dockerfile:
    """What is written in `deploy/docker/NAME.Dockerfile`."""

    def __init__(self, name: str) -> None:
        self.name, self.path = name, DEPLOY / "docker" / f"{name}.Dockerfile"
        self.text = self.path.read_text()

    @cached_property
    def stages(self) -> list[Stage]:
        _arguments, *stages = re.split(r"^FROM ", self._joined, flags=re.MULTILINE)
        return [self._stage(text) for text in stages]

    @property
    def build(self) -> Stage:
        (stage,) = (stage for stage in self.stages if stage.name == "build")
        return stage

    @property
    def final(self) -> Stage:
        return self.stages[-1]

    @property
    def _joined(self) -> str:
        without_comments = re.sub(r"^#.*\n", "", self.text, flags=re.MULTILINE)
        return re.sub(r"\\\n\s*", "", without_comments)

    def _stage(self, text: str) -> Stage:
        head, *lines = text.splitlines()
        base, _, name = head.partition(" AS ")
        words = (line.partition(" ") for line in lines if line)
        return Stage(
            name=name,
            base=self._filled(base),
            instructions=tuple(Instruction(word=word, text=self._filled(text)) for word, _, text in words),
        )

    def _filled(self, text: str) -> str:
        """Put in the arguments of the build that have a default."""
        defaults = dict(re.findall(r"^ARG (\w+)=(\S+)$", self.text, re.MULTILINE))
        return re.sub(r"\$\{(\w+)\}", lambda found: defaults[found[1]], text)


# -- the build context ----------------------------------------------------------------------------------------------


class Context:
    """The files that are sent to a build: those that `.dockerignore` names with a `!`, less those it names after."""

    def __init__(self) -> None:
        lines = (ROOT / ".dockerignore").read_text().splitlines()
        rules = [line for line in lines if line and not line.startswith("#")]
        self.everything, self.sent = rules[0], [rule[1:] for rule in rules if rule.startswith("!")]
        self._unsent = [rule for rule in rules[1:] if not rule.startswith("!")]

    def sends(self, path: str) -> bool:
        within = any(path == sent or path.startswith(f"{sent}/") for sent in self.sent)
        return within and (ROOT / path).exists() and not self._leaves_out(path)

    def copy(self, path: str, target: Path) -> None:
        """Copy a file or directory of the checkout as a build would get it."""
        source = ROOT / path
        if source.is_dir():
            shutil.copytree(source, target, ignore=self._left_out, dirs_exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)

    def _left_out(self, directory: str, names: list[str]) -> set[str]:
        below = Path(directory).relative_to(ROOT)
        return {name for name in names if self._leaves_out((below / name).as_posix())}

    def _leaves_out(self, path: str) -> bool:
        return any(_matches(rule, path) for rule in self._unsent)


def _matches(rule: str, path: str) -> bool:
    anywhere, below = rule.startswith("**/"), rule.removeprefix("**/").split("/")
    parts = path.split("/")
    parts = parts[-len(below) :] if anywhere else parts
    return len(parts) == len(below) and all(map(fnmatch.fnmatch, parts, below))


# -- images ---------------------------------------------------------------------------------------------------------


class Image:
    """What a Dockerfile makes, below a directory that stands for the root of its file system."""

    def __init__(self, dockerfile: Dockerfile, root: Path) -> None:
        self.dockerfile, self.root = dockerfile, root
        self.venv, self.state = root / "opt/schedulezero", root / "var/lib/schedulezero"
        self.wheels = root / "wheels"

    def build(self, context: Context, *, pages: bool = False) -> Self:
        """Carry out the lines that copy or call our scripts; with `pages`, those that build islands and docs too.

        All stages have one root here, so that nothing is to be copied from one to another.
        """
        begins = ("deploy/", *(("npm ", "uv ") if pages else ()))
        for stage in self.dockerfile.stages:
            for instruction in stage.instructions:
                if instruction in stage.all("RUN") and instruction.text.startswith(begins):
                    run_script(self.place(instruction.text), directory=self._directory(stage))
                for sources, target in instruction.copied:
                    for source in sources:
                        context.copy(source, self._target(source, len(sources), stage, target))
        self.state.mkdir(parents=True)
        return self

    @property
    def environment(self) -> dict[str, str]:
        """The environment that the Dockerfile gives, and nothing else."""
        surroundings = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
        given = self.dockerfile.final.environment
        return surroundings | {name: self.place(text.replace("$PATH", os.defpath)) for name, text in given.items()}

    @property
    def command(self) -> list[str]:
        return [self.place(part) for part in self.dockerfile.final.last("ENTRYPOINT").array]

    def place(self, text: str) -> str:
        """Return `text` with the paths of the image as they are here."""
        return _WITHIN.sub(f"{self.root}/", text)

    def distributions(self) -> dict[str, str]:
        """The distributions that its environment holds, with their versions."""
        program = (
            "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
        )
        listed = subprocess.run(
            [self.venv / "bin/python", "-c", program], capture_output=True, text=True, check=True, timeout=60
        )
        return dict(json.loads(listed.stdout))

    def _directory(self, stage: Stage) -> Path:
        return Path(self.place(stage.last("WORKDIR").text))

    def _target(self, source: str, count: int, stage: Stage, target: str) -> Path:
        """A directory is copied as what is in it, a file by its name where the target is a directory."""
        place = self._directory(stage) / self.place(target)
        into = (target.endswith("/") or count > 1) and not (ROOT / source).is_dir()
        return place / Path(source).name if into else place


class Images(dict[str, Image]):
    """Images by name, each built when it is first asked for."""

    def __init__(self, dockerfiles: dict[str, Dockerfile], context: Context, root: Path) -> None:
        super().__init__()
        self._dockerfiles, self._context, self._root = dockerfiles, context, root

    def __missing__(self, name: str) -> Image:
        self[name] = Image(self._dockerfiles[name], self._root / name).build(self._context)
        return self[name]


def run_script(script: str, *, directory: Path, **variables: str) -> str:
    """Run a script that has to succeed, and return what it says; what it has started ends with it."""
    with subprocess.Popen(
        ["sh", "-e", "-c", script],
        cwd=directory,
        env=build_environment(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            said, complained = running.communicate(timeout=_BUILD_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            raise
    assert running.returncode == 0, complained
    return said


def build_environment(**variables: str) -> dict[str, str]:
    """The environment that a build has here: this Python, this uv, and no settings of ours."""
    here = {name: value for name, value in os.environ.items() if not name.startswith(("SCHEDULEZERO_", "VIRTUAL_ENV"))}
    python, path = os.path.realpath(sys.executable), f"{Path(str(UV)).parent}{os.pathsep}{os.environ['PATH']}"
    return here | {"PYTHON": python, "UV_PYTHON": python, "UV": str(UV), "PATH": path} | variables


# -- the services of compose.yaml -----------------------------------------------------------------------------------


class Composed:
    """The services of `compose.yaml` as processes, each with what its image holds and the settings it is given there.

    Args:
        images: by the name of their Dockerfile.
        directory: where each gets a working directory of its own, which is empty, and a log.
    """

    def __init__(self, images: Images, directory: Path) -> None:
        self.directory = directory
        self.ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
        self.images = {
            name: images[dockerfile_of(one)] for name, one in compose()["services"].items() if "build" in one
        }
        self.programs = {name: self._program(name) for name in self.images}
        self.api = Api(f"http://127.0.0.1:{self.ports['SCHEDULEZERO_TORNADO_PORT']}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.api.close()
        for program in reversed(self.programs.values()):
            program.close()

    def start(self) -> None:
        """Start all, and return once a job can run."""
        for program in self.programs.values():
            program.start()
        self.await_work()

    def await_work(self) -> None:
        eventually(lambda: self.api.reaches("/api/health/ready"), within=30, what="readiness")
        eventually(
            lambda: self.api.post("/api/handlers/reports/ping").status_code == 200, within=30, what="the handler"
        )

    def working_directory(self, name: str) -> Path:
        return self.directory / name / "empty"

    def state(self, name: str) -> Path:
        return self.directory / name / "state"

    def environment(self, name: str) -> dict[str, str]:
        """All of a service's environment: that of its image, that of `compose.yaml`, and ports that are free here."""
        image = self.images[name]
        told = compose()["services"][name]["environment"]
        given = {variable: on_loopback(value) if is_address(variable) else value for variable, value in told.items()}
        ports = {variable: str(port) for variable, port in self.ports.items()}
        whole = image.environment | given | ports
        if "SCHEDULEZERO_STATE_DIR" in whole:
            whole["SCHEDULEZERO_STATE_DIR"] = str(self.state(name))
        return whole

    def healthy(self, name: str) -> int:
        """Carry out the health check of a service, and return its exit code."""
        image = self.images[name]
        own = compose()["services"][name].get("healthcheck", {}).get("test", [None])[1:]
        command = own or image.dockerfile.final.last("HEALTHCHECK").array
        defaults = {"8888": "TORNADO", "4246": "REGISTRY_METRICS", "4247": "SCHEDULER_METRICS"}
        here = {port: str(self.ports[f"SCHEDULEZERO_{variable}_PORT"]) for port, variable in defaults.items()}
        check = [here.get(part, image.place(part)) for part in command]
        return subprocess.run(check, env=image.environment, capture_output=True, timeout=30).returncode

    def _program(self, name: str) -> Program:
        self.working_directory(name).mkdir(parents=True)
        command = ["sh", "-c", 'cd "$0" && exec "$@"', str(self.working_directory(name)), *self.images[name].command]
        return Program(name, command, environ=self.environment(name), directory=self.directory / name)


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text()))


def dockerfile_of(service: dict[str, Any]) -> str:
    return Path(service["build"]["dockerfile"]).name.removesuffix(".Dockerfile")


def is_address(variable: str) -> bool:
    return variable.endswith(("_ADDR", "_BIND", "_HOST")) and variable != "SCHEDULEZERO_SECURITY_INSECURE_BIND"


def on_loopback(value: str) -> str:
    """Return a setting of `compose.yaml` for one machine: its names and interfaces are the loopback one's."""
    if value in compose()["services"] or value == "0.0.0.0":
        return "127.0.0.1"
    return value.replace("//eth0:", "//lo:")


# -- fixtures -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def dockerfiles() -> dict[str, Dockerfile]:
    return {name: Dockerfile(name) for name in NAMES}


@pytest.fixture(scope="session")
def context() -> Context:
    return Context()


@pytest.fixture(scope="session")
def images(
    dockerfiles: dict[str, Dockerfile], context: Context, tmp_path_factory: pytest.TempPathFactory, uv: str
) -> Images:
    return Images(dockerfiles, context, tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def uv() -> str:
    """The uv to build with."""
    if UV is None:
        pytest.skip("needs uv; install with pip install uv, or use `make test`")
    return UV


@pytest.fixture(scope="session")
def running(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    """The services of `compose.yaml`, all of them running, for tests that leave them so."""
    with Composed(images, tmp_path_factory.mktemp("running")) as services:
        services.start()
        yield services


@pytest.fixture
def composed(images: Images, tmp_path: Path) -> Iterator[Composed]:
    """The services of `compose.yaml`, of which nothing runs yet."""
    with Composed(images, tmp_path) as services:
        yield services


@pytest.fixture(scope="session")
def composition() -> dict[str, Any]:
    """What `compose.yaml` says."""
    return compose()


@pytest.fixture(scope="session")
def building() -> Callable[..., dict[str, str]]:
    """Gives the environment for the scripts of `deploy/`."""
    return build_environment


@pytest.fixture(scope="session")
def scripts() -> Callable[..., str]:
    """Runs a script that has to succeed."""
    return run_script
