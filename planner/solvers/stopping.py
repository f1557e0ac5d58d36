"""
Ending a search early, on request: every solver asks the same question, ``stop()``, again and again.

It may be asked from any thread, and once it says yes it must go on saying yes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import highspy
from ortools.sat.python import cp_model

Stop = Callable[[], bool]
POLL_S = 0.05


def never() -> bool:
    """Nobody asks the search to end."""
    return False


@contextmanager
def highs_stopped_by(solver: highspy.Highs, stop: Stop) -> Iterator[None]:
    """HiGHS ends with status kInterrupt once ``stop`` says so; it asks at simplex iterations and nodes."""
    if stop is never:
        yield
        return

    def ask(event: Any) -> None:
        if stop():
            event.interrupt()

    places = (solver.cbMipInterrupt, solver.cbSimplexInterrupt, solver.cbIpmInterrupt)
    for place in places:
        place.subscribe(ask)
    try:
        yield
    finally:
        for place in places:
            place.unsubscribe(ask)


@contextmanager
def cp_sat_stopped_by(solver: cp_model.CpSolver, stop: Stop) -> Iterator[None]:
    """A thread asks for as long as CP-SAT solves, which has no place of its own to ask from."""
    if stop is never:
        yield
        return
    over = threading.Event()

    def ask() -> None:
        while not over.wait(POLL_S):
            if stop():
                solver.stop_search()  # again and again: it is forgotten where the search has not begun yet

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
