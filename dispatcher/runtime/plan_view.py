"""One plan's models in front of a sub-cluster that may have gone on to another."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from dispatcher.contract.sub_cluster import ServedModel, SubClusterSpec, Tenant
from dispatcher.frontend.bulk_service import BulkListener, BulkRequests
from dispatcher.frontend.service import Answer, ModelStatistics
from dispatcher.frontend.tensors import Array
from dispatcher.runtime.bulk_way import renumbered_rows
from dispatcher.runtime.live import LiveSubCluster
from dispatcher.runtime.metrics import metrics_text
from dispatcher.runtime.refusals import NOT_HERE


class PlanView:
    """
    The service of a door that was made for ``spec``; models and tenants keep their numbers in it.

    A door that read a request's head under one plan and its body under the next still
    means the model that it named.
    """

    def __init__(self, live: LiveSubCluster, spec: SubClusterSpec) -> None:
        self._live = live
        self._spec = self._served = spec
        self._model_at: dict[str, int] = {}
        self._tenant_at: dict[str, int] = {}
        self._number()

    @property
    def models(self) -> Sequence[ServedModel]:
        return self._spec.models

    @property
    def tenants(self) -> Sequence[Tenant]:
        return self._spec.tenants

    @property
    def ready(self) -> bool:
        return self._live.ready

    def admits(self, model_index: int) -> bool:
        index = self._index_now(model_index)
        return index is not None and self._live.ledger.admits(index)

    def set_admitted(self, model_index: int, admitted: bool) -> None:
        index = self._index_now(model_index)
        if index is not None:
            self._live.ledger.set_admitted(index, admitted)

    def statistics(self, model_index: int) -> ModelStatistics:
        index = self._index_now(model_index)
        return ModelStatistics() if index is None else self._live.ledger.statistics(index)

    def now_us(self) -> int:
        return self._live.now_us()

    def submit(
        self,
        model_index: int,
        inputs: tuple[Array, ...],
        arrived_us: int,
        timeout_us: int | None,
        tenant_index: int = 0,
    ) -> asyncio.Future[Answer]:
        index = self._index_now(model_index)
        if index is None:
            refused: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
            refused.set_result(NOT_HERE)
            return refused
        tenant = self._spec.tenants[tenant_index].id if self._spec.tenants else ""
        return self._live.submit(index, inputs, arrived_us, timeout_us, self._tenant_at.get(tenant, 0))

    def submit_bulk(self, requests: BulkRequests, arrived_us: int, listener: BulkListener) -> None:
        index = self._index_now(requests.model_index)
        if index is None:
            listener.refused(np.arange(requests.rows), NOT_HERE.reason)
            return
        if self._spec is not self._served:
            tenants = [self._tenant_at.get(tenant.id, 0) for tenant in self._spec.tenants]
            tenant_index = renumbered_rows(requests.tenant_index, tenants, self._served, requests.rows)
            requests = replace(requests, model_index=index, tenant_index=tenant_index)
        self._live.submit_bulk(requests, arrived_us, listener)

    def withdraw_bulks(self, listeners: Collection[BulkListener]) -> None:
        self._live.withdraw_bulks(listeners)

    def note_invalid(self, model_index: int, count: int = 1) -> None:
        index = self._index_now(model_index)
        if index is not None:
            self._live.ledger.note_invalid(index, count)

    def metrics_text(self) -> str:
        live, spec = self._live, self._live.spec
        return metrics_text(
            models=[model.id for model in spec.models],
            tallies=live.ledger.meter.totals(),
            measures=live.ledger.measures,
            pending=live.pending,
            gpus=spec.gpus,
            gpus_ready=len(live.link.ready_gpus),
            gpus_advised=live.advice.gpus,
            hold_factor=live.scheduler.hold_factor,
            plan_version=spec.plan_version,
            tenants=[tenant.id for tenant in spec.tenants],
            tenant_outcomes=live.ledger.meter.tenant_outcomes,
        )

    def _index_now(self, model_index: int) -> int | None:
        """The model's number in the plan that is served at this moment; None where it is not in it."""
        if self._live.spec is not self._served:
            self._number()
        return self._model_at.get(self._spec.models[model_index].id)

    def _number(self) -> None:
        self._served = self._live.spec
        self._model_at = {model.id: index for index, model in enumerate(self._served.models)}
        self._tenant_at = {tenant.id: index for index, tenant in enumerate(self._served.tenants)}
