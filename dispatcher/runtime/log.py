"""Logs of the daemons, on stderr: lines for people at a terminal, JSON for everyone else."""

from __future__ import annotations

import sys
from typing import Any

import structlog

from dispatcher.runtime.redaction import redact_event


def configure_logs(*, as_json: bool, **context: Any) -> None:
    """To be called once by a process; ``context`` stands on every line."""
    for_people = sys.stderr.isatty() and not as_json
    renderer: list[Any] = (
        [redact_event, structlog.dev.ConsoleRenderer()]
        if for_people
        else [structlog.processors.format_exc_info, redact_event, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *renderer,
        ],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # the present one, whoever replaced it
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(**context)
