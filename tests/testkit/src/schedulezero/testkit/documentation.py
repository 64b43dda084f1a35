"""The documentation, built as `make docs` builds it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

_BUILD_SECONDS = 100
MERMAID = "docs_site/assets/built/mermaid.min.js"
"""Where `make islands` puts the script that draws diagrams."""


def build(project: Path, into: Path) -> None:
    """Build the documentation of `project` into the folder `into`.

    Raises:
        AssertionError: it has a fault, or the build a warning.
    """
    run = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", into],
        cwd=project,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=_BUILD_SECONDS,
    )
    assert run.returncode == 0, run.stderr
    assert "WARNING" not in run.stdout + run.stderr, run.stderr


def copy(root: Path, into: Path) -> Path:
    """Copy the sources of the documentation, without what is built into them, and return where they are."""
    shutil.copytree(root / "docs_site", into / "docs_site", ignore=shutil.ignore_patterns("built", "__pycache__"))
    shutil.copy(root / "mkdocs.yml", into)
    return into
