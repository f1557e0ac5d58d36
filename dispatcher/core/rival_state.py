"""What the policies ``nexus`` and ``shepherd`` must know beyond what all policies know."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.heaps import Heap, enlarged, new_heap

NONE = -1

EPOCH = np.dtype([("ends_us", np.int64), ("is_stale", np.int64)])

NEXUS_MODEL = np.dtype(
    [
        ("rate", np.float64),  # requests per microsecond that the packing counts on
        ("full_batch", np.int64),  # of a GPU that runs nothing else
        ("full_rate", np.float64),  # requests per microsecond of such a GPU
        ("rest_rate", np.float64),  # what is left beyond whole GPUs
        ("rest_duty_us", np.float64),  # the duty cycle that suits what is left
        ("sessions", np.int64),
        ("open_first", np.int64),  # list of its sessions on GPUs that could take a batch now
        ("open_last", np.int64),
    ]
)
SESSION = np.dtype(
    [
        ("model", np.int64),
        ("batch", np.int64),  # largest batch
        ("rate", np.float64),
        ("gpu", np.int64),
        ("next", np.int64),  # of its GPU; a ring once the sessions are handed out
        ("open_before", np.int64),
        ("open_after", np.int64),
    ]
)
PACKED = np.dtype(
    [
        ("gpu", np.int64),
        ("first", np.int64),
        ("last", np.int64),
        ("duty_us", np.float64),
    ]
)
NEXUS_GPU = np.dtype(
    [
        ("cursor", np.int64),  # the session whose turn it is
        ("last", np.int64),
        ("sessions", np.int64),
        ("lead_us", np.int64),  # of its largest batch
        ("is_open", np.int64),  # in the lists of its sessions' models
    ]
)

HELD = np.dtype([("model", np.int64), ("size", np.int64)])
HELD_REQUEST = np.dtype([("deadline_us", np.int64), ("request_id", np.int64)])


class Nexus(NamedTuple):
    """
    Which GPU serves which models.

    ``epoch`` is the single record of when the packing is made anew. ``packed[i]`` is what the
    i-th GPU here is given; ``order`` has models by what they still need, ``opening`` GPUs by the
    instant from which they can take one more batch, unless they are open already.
    """

    epoch: NDArray[Any]
    model: NDArray[Any]
    session: NDArray[Any]
    packed: NDArray[Any]
    gpu: NDArray[Any]
    order: Heap
    opening: Heap


class Shepherd(NamedTuple):
    """
    What each GPU executes, so that it can be taken back.

    ``held`` has shape (GPUs, 2), ``request`` (GPUs, 2, largest batch): of the two places of a GPU
    ``older`` says which holds the older batch. ``running`` has the GPUs with exactly one batch by its size.
    """

    held: NDArray[Any]
    request: NDArray[Any]
    older: NDArray[np.int64]
    running: Heap


def new_nexus(model_count: int) -> Nexus:
    """No GPU known."""
    epoch = np.zeros(1, dtype=EPOCH)
    epoch["is_stale"] = 1
    model = np.zeros(model_count, dtype=NEXUS_MODEL)
    model["open_first"] = model["open_last"] = NONE
    return Nexus(
        epoch=epoch,
        model=model,
        session=np.zeros(model_count, dtype=SESSION),
        packed=np.zeros(model_count, dtype=PACKED),
        gpu=np.zeros(0, dtype=NEXUS_GPU),
        order=new_heap(model_count),
        opening=new_heap(0),
    )


def enlarged_nexus(nexus: Nexus, gpu_capacity: int) -> Nexus:
    """Room for more GPUs; sessions are lost until the next packing, which is due at once."""
    gpu = np.zeros(gpu_capacity, dtype=NEXUS_GPU)
    gpu[: len(nexus.gpu)] = nexus.gpu
    nexus.epoch["is_stale"] = 1
    places = gpu_capacity + len(nexus.model)
    return nexus._replace(
        session=np.zeros(places, dtype=SESSION),
        packed=np.zeros(places, dtype=PACKED),
        gpu=gpu,
        opening=enlarged(nexus.opening, gpu_capacity),
    )


def new_shepherd(batch_max: int) -> Shepherd:
    """No GPU known."""
    return Shepherd(
        held=np.zeros((0, 2), dtype=HELD),
        request=np.zeros((0, 2, batch_max), dtype=HELD_REQUEST),
        older=np.zeros(0, dtype=np.int64),
        running=new_heap(0),
    )


def enlarged_shepherd(shepherd: Shepherd, gpu_capacity: int) -> Shepherd:
    """Room for more GPUs."""
    known, _, batch_max = shepherd.request.shape
    held = np.zeros((gpu_capacity, 2), dtype=HELD)
    request = np.zeros((gpu_capacity, 2, batch_max), dtype=HELD_REQUEST)
    older = np.zeros(gpu_capacity, dtype=np.int64)
    held[:known], request[:known], older[:known] = shepherd.held, shepherd.request, shepherd.older
    return Shepherd(held, request, older, enlarged(shepherd.running, gpu_capacity))
