"""Work in a process of its own: this one goes on answering, and what takes too long is ended."""

from __future__ import annotations

import multiprocessing
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from planner.service.plan_errors import PlanQuestionBusy, PlanQuestionTooLong

LOOK_AGAIN_S = 0.25

_ONE_AT_A_TIME = threading.Lock()


def apart(
    function: Callable[..., Any],
    *arguments: Any,
    within_s: float,
    turn: threading.Lock = _ONE_AT_A_TIME,
    stopping: threading.Event | None = None,
) -> Any:
    """
    What ``function`` gives, one at a time for each ``turn``; all of it must pickle.

    Raises ``PlanQuestionBusy`` while another is at work and once ``stopping`` is set, ``PlanQuestionTooLong``
    after ``within_s`` seconds, and ``RuntimeError`` with the other process's own story where it fails.
    """
    if not turn.acquire(blocking=False):
        raise PlanQuestionBusy
    try:
        return _answer_of(function, arguments, within_s, stopping or threading.Event())
    finally:
        turn.release()


def _answer_of(
    function: Callable[..., Any], arguments: tuple[Any, ...], within_s: float, stopping: threading.Event
) -> Any:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_work, args=(there, function, arguments), daemon=True)
    child.start()
    there.close()
    try:
        end_s = time.monotonic() + within_s
        while not here.poll(max(0.0, min(LOOK_AGAIN_S, end_s - time.monotonic()))):
            if stopping.is_set():
                raise PlanQuestionBusy
            if time.monotonic() >= end_s:
                raise PlanQuestionTooLong(within_s)
        is_good, answer = here.recv()
    except EOFError:
        raise RuntimeError(f"{function.__name__} ended without an answer") from None
    finally:
        child.kill()
        child.join()
        here.close()
    if not is_good:
        raise RuntimeError(f"{function.__name__} failed elsewhere:\n{answer}")
    return answer


def _work(there: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        answer = (True, function(*arguments))
    except Exception:
        answer = (False, traceback.format_exc())
    with suppress(BrokenPipeError):  # nobody waits any more
        there.send(answer)
