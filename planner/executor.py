"""Where independent pieces of planning work run: in this process, or in several on this machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Protocol, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


class Executor(Protocol):
    """
    Runs one function over many tasks; results come in the order of the tasks.

    Who closes the iterator, or lets go of it, wants no more: tasks that have not begun are given up.

    Function, tasks and results must be picklable and the function must be at the top of a module, so
    that an executor may send them to another process or machine. A result must not depend on where or
    beside what it is worked out: then every executor gives the same answer.
    """

    def map(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]: ...


class InProcess:
    """One task after the other, here."""

    def map(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
        return map(function, tasks)


class LocalProcesses:
    """
    A pool of fresh processes on this machine, for as long as one ``map`` lasts.

    Processes are spawned, not forked: a fork copies locks that a solver's threads may hold. Each loads the
    compiled kernels from their cache, which takes seconds; short work is better off ``InProcess``.

    Parameters
    ----------
    processes
        At least 1.
    """

    def __init__(self, processes: int) -> None:
        if processes < 1:
            raise ValueError(f"processes must be at least 1, got {processes}.")
        self.processes = processes

    def map(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
        with ProcessPoolExecutor(
            max_workers=min(self.processes, max(1, len(tasks))),
            mp_context=get_context("spawn"),
            initializer=signal.signal,
            initargs=(signal.SIGINT, signal.SIG_IGN),  # Ctrl-C is for the process that gives out the tasks
        ) as pool:
            yield from pool.map(function, tasks)


def executor_of(processes: int) -> Executor:
    """The executor for that many processes; one needs no process of its own."""
    return InProcess() if processes == 1 else LocalProcesses(processes)


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
