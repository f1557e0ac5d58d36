"""Kernels of measured forecasts, ready before somebody asks."""

from __future__ import annotations

import sys

import numba
import pytest

from planner.service import warm_up
from planner.service.warm_up import KERNELS, WarmUp


@numba.njit(cache=False)
def never_called(value: float) -> float:
    return value


def test_afterwards_every_kernel_is_there() -> None:
    warming = WarmUp()
    warming.start()
    warming.wait()
    assert all(kernel.signatures for kernel in KERNELS)
    warming.stop()


def test_a_server_that_ends_does_not_wait_for_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_up, "KERNELS", (never_called,))
    warming = WarmUp([sys.executable, "-c", "import time; time.sleep(600)"])
    warming.start()
    warming.stop()
    assert warming._process is None or warming._process.returncode is not None
