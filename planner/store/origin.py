"""
Where a change comes from: set once by the door, read by the audit log.

A context variable and no argument, because every use case would only hand it on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """``client_address`` and ``request_id`` of the request; None where there was none."""

    client_address: str | None = None
    request_id: str | None = None


NOWHERE = Origin()
_ORIGIN: ContextVar[Origin] = ContextVar("fermata_origin", default=NOWHERE)


def current_origin() -> Origin:
    return _ORIGIN.get()


@contextmanager
def coming_from(origin: Origin) -> Iterator[None]:
    """Changes made in this block (and in what it calls) come from ``origin``."""
    token = _ORIGIN.set(origin)
    try:
        yield
    finally:
        _ORIGIN.reset(token)
