"""The command line options of a program that has settings: one for each setting, and those that choose the file."""

import argparse
import difflib
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from schedulezero.runtime.settings import FIELDS, SECTIONS, Loaded, load

_SETTINGS = "settings"


class OptionParser(argparse.ArgumentParser):
    """A parser whose complaint is one line with the remedy; abbreviated options are not guessed."""

    def __init__(self, prog: str | None = None, description: str | None = None, **arguments: Any) -> None:
        super().__init__(prog, None, description, allow_abbrev=False, formatter_class=_Formatter, **arguments)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse's, with an unknown option refused by the (sub)parser that does not know it."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            like = difflib.get_close_matches(unknown[0], self._option_string_actions, n=1, cutoff=0)
            self.error(f"there is no {unknown[0]}; did you mean {like[0]}?")
        return parsed, unknown

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see `{self.prog} --help`\n")


def add_setting_options(parser: argparse.ArgumentParser) -> None:
    """Give `parser` an option for each setting, in groups as in the configuration file."""
    chooser = parser.add_argument_group("settings: the file")
    chooser.add_argument("--config", metavar="FILE", help="Configuration file (default: config.yaml, if it is there).")
    chooser.add_argument("--deployment", metavar="NAME", help="Deployment whose part of the file, and ports, to use.")
    titles = {"": "settings: general", **{name: f"settings: {name}" for name in SECTIONS}}
    groups = {section: parser.add_argument_group(title) for section, title in titles.items()}
    for field in FIELDS.values():
        section, _, name = field.key.rpartition(".")
        groups[section].add_argument(
            field.option,
            action=_Given,
            dest=_SETTINGS,
            metavar=name.rpartition("_")[2].upper(),
            help=f"{field.setting.about} ({field.variable})".replace("%", "%%"),
        )


def given_options(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the setting options that were given, by name: `{"--port": "8889"}`."""
    return dict(getattr(arguments, _SETTINGS, None) or {})


def load_given(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Loaded:
    """Return the effective settings of a command line parsed with :func:`add_setting_options`.

    Raises:
        SettingsError: a setting cannot be used.
    """
    return load(
        environ=environ,
        flags=given_options(arguments),
        config_path=arguments.config,
        deployment=arguments.deployment,
    )


class _Formatter(argparse.HelpFormatter):
    """Leaves the settings, of which there are many, out of the usage line; they are listed below it."""

    def add_usage(
        self, usage: str | None, actions: Iterable[argparse.Action], groups: Iterable[Any], prefix: str | None = None
    ) -> None:
        super().add_usage(usage, [action for action in actions if not isinstance(action, _Given)], groups, prefix)


class _Given(argparse.Action):
    """Collects what was given, and leaves it to the settings to judge the text."""

    def __call__(
        self,
        _parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        setattr(namespace, self.dest, {**given_options(namespace), str(option_string): str(values)})
