"""Deployments: named overrides that give an instance ports, a database and a state directory of its own."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from schedulezero.protocol.errors import Detail
from schedulezero.runtime.errors import SettingsError
from schedulezero.runtime.settings.databases import is_relative
from schedulezero.runtime.settings.fields import FIELDS
from schedulezero.runtime.settings.files import ConfigFile
from schedulezero.runtime.settings.layers import Given, Layer, nearest, tree_layer

# Added to every default port, so that these and the default instance run side by side.
_PORT_OFFSETS = {"dev": 100, "test": 200, "production": 300}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def deployment_names(file: ConfigFile) -> list[str]:
    """Return the names that can be chosen: the built-in ones and those of the file."""
    return list(dict.fromkeys([*_PORT_OFFSETS, *file.deployments]))


def deployment_layer(file: ConfigFile, name: str, base: Layer) -> Layer:
    """Return what the deployment `name` gives: its own ports and state directory, then its part of the file.

    Args:
        file: the configuration file.
        name: one of its deployments, or `dev`, `test`, `production`.
        base: the layer of the file's top level, under whose state directory the deployment's own is placed.

    Raises:
        SettingsError: there is no such deployment.
    """
    if name not in deployment_names(file):
        known = deployment_names(file)
        message = f"there is no deployment {name!r}; did you mean {nearest(name, known)}? Known: {', '.join(known)}"
        raise SettingsError.listing([Detail(path="deployment", message=message)])
    own = {given.key: given for given in _own(name, base)}
    written = written_layer(file, name)
    return Layer(given={**own, **written.given}, faults=written.faults)


def written_layer(file: ConfigFile, name: str) -> Layer:
    """Return what the file says of the deployment `name`, and what is wrong with it."""
    layer = tree_layer(file.deployments.get(name, {}), origin=_origin(name), place=f"deployments.{name}.")
    return Layer(given=layer.given, faults=(*_name_faults(name), *layer.faults))


def shared_files(name: str, effective: Mapping[str, Given], base: Layer) -> Iterator[Detail]:
    """Yield a fault for each database or file that the deployment `name` would share with all others."""
    for key in ("database.url", "registry.path"):
        given = effective.get(key)
        if given is not None and given is base.given.get(key) and not _is_own(key, str(given.value)):
            message = (
                f"{key} ({given.origin}) would be shared by every deployment; "
                f"set deployments.{name}.{key}, or {FIELDS[key].variable}"
            )
            yield Detail(path=f"deployments.{name}.{key}", message=message)


def _own(name: str, base: Layer) -> Iterator[Given]:
    root = base.given.get("state_dir")
    directory = Path(str(root.value) if root else ".") / "state" / name
    yield Given(key="state_dir", value=directory.as_posix(), origin=_origin(name))
    for key, field in FIELDS.items():
        if name in _PORT_OFFSETS and isinstance(field.default, int) and key.endswith("port"):
            yield Given(key=key, value=field.default + _PORT_OFFSETS[name], origin=_origin(name))


def _is_own(key: str, value: str) -> bool:
    return is_relative(value) if key == "database.url" else not Path(value).is_absolute()


def _name_faults(name: str) -> Iterator[Detail]:
    if not _NAME.fullmatch(name):
        message = f"deployments.{name}: a deployment is named with letters, digits, dots, dashes and underscores"
        yield Detail(path=f"deployments.{name}", message=message)


def _origin(name: str) -> str:
    return f"deployment {name}"
