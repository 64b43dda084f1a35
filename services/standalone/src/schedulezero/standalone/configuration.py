"""`schedulezero config`: write a commented file, show the effective settings, check them."""

import sys
from collections.abc import Mapping
from pathlib import Path

from schedulezero.runtime.settings import Loaded, render_effective, render_example


def init(path: str | None, environ: Mapping[str, str]) -> int:
    """Write a commented configuration that changes nothing; a file that is there is left alone."""
    file = Path(path or environ.get("SCHEDULEZERO_CONFIG_PATH") or "config.yaml")
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(render_example())
    except FileExistsError:
        _complain(f"{file} is there already; remove it, or write another with --config FILE")
        return 1
    except OSError as error:
        _complain(f"{file} cannot be written ({error.strerror}); choose another with --config FILE")
        return 2
    print(f"{file} written: every line shows a default, change what you need")
    return 0


def show(loaded: Loaded) -> int:
    """Print the effective settings, each with where it came from."""
    print(render_effective(loaded), end="")
    return 0


def check(loaded: Loaded) -> int:
    """Say that the settings can be used; that they were loaded is the check."""
    file = loaded.config_path
    print(f"{file}: the settings are good" if Path(file).exists() else f"no {file}: the defaults are good")
    return 0


def _complain(line: str) -> None:
    print(f"schedulezero: {line}", file=sys.stderr)
