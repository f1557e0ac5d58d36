"""A request that a live sub-cluster has taken in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from dispatcher.contract.sub_cluster import SubClusterSpec
from dispatcher.frontend.service import Answer
from dispatcher.frontend.tensors import Array

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
