"""Executors give the same results in the same order."""

from __future__ import annotations

import math
import signal

import pytest

from planner.executor import InProcess, LocalProcesses, executor_of, processors


def test_processes_give_what_one_gives_in_the_order_of_the_tasks() -> None:
    tasks = [5, 3, 0, 12, 1]
    here = list(InProcess().map(math.factorial, tasks))
    assert here == [120, 6, 1, 479_001_600, 1]
    assert list(LocalProcesses(2).map(math.factorial, tasks)) == here


def test_a_task_that_fails_raises_here() -> None:
    with pytest.raises(ValueError, match="negative"):
        list(LocalProcesses(2).map(math.factorial, [3, -1]))


def test_one_process_needs_no_other() -> None:
    assert isinstance(executor_of(1), InProcess)
    assert isinstance(executor_of(2), LocalProcesses)
    with pytest.raises(ValueError, match="processes must be at least 1, got 0"):
        executor_of(0)
    assert processors() >= 1


def test_ctrl_c_is_for_the_process_that_gives_out_the_tasks() -> None:
    (handler,) = LocalProcesses(1).map(signal.getsignal, [signal.SIGINT])
    assert handler is signal.SIG_IGN
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
