"""
The core's kernels as plain Python, so that a changed core runs at once: no compiler, same arrays.

This module stands in for ``dispatcher.core.compiled``. Numba lets a record's fields be read as
attributes; plain numpy does not, and its own ``recarray`` has methods where the core has
fields (``item``, ``size``). So a kernel called from outside gets the same memory under records
of our own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

CALLS_MAX = 200_000
"""Kernels called by one call from outside; more means that it does not end."""

_is_inside = False
_calls = 0


def kernel(function: F) -> F:
    """The function itself; called from outside, its arrays of records read as numba reads them."""

    @wraps(function)
    def entered(*arguments: Any) -> Any:
        global _is_inside, _calls
        if _is_inside:
            _calls += 1
            assert _calls < CALLS_MAX, f"{function.__name__}: a step does not end"
            return function(*arguments)
        _is_inside, _calls = True, 0
        try:
            return function(*map(_with_attributes, arguments))
        finally:
            _is_inside = False

    return entered  # type: ignore[return-value]


called = kernel


def variant(of: Callable[..., Any]) -> Callable[[F], F]:
    """In the module of ``of``, a function in its place that chooses at each call."""

    def mark(choose: F) -> F:
        def chosen(*arguments: Any) -> Any:
            return choose(*arguments)(*arguments)

        setattr(sys.modules[of.__module__], of.__name__, kernel(chosen))
        return choose

    return mark


def is_there(record: Any, field: str) -> bool:
    """Whether the field of the named tuple is not None."""
    return getattr(record, field) is not None


def _with_attributes(argument: Any) -> Any:
    if isinstance(argument, tuple):
        return type(argument)(*map(_with_attributes, argument))
    if isinstance(argument, np.ndarray) and argument.dtype.names:
        return argument.view(_records(argument.dtype))
    return argument


@cache
def _records(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The same layout; one entry of an array is a view of it with an attribute for each field."""
    assert dtype.names is not None
    attributes = {name: _attribute(name) for name in dtype.names}
    return np.dtype((type("Record", (np.void,), attributes), dtype))


def _attribute(name: str) -> property:
    def get(record: Any) -> Any:
        return record[name].item()

    def put(record: Any, value: Any) -> None:
        record[name] = value

    return property(get, put)
