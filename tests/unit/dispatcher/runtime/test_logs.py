"""Where log lines go."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator

import pytest
import structlog

from dispatcher.runtime.log import configure_logs


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_lines_go_to_the_present_stderr_though_the_one_before_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = structlog.get_logger()
    gone, present = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", gone)
    configure_logs(as_json=True, daemon="node")
    log.warning("first")
    first = json.loads(gone.getvalue())
    gone.close()
    monkeypatch.setattr(sys, "stderr", present)
    log.warning("second", ahead_s=60.0)
    second = json.loads(present.getvalue())
    assert (first["event"], first["daemon"]) == ("first", "node")
    assert (second["event"], second["ahead_s"], second["level"]) == ("second", 60.0, "warning")
