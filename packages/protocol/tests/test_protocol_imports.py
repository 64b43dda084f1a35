"""The message part of the protocol can be used where no socket is."""

import subprocess
import sys
from pathlib import Path

import pytest

from schedulezero.protocol import states

MODULES = sorted(path.stem for path in Path(states.__file__).parent.glob("[a-z]*.py"))


@pytest.mark.parametrize("module", MODULES)
def test_importing_messages_imports_no_socket_and_no_loop(module: str) -> None:
    program = f"import sys, schedulezero.protocol.{module}; print([m for m in ('zmq', 'asyncio') if m in sys.modules])"

    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, timeout=30).stdout

    assert printed.decode().strip() == "[]"
