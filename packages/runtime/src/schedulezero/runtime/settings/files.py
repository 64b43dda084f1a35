"""The configuration file: strict YAML, taken apart into settings, schedules and deployments."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from schedulezero.protocol.errors import Detail
from schedulezero.runtime.errors import SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile:
    """What a configuration file holds, not yet checked against the model.

    Attributes:
        settings: top-level fields and sections.
        deployments: the overrides of each deployment, by its name.
        schedules: the declared schedules, as written.
    """

    settings: Mapping[str, object] = field(default_factory=dict)
    deployments: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    schedules: tuple[object, ...] = ()


def read_config(path: Path, *, required: bool) -> ConfigFile:
    """Read the file at `path`; an absent one that is not `required` is empty.

    Raises:
        SettingsError: it cannot be read, is not YAML, or not a mapping with the expected parts.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if required:
            raise _fault(path, "there is no such file; `schedulezero config init` writes one") from None
        return ConfigFile()
    except (OSError, UnicodeDecodeError) as error:
        raise _fault(path, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return _taken_apart(_parsed(text, path), path)


def _parsed(text: str, path: Path) -> dict[str, object]:
    # Where there is a file: YAML is 2 MB, and a twentieth of a second to start.
    from schedulezero.runtime.settings.strict_yaml import NotStrict, parse

    try:
        tree = parse(text)
    except NotStrict as error:
        raise _fault(path, str(error)) from None
    return _mapping(tree, path, "the file")


def _taken_apart(tree: dict[str, object], path: Path) -> ConfigFile:
    schedules = tree.pop("schedules", None) or []
    deployments = _mapping(tree.pop("deployments", None), path, "deployments")
    if not isinstance(schedules, list):
        raise _fault(path, "schedules: write a list, each schedule beginning with a dash")
    return ConfigFile(
        settings=tree,
        deployments={name: _mapping(part, path, f"deployments.{name}") for name, part in deployments.items()},
        schedules=tuple(schedules),
    )


def _mapping(part: object, path: Path, name: str) -> dict[str, object]:
    if part is None:
        return {}
    if not isinstance(part, Mapping):
        raise _fault(path, f"{name}: write `name: value` lines")
    return {str(key): value for key, value in part.items()}


def _fault(path: Path, message: str) -> SettingsError:
    return SettingsError.listing([Detail(path="", message=f"{path}: {message}")])
