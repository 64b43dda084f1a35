"""The settings as text: an example to start from, the effective ones with their origins, and the public part."""

import json
from collections.abc import Callable, Iterator

from schedulezero.runtime.settings.fields import FIELDS, SECTIONS, Field
from schedulezero.runtime.settings.loading import Loaded

_HEADER = """\
# Settings of a ScheduleZero instance. Every line shows a default: remove the leading # to change it.
# A variable overrides the file, an option of the command line overrides the variable.
"""

_FOOTER = """
# Schedules that exist wherever this file is used.
# schedules: []

# Instances that run side by side, chosen by --deployment or SCHEDULEZERO_DEPLOYMENT. Each has a state directory of its
# own; dev, test and production have ports of their own too and need not be written here.
# deployments:
#   staging:
#     web:
#       port: 9288
"""


def render_example() -> str:
    """Return a commented configuration file that, as it stands, changes nothing."""
    return _HEADER + "\n" + _sectioned(_example_lines) + _FOOTER


def render_effective(loaded: Loaded) -> str:
    """Return the effective settings as YAML, each with its origin as a comment and passwords masked."""

    def lines(field: Field) -> list[str]:
        value = field.shown(field.of(loaded.settings))
        return [f"{_name(field)}: {_scalar(value)}  # {loaded.origins[field.key]}"]

    deployment = f", deployment {loaded.deployment}" if loaded.deployment else ""
    return f"# {loaded.config_path}{deployment}\n" + _sectioned(lines)


def public(loaded: Loaded) -> dict[str, object]:
    """Return what anyone may know of the settings, nested as in the file, and the deployment's name."""
    tree: dict[str, object] = {"deployment": loaded.deployment}
    for section, fields in _by_section():
        shown = {_name(field): field.of(loaded.settings) for field in fields if field.setting.public}
        if section and shown:
            tree[section] = shown
        else:
            tree.update(shown)
    return tree


def _sectioned(lines: Callable[[Field], list[str]]) -> str:
    out: list[str] = []
    for section, fields in _by_section():
        indent = "  " if section else ""
        if section:
            out += ["", f"# {SECTIONS[section].__doc__}", f"{section}:"]
        out += [indent + line for field in fields for line in lines(field)]
    return "\n".join(out) + "\n"


def _example_lines(field: Field) -> list[str]:
    return [
        f"# {field.setting.about} ({field.variable}, {field.option})",
        f"# {_name(field)}: {_scalar(field.default)}",
    ]


def _by_section() -> Iterator[tuple[str, list[Field]]]:
    for section in ("", *SECTIONS):
        yield section, [field for field in FIELDS.values() if field.key.rpartition(".")[0] == section]


def _name(field: Field) -> str:
    return field.key.rpartition(".")[2]


def _scalar(value: object) -> str:
    # JSON is YAML, and quotes every text.
    return json.dumps(value, ensure_ascii=False)
