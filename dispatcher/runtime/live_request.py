"""A request that a live sub-cluster has taken in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dispatcher.contract.sub_cluster import SubClusterSpec
from dispatcher.frontend.service import Answer, Completed, Outcome, Reason, Refusal
from dispatcher.frontend.tensors import Array
from dispatcher.runtime.bulk import Segment

NOT_SERVED = -1
"""The model's index of a request whose model the present plan does not name."""


@dataclass(slots=True)
class Request:
    """
    Instants are microseconds of the dispatcher's clock.

    ``model_index`` and ``tenant_index`` count in the present plan; the answer is promised by
    ``due_us``, and execution must have ended by ``deadline_us``.
    """

    id: int
    model_index: int
    tenant_index: int
    arrived_us: int
    due_us: int
    deadline_us: int
    inputs: tuple[Array, ...]
    answer: asyncio.Future[Answer]
    is_answered: bool = False


def renumber(requests: Sequence[Request], before: SubClusterSpec, after: SubClusterSpec) -> None:
    """Have the requests of one plan name their models and tenants as another does."""
    model_at = {model.id: index for index, model in enumerate(after.models)}
    tenant_at = {tenant.id: index for index, tenant in enumerate(after.tenants)}
    for request in requests:
        if request.model_index != NOT_SERVED:
            request.model_index = model_at.get(before.models[request.model_index].id, NOT_SERVED)
        tenant = before.tenants[request.tenant_index].id if before.tenants else ""
        request.tenant_index = tenant_at.get(tenant, 0)


def ending(
    request: Request, row: int, outputs: Sequence[Array], now_us: int
) -> tuple[Outcome, Completed | Refusal]:
    """What a request gets whose batch has been computed: its row, where that comes in time."""
    if now_us > request.due_us:
        text = f"the answer came {(now_us - request.due_us) / 1e3:.3f} ms after the promise"
        return Outcome.LATE, Refusal(Reason.LATE, text)
    return Outcome.IN_TIME, Completed(tuple(each[row : row + 1] for each in outputs))


def batch_inputs(requests: Sequence[Request], segments: Sequence[Segment]) -> Sequence[Array]:
    """One array for each input of the model: the rows of the requests, then those of the segments."""
    rows = [*(each.inputs for each in requests), *(segment.inputs() for segment in segments)]
    return rows[0] if len(rows) == 1 else [np.concatenate(parts) for parts in zip(*rows, strict=True)]


def parted(requests: list[Request]) -> tuple[list[Request], list[Request]]:
    """Those of a batch that somebody waits for, and those whose client is gone; no others."""
    wanted = [request for request in requests if not request.answer.done()]
    if len(wanted) == len(requests):
        return wanted, []
    return wanted, [each for each in requests if each.answer.cancelled()]
