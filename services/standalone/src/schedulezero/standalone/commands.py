"""The commands of `schedulezero`: what each is called, takes and starts.

What a command needs is imported when it runs, so that each starts fast.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from schedulezero.runtime.options import OptionParser, add_setting_options, given_options, load_given
from schedulezero.runtime.program import faults_told
from schedulezero.runtime.settings.databases import located

PROGRAM = "schedulezero"

Arguments = argparse.Namespace
Command = Callable[[Arguments], int]

# Where the assembly of each service is that can be a process of its own.
_ASSEMBLIES = {
    "registry": "schedulezero.service.registry",
    "scheduler": "schedulezero.service.scheduler",
    "web": "schedulezero.service.web_gateway",
    "demo": "schedulezero.standalone.demo",
}


def run(argv: Sequence[str]) -> int:
    """Do what the command line says, and return the exit code: 0 done, 1 failed, 2 usage or settings, 3 no server."""
    arguments = _parser().parse_args(argv)
    command: Command = arguments.run
    with faults_told(PROGRAM):
        return command(arguments)


def _parser() -> OptionParser:
    parser = OptionParser(prog=PROGRAM, description="Run and use ScheduleZero.")
    parser.add_argument("--version", action=_Version, nargs=0, help="show program's version number and exit")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, dest="command", parser_class=OptionParser)

    up = _command(commands, "up", _up, "start registry, scheduler and web in one process")
    up.add_argument("--demo", action="store_true", help="with the demo handlers and their schedules")
    up.add_argument("--processes", action="store_true", help="each in a process of its own, restarted when it dies")

    _supervisable(_command(commands, "registry", _service, "start the directory of handlers"))
    _supervisable(_command(commands, "scheduler", _service, "start what decides and records"))
    _supervisable(_command(commands, "web", _service, "start the REST API and the pages"))
    _supervisable(_command(commands, "demo", _service, None))

    handler = _command(commands, "handler", _handler, "serve a handler of yours")
    handler.add_argument("handler", metavar="MODULE:HANDLER", help="where it is, such as reports.app:handler")

    selftest = _command(commands, "selftest", _selftest, "try a running system: list, run now, schedule")
    selftest.add_argument("--url", help="where it serves (default: as the settings say)")
    selftest.add_argument("--handler", metavar="ID", help="handler to use (default: the demo's)")
    selftest.add_argument("--method", metavar="NAME", help="its method to run")
    selftest.add_argument("--params", metavar="JSON", default="{}", help="job_params for it, a JSON object")

    config = _command(commands, "config", _config, "write, show or check the configuration")
    config.add_argument("action", choices=("init", "show", "check"), help="init writes a commented file")
    _add_db(commands)
    return parser


class _Version(argparse.Action):
    """Tells the version of the program, which is read from the installation only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"{PROGRAM} {version(PROGRAM)}")
        parser.exit()


def _add_db(commands: "argparse._SubParsersAction[OptionParser]") -> None:
    parser = commands.add_parser("db", help="look after the database: upgrade, status, check, copy, backup, restore")
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action", parser_class=OptionParser)

    _command(actions, "upgrade", _db, "bring its tables to this version; starting a scheduler does so too")
    _command(actions, "status", _db, "show its schema, who schedules from it and how much it holds")
    _command(actions, "check", _db, "read every row, and see that all figures are true")

    copy = _command(actions, "copy", _db, "copy a database nobody uses into an empty one of any kind")
    copy.add_argument("source", metavar="FROM", help="URL of the database that is copied")
    copy.add_argument("target", metavar="TO", help="URL of an empty database")
    copy.add_argument("--replace", action="store_true", help="remove what TO holds")

    backup = _command(actions, "backup", _db, "write all that it holds at this moment into a file, while it is in use")
    backup.add_argument("file", metavar="FILE", help="file to write; it must not be there yet")

    restore = _command(actions, "restore", _db, "write what a backup holds into an empty database")
    restore.add_argument("file", metavar="FILE", help="what `db backup` wrote")
    restore.add_argument("--replace", action="store_true", help="remove what the database holds")


def _command(
    commands: "argparse._SubParsersAction[OptionParser]", name: str, command: Command, about: str | None
) -> OptionParser:
    parser = commands.add_parser(name, help=about) if about else commands.add_parser(name)
    add_setting_options(parser)
    parser.set_defaults(run=command)
    return parser


def _supervisable(parser: OptionParser) -> None:
    parser.add_argument("--lifeline", type=int, metavar="FD", help=argparse.SUPPRESS)


def _up(arguments: Arguments) -> int:
    loaded = load_given(arguments, os.environ)
    if arguments.processes:
        from schedulezero.standalone.processes import up_in_processes

        return up_in_processes(loaded, _repeated(arguments), demo=arguments.demo)
    from schedulezero.standalone.together import up_together

    return up_together(loaded, demo=arguments.demo)


def _service(arguments: Arguments) -> int:
    from schedulezero.runtime.process import serve
    from schedulezero.standalone.lifeline import held_by

    name: str = arguments.command
    loaded = load_given(arguments, os.environ)
    assemble = import_module(_ASSEMBLIES[name]).assemble
    return serve(loaded, name, assemble if arguments.lifeline is None else held_by(arguments.lifeline, assemble))


def _handler(arguments: Arguments) -> int:
    from schedulezero.standalone.handlers import serve_handler

    return serve_handler(arguments.handler, load_given(arguments, os.environ))


def _selftest(arguments: Arguments) -> int:
    from schedulezero.standalone.selftest import Job, selftest

    url = arguments.url or _url(arguments)
    return selftest(url, Job.chosen(arguments.handler, arguments.method, arguments.params))


def _config(arguments: Arguments) -> int:
    from schedulezero.standalone import configuration

    if arguments.action == "init":
        return configuration.init(arguments.config, os.environ)
    loaded = load_given(arguments, os.environ)
    return configuration.show(loaded) if arguments.action == "show" else configuration.check(loaded)


def _db(arguments: Arguments) -> int:
    from schedulezero.standalone import databases

    settings = load_given(arguments, os.environ).settings
    directory, url = Path(settings.state_dir), settings.database_url
    match arguments.action:
        case "upgrade":
            return databases.upgrade(url)
        case "status":
            return databases.status(url)
        case "check":
            return databases.check(url)
        case "copy":
            source, target = located(arguments.source, directory), located(arguments.target, directory)
            return databases.copy(source, target, replacing=arguments.replace)
        case "backup":
            return databases.backup(url, Path(arguments.file))
        case _:
            return databases.restore(Path(arguments.file), url, replacing=arguments.replace)


def _repeated(arguments: Arguments) -> list[str]:
    """Return the setting options of the command line, to be given to another command."""
    choosers = {"--config": arguments.config, "--deployment": arguments.deployment}
    given = {name: text for name, text in choosers.items() if text is not None} | given_options(arguments)
    return [f"{option}={text}" for option, text in given.items()]


def _url(arguments: Arguments) -> str:
    web = load_given(arguments, os.environ).settings.web
    return f"http://{f'[{web.addr}]' if ':' in web.addr else web.addr}:{web.port}"
