"""Words that two threads share: loads that acquire, stores that release, in arrays of int64."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from dispatcher.core.compiled import kernel

WORD_BYTES = 8
LINE_WORDS = 16
"""Shared words lie so far apart that no two of different writers are in one line of a cache."""


def _place(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    parts = context.make_array(kind)(context, builder, array)
    return cgutils.get_item_pointer(context, builder, kind, parts, [index])


@intrinsic
def _load(typing_context: Any, array: Any, index: Any) -> Any:
    """An atomic load that acquires."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, signature.args[0], *arguments)
        return builder.load_atomic(place, "acquire", WORD_BYTES)

    return types.int64(array, types.intp), generate


@intrinsic
def _store(typing_context: Any, array: Any, index: Any, value: Any) -> Any:
    """An atomic store that releases."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, signature.args[0], arguments[0], arguments[1])
        builder.store_atomic(arguments[2], place, "release", WORD_BYTES)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.int64), generate


@kernel
def load_acquire(array: NDArray[np.int64], index: int) -> int:
    """``array[index]``; what its writer wrote before it is visible after this."""
    return int(_load(array, index))  # type: ignore[call-arg]


@kernel
def store_release(array: NDArray[np.int64], index: int, value: int) -> None:
    """``array[index] = value``; what was written before it is visible to whoever reads the value."""
    _store(array, index, value)  # type: ignore[call-arg]
