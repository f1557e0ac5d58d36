"""
How the kernels are compiled.

Kernels allocate nothing, so their arrays are not reference-counted: with counting, each
array of the state is counted in and out at every call, which takes most of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., object])


def kernel(function: F) -> F:
    """A compiled function of arrays and scalars that allocates nothing."""
    return njit(cache=True, _nrt=False, error_model="numpy")(function)  # type: ignore[call-overload, no-any-return]


def inlined(function: F) -> F:
    """A kernel of a line or two, made part of its callers."""
    return njit(cache=True, _nrt=False, error_model="numpy", inline="always")(function)  # type: ignore[call-overload, no-any-return]
