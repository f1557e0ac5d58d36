"""
One queue for each model, ordered by (deadline, id), in its part of one array.

The waiting requests lie side by side, ``head`` entries into the part. Requests come nearly
in order, so each is inserted from the tail; heads leave by moving ``head``. When more room
lies before the head than is taken behind it, the queue moves to the front: less than one
move for each request, and a short queue stays in few pages of memory.
"""

from __future__ import annotations

from dispatcher.core.compiled import kernel
from dispatcher.core.state import QUEUE_SLACK, State


@kernel
def first_entry(state: State, m: int) -> int:
    """Where in ``state.queue`` the model's oldest request lies."""
    return int(state.model[m].queue + state.model[m].head)


@kernel
def insert(state: State, m: int, request_id: int, deadline_us: int) -> bool:
    """Put a request where it belongs; False when the queue is full."""
    model = state.model[m]
    if model.count >= model.queue_max:
        return False
    entry = state.queue
    first = first_entry(state, m)
    place = first + model.count
    while place > first and (
        deadline_us < entry[place - 1].deadline_us
        or (deadline_us == entry[place - 1].deadline_us and request_id < entry[place - 1].request_id)
    ):
        entry[place].deadline_us = entry[place - 1].deadline_us
        entry[place].request_id = entry[place - 1].request_id
        place -= 1
    entry[place].deadline_us = deadline_us
    entry[place].request_id = request_id
    model.count += 1
    return True


@kernel
def remove_heads(state: State, m: int, count: int) -> None:
    """Let the ``count`` oldest requests go."""
    model = state.model[m]
    model.head += count
    model.count -= count
    if model.count == 0:
        model.head = 0
    elif model.head >= model.count + QUEUE_SLACK:
        source = first_entry(state, m)
        for i in range(model.count):
            state.queue[model.queue + i].deadline_us = state.queue[source + i].deadline_us
            state.queue[model.queue + i].request_id = state.queue[source + i].request_id
        model.head = 0
