from __future__ import annotations

import random

from dispatcher.core.heaps import (
    check_heap,
    enlarged,
    is_empty,
    is_in,
    new_heap,
    put,
    remove,
    top_item,
    top_key,
)


def test_top_is_the_smallest_key_and_ties_go_to_the_smaller_item() -> None:
    heap = new_heap(4)
    for item, key in ((3, 7), (1, 5), (2, 5)):
        put(heap, item, key)
    assert (top_key(heap), top_item(heap)) == (5, 1)
    remove(heap, 1)
    assert (top_key(heap), top_item(heap)) == (5, 2)


def test_heap_follows_a_sorted_list_through_any_changes() -> None:
    draw = random.Random(3)
    heap, expected = new_heap(40), {}
    for _ in range(3_000):
        item = draw.randrange(40)
        if draw.random() < 0.4:
            remove(heap, item)
            expected.pop(item, None)
        else:
            key = draw.randrange(25)
            put(heap, item, key)
            expected[item] = key
        check_heap(heap)
        assert is_in(heap, item) == (item in expected)
        assert is_empty(heap) == (not expected)
        if expected:
            assert (top_key(heap), top_item(heap)) == min((key, item) for item, key in expected.items())


def test_enlarged_heap_keeps_its_items() -> None:
    heap = new_heap(1)
    put(heap, 0, 9)
    larger = enlarged(heap, 3)
    put(larger, 2, 4)
    check_heap(larger)
    assert (top_key(larger), top_item(larger)) == (4, 2)
    remove(larger, 2)
    assert (top_key(larger), top_item(larger)) == (9, 0)
