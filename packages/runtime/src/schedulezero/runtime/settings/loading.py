"""From the sources to the effective settings: defaults, file, deployment, environment, options; the last one wins."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from schedulezero.runtime.errors import SettingsError
from schedulezero.runtime.settings.binding import refused_binds
from schedulezero.runtime.settings.deployments import deployment_layer, shared_files, written_layer
from schedulezero.runtime.settings.fields import FIELDS
from schedulezero.runtime.settings.files import read_config
from schedulezero.runtime.settings.layers import (
    CONFIG_PATH_VARIABLE,
    DEPLOYMENT_VARIABLE,
    Given,
    Layer,
    environment_layer,
    option_layer,
    tree_layer,
)
from schedulezero.runtime.settings.model import Settings

_DEFAULT_PATH = "config.yaml"


class Loaded(Struct, frozen=True, kw_only=True):
    """The effective settings and where they came from.

    Attributes:
        settings: the settings.
        origins: the source of each key: `default`, the file's path, `deployment test`, a variable or an option.
        deployment: the deployment that was chosen, if any.
        config_path: the file that was read, or would have been if it existed.
        schedules: the schedules the file declares, as written there.
    """

    settings: Settings
    origins: dict[str, str]
    deployment: str | None
    config_path: str
    schedules: tuple[object, ...]


def load(
    *,
    environ: Mapping[str, str],
    flags: Mapping[str, str] | None = None,
    config_path: str | None = None,
    deployment: str | None = None,
) -> Loaded:
    """Read every source and return the effective settings.

    Args:
        environ: the environment; only `SCHEDULEZERO_*` is looked at, `SCHEDULEZERO_TEST_*` is not.
        flags: command line options that were given, by name: `{"--port": "8889"}`; see `FIELDS[key].option`.
        config_path: the file, which must exist; else `SCHEDULEZERO_CONFIG_PATH`, else `config.yaml`, which need not.
        deployment: the deployment; else `SCHEDULEZERO_DEPLOYMENT`, else none.

    Raises:
        SettingsError: with a line for each fault, naming the setting, its source and the remedy.
    """
    path = config_path or environ.get(CONFIG_PATH_VARIABLE) or _DEFAULT_PATH
    name = deployment or environ.get(DEPLOYMENT_VARIABLE) or None
    file = read_config(Path(path), required=config_path is not None)

    base = tree_layer(file.settings, origin=path)
    chosen = deployment_layer(file, name, base) if name else Layer(given={})
    others = [written_layer(file, other) for other in file.deployments if other != name]
    layers = (base, chosen, environment_layer(environ), option_layer(flags or {}))
    effective = {key: given for layer in layers for key, given in layer.given.items()}
    origins = {key: effective[key].origin if key in effective else "default" for key in FIELDS}
    settings = _settings(effective)

    faults = [fault for layer in (*layers, *others) for fault in layer.faults]
    faults += refused_binds(settings, origins)
    faults += shared_files(name, effective, base) if name else ()
    if faults:
        raise SettingsError.listing(faults)
    return Loaded(settings=settings, origins=origins, deployment=name, config_path=path, schedules=file.schedules)


def _settings(effective: Mapping[str, Given]) -> Settings:
    tree: dict[str, object] = {}
    for given in effective.values():
        section, _, name = given.key.rpartition(".")
        place = tree.setdefault(section, {}) if section else tree
        assert isinstance(place, dict)
        place[name] = given.value
    return msgspec.convert(tree, Settings)
