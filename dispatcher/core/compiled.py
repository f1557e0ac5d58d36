"""
How the kernels are compiled.

Kernels allocate nothing, so their arrays are not reference-counted: with counting, each
array of the state is counted in and out at every call, which takes most of the time.

Each kernel becomes part of its callers. The state is ten arrays, seven words each once
compiled: to hand those over at every call took four fifths of the time.

Compiled code is kept on disk. numba looks only at the file of the function itself when it
judges whether that is still good; here any change to any file of the core makes it stale,
since a kernel holds a copy of those that it calls.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

from numba import njit, types
from numba.extending import overload

F = TypeVar("F", bound=Callable[..., object])

OPTIONS = {"_nrt": False, "error_model": "numpy"}


def kernel(function: F) -> F:
    """A compiled function of arrays and scalars that allocates nothing."""
    return _kept(njit(cache=True, forceinline=True, **OPTIONS)(function))  # type: ignore[call-overload, no-any-return]


def called(function: F) -> F:
    """
    A kernel that stays apart from its callers and is called.

    For what runs once a batch or less often, and not under the default policy: a call costs tens of
    nanoseconds, becoming part of every caller costs seconds of compilation.
    """
    return _kept(njit(cache=True, **OPTIONS)(function))  # type: ignore[call-overload, no-any-return]


def variant(of: Callable[..., object]) -> Callable[[F], F]:
    """
    Mark a function of the same parameters that returns what to compile in the place of ``of``.

    It is given types instead of values, so that what one policy alone needs is compiled for that
    policy alone. ``of`` itself is for kernels to call, and does nothing.
    """

    def mark(choose: F) -> F:
        choose.__annotations__ = {}  # else they would have to be those of what it returns
        overload(of, jit_options={"forceinline": True, **OPTIONS})(choose)  # type: ignore[typeddict-item]
        return choose

    return mark


def is_there(record: Any, field: str) -> bool:
    """Whether the field of a named tuple, given as its type, is not None."""
    return bool(dict(zip(record.fields, record.types, strict=True))[field] != types.none)


def loop_kernel(function: F) -> F:
    """A kernel that runs for long: it lets go of the interpreter lock, and becomes part of no caller."""
    return _kept(njit(cache=True, nogil=True, **OPTIONS)(function))  # type: ignore[call-overload, no-any-return]


def _kept(compiled: Any) -> Any:
    """The function, its code on disk good only while the core's files are these."""
    cache_file = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if cache_file is not None:  # None where numba may not compile or keep anything
        cache_file._source_stamp = (*cache_file._source_stamp, core_digest())
    return compiled


@cache
def core_digest() -> str:
    """A digest of every source file of the core."""
    digest = hashlib.sha256()
    for source in _sources(files("dispatcher.core")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _sources(folder: Traversable) -> Iterator[Traversable]:
    for each in sorted(folder.iterdir(), key=lambda each: each.name):
        if each.is_dir():
            yield from _sources(each)
        elif each.name.endswith(".py"):
            yield each
