"""Keeps a database of the head, or of the heads that are named, for each kind of database."""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from schedulezero.scheduler.store.engine import open_engines
from schedulezero.scheduler.store.migrations import HEAD
from schedulezero.testkit.databases.fixtures import KINDS, Databases

from ..filled import fill
from .dumps import file_of, rows_of, write

EXECUTIONS = 6


def main(heads: list[str]) -> None:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        filled = directory / "filled.db"
        fill(f"sqlite:///{filled}", EXECUTIONS)
        databases = Databases(stack)
        for head in heads:
            for kind in KINDS:
                place = directory / head
                place.mkdir(exist_ok=True)
                url = stack.enter_context(databases.made(kind, place, migrated=False))
                with open_engines(url) as engines:
                    write(engines, head, rows_of(filled), file_of(head, kind))
                sys.stdout.write(f"{file_of(head, kind)}\n")


main(sys.argv[1:] or [HEAD])
