"""
Indexed binary heaps, each in one array: the smallest (key, item) on top, any item changed in O(log n).

Items are whole numbers below the heap's capacity, each in the heap at most once. Ties of
the key are broken by the item, so that the order is total and every run alike.

A heap of capacity n is an array of n + 1 records. Slots count from 1: ``heap[s].key`` and
``heap[s].item`` are what lies at slot s, the parent of s is s // 2. ``heap[i + 1].slot`` says
where item i lies, ABSENT if nowhere; ``heap[0].slot`` is the number of items.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.compiled import kernel

ABSENT = 0

NODE = np.dtype([("key", np.int64), ("item", np.int64), ("slot", np.int64)])

Heap: TypeAlias = NDArray[Any]
"""dtype NODE, shape ``(capacity + 1,)``."""


def new_heap(capacity: int) -> Heap:
    """An empty heap for items 0 to capacity - 1."""
    return np.zeros(capacity + 1, dtype=NODE)


def enlarged(heap: Heap, capacity: int) -> Heap:
    """A copy of the heap with room for more items."""
    larger = new_heap(capacity)
    larger[: len(heap)] = heap
    return larger


@kernel
def is_empty(heap: Heap) -> bool:
    return bool(heap[0].slot == 0)


@kernel
def is_in(heap: Heap, item: int) -> bool:
    return bool(heap[item + 1].slot != ABSENT)


@kernel
def top_item(heap: Heap) -> int:
    """The item of the smallest key; the heap must not be empty."""
    return int(heap[1].item)


@kernel
def top_key(heap: Heap) -> int:
    """The smallest key; the heap must not be empty."""
    return int(heap[1].key)


@kernel
def put(heap: Heap, item: int, key: int) -> None:
    """Add the item, or give it another key."""
    slot = heap[item + 1].slot
    if slot == ABSENT:
        heap[0].slot += 1
        _rise(heap, heap[0].slot, key, item)
    elif key <= heap[slot].key:
        _rise(heap, slot, key, item)
    else:
        _sink(heap, slot, key, item)


@kernel
def remove(heap: Heap, item: int) -> None:
    """Take the item out; nothing happens if it is not in."""
    slot = heap[item + 1].slot
    if slot == ABSENT:
        return
    heap[item + 1].slot = ABSENT
    last = heap[0].slot
    heap[0].slot = last - 1
    if slot == last:
        return
    key = heap[last].key
    moved = heap[last].item
    if slot > 1 and _is_above(heap, key, moved, slot // 2):
        _rise(heap, slot, key, moved)
    else:
        _sink(heap, slot, key, moved)


@kernel
def _rise(heap: Heap, slot: int, key: int, item: int) -> None:
    """Lay (key, item) at the slot or as far above it as it belongs."""
    while slot > 1 and _is_above(heap, key, item, slot // 2):
        _lay(heap, slot, heap[slot // 2].key, heap[slot // 2].item)
        slot //= 2
    _lay(heap, slot, key, item)


@kernel
def _sink(heap: Heap, slot: int, key: int, item: int) -> None:
    """Lay (key, item) at the slot or as far below it as it belongs."""
    last = heap[0].slot
    while 2 * slot <= last:
        below = 2 * slot
        if below < last and _is_above(heap, heap[below + 1].key, heap[below + 1].item, below):
            below += 1
        if _is_above(heap, key, item, below):
            break
        _lay(heap, slot, heap[below].key, heap[below].item)
        slot = below
    _lay(heap, slot, key, item)


@kernel
def _is_above(heap: Heap, key: int, item: int, slot: int) -> bool:
    """Whether (key, item) comes before what lies at the slot."""
    return bool(key < heap[slot].key or (key == heap[slot].key and item < heap[slot].item))


@kernel
def _lay(heap: Heap, slot: int, key: int, item: int) -> None:
    heap[slot].key = key
    heap[slot].item = item
    heap[item + 1].slot = slot


def check_heap(heap: Heap) -> None:
    """Assert that the heap is one."""
    count = int(heap["slot"][0])
    for slot in range(1, count + 1):
        key, item = int(heap["key"][slot]), int(heap["item"][slot])
        assert heap["slot"][item + 1] == slot, f"item {item} lies at {slot}, not at {heap['slot'][item + 1]}"
        if slot > 1:
            above = slot // 2
            assert (heap["key"][above], heap["item"][above]) < (key, item), f"item {item} lies too deep"
    assert int((heap["slot"][1:] != ABSENT).sum()) == count
