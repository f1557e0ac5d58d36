from __future__ import annotations

import random

from dispatcher.core.queues import insert, remove_heads
from tests.unit.dispatcher.core.core_states import model, state, waiting


def test_requests_wait_by_deadline_and_then_by_id() -> None:
    queue = state()
    for request_id, deadline_us in ((5, 30), (1, 20), (4, 30), (2, 40)):
        assert insert(queue, 0, request_id, deadline_us)
    assert waiting(queue) == [(20, 1), (30, 4), (30, 5), (40, 2)]


def test_full_queue_refuses() -> None:
    queue = state(model(queue_max=2))
    assert insert(queue, 0, 0, 10)
    assert insert(queue, 0, 1, 10)
    assert not insert(queue, 0, 2, 5)
    assert waiting(queue) == [(10, 0), (10, 1)]


def test_queue_stays_within_its_part_of_the_array_for_ever() -> None:
    draw = random.Random(1)
    queue, expected = state(model(queue_max=9), model(queue_max=9)), [[], []]
    for request_id in range(5_000):
        m = draw.randrange(2)
        if insert(queue, m, request_id, deadline_us := request_id + draw.randrange(4)):
            expected[m] = sorted([*expected[m], (deadline_us, request_id)])
        if draw.random() < 0.5:
            count = draw.randint(0, len(expected[m]))
            remove_heads(queue, m, count)
            expected[m] = expected[m][count:]
        assert [waiting(queue, 0), waiting(queue, 1)] == expected
