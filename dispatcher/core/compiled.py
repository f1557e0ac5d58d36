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

from numba import njit

F = TypeVar("F", bound=Callable[..., object])


def kernel(function: F) -> F:
    """A compiled function of arrays and scalars that allocates nothing."""
    return _kept(njit(cache=True, _nrt=False, error_model="numpy", forceinline=True)(function))  # type: ignore[call-overload, no-any-return]


def loop_kernel(function: F) -> F:
    """A kernel that runs for long: it lets go of the interpreter lock, and becomes part of no caller."""
    return _kept(njit(cache=True, _nrt=False, error_model="numpy", nogil=True)(function))  # type: ignore[call-overload, no-any-return]


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
