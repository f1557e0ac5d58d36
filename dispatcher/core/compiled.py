"""
How the kernels are compiled.

Kernels allocate nothing, so their arrays are not reference-counted: with counting, each
array of the state is counted in and out at every call, which takes most of the time.

Each kernel becomes part of its callers. The state is ten arrays, seven words each once
compiled: to hand those over at every call took four fifths of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., object])


def kernel(function: F) -> F:
    """A compiled function of arrays and scalars that allocates nothing."""
    return njit(cache=True, _nrt=False, error_model="numpy", forceinline=True)(function)  # type: ignore[call-overload, no-any-return]


def loop_kernel(function: F) -> F:
    """A kernel that runs for long: it lets go of the interpreter lock, and becomes part of no caller."""
    return njit(cache=True, _nrt=False, error_model="numpy", nogil=True)(function)  # type: ignore[call-overload, no-any-return]
