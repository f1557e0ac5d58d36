"""
Whether kernels are compiled already: a cold start should say what it is doing.

The compiler keeps what it made in files beside the sources, in an index for each function
that counts for one state of its source file and one kind of processor.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numba.core.registry import cpu_target

COMPILING = "compiling the scheduler, once per version; about half a minute"


def are_compiled(kernels: Iterable[Any]) -> bool:
    """Whether each of the kernels has been called in this process or lies in the cache of this processor."""
    return all(kernel.signatures or _is_cached(kernel) for kernel in kernels)


def _is_cached(kernel: Any) -> bool:
    """Asks the compiler's own index: no public function of numba answers this without compiling."""
    cache = kernel._cache
    index = getattr(cache, "_cache_file", None)
    if index is None:
        return False  # caching is off
    processor = cpu_target.target_context.codegen().magic_tuple()
    return any(key[1] == processor for key in index._load_index())
