"""Ctrl-C that asks long work to come to an end instead of throwing away what it has found."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

from api.cli.output import talk

T = TypeVar("T")
POLL_S = 0.1


def interruptible(work: Callable[[Callable[[], bool]], T], *, keeps: str = "the best plan so far") -> T:
    """
    The result of ``work(stop)``, where ``stop()`` says whether Ctrl-C was pressed; ``keeps`` names it.

    The work runs in a thread of its own, because Python delivers signals to the main thread only between
    two of its own instructions, and a solver makes none. A second Ctrl-C raises KeyboardInterrupt.
    """
    if threading.current_thread() is not threading.main_thread():
        return work(lambda: False)
    asked = threading.Event()
    results: list[T] = []
    failures: list[BaseException] = []

    def carry_out() -> None:
        try:
            results.append(work(asked.is_set))
        except BaseException as failure:  # raised again where the work was asked for
            failures.append(failure)

    def ask(_signal: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        talk.print(f"stopping with {keeps}; Ctrl-C again gives up", style="dim")

    before = signal.signal(signal.SIGINT, ask)
    try:
        thread = threading.Thread(target=carry_out, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(POLL_S)
    finally:
        signal.signal(signal.SIGINT, before)
    if failures:
        raise failures[0]
    return results[0]
