"""Both simulations compile triggers in the same way."""

import pytest

from .model.triggers import compile_once


@pytest.fixture(autouse=True)
def _triggers_of_the_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schedulezero.scheduler.core.agenda.compile_trigger", compile_once)
