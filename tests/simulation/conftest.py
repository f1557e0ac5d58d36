"""Every simulation that a test here runs is checked."""

from __future__ import annotations

import pytest

from tests.simulation.run_checks import check_every_run


@pytest.fixture(autouse=True)
def checked_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    check_every_run(monkeypatch)
