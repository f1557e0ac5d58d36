"""The monotonic clock for compiled code: ``time.monotonic_ns``, without the interpreter."""

from __future__ import annotations

import time
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from dispatcher.core.compiled import kernel

SECOND_NS = 1_000_000_000


@intrinsic
def _clock_gettime(typing_context: Any) -> Any:
    """The C library's, of the monotonic clock, in nanoseconds."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word, number = ir.IntType(64), ir.IntType(32)
        timespec = ir.LiteralStructType([word, word])
        kind = ir.FunctionType(number, [number, timespec.as_pointer()])
        read = cgutils.get_or_insert_function(builder.module, kind, "clock_gettime")
        place = cgutils.alloca_once(builder, timespec)
        builder.call(read, [number(time.CLOCK_MONOTONIC), place])
        seconds = builder.load(cgutils.gep_inbounds(builder, place, 0, 0))
        rest_ns = builder.load(cgutils.gep_inbounds(builder, place, 0, 1))
        return builder.add(builder.mul(seconds, word(SECOND_NS)), rest_ns)

    return types.int64(), generate


@kernel
def monotonic_ns() -> int:
    """Nanoseconds of the clock of Python's ``time.monotonic_ns``."""
    return int(_clock_gettime())  # type: ignore[call-arg]
