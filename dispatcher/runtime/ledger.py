"""What is kept of the requests and batches of one plan, model by model."""

from __future__ import annotations

from dispatcher.contract.sub_cluster import SubClusterSpec
from dispatcher.frontend.service import ModelStatistics, Outcome
from dispatcher.runtime.live_request import NOT_SERVED, Request
from dispatcher.runtime.load_meter import LoadMeter
from dispatcher.runtime.model_record import ModelRecord
from dispatcher.runtime.under_way import Batch


class Ledger:
    """
    The meter of the load and a record of each model; those that were in the plan ``before`` go on.

    A request or batch whose model the plan does not name leaves no trace.
    """

    def __init__(self, spec: SubClusterSpec, meter: LoadMeter, before: Ledger | None = None) -> None:
        self.meter = meter
        kept: dict[str, ModelRecord] = {} if before is None else before._record_by_id
        self._record_by_id: dict[str, ModelRecord] = {
            model.id: kept.get(model.id) or ModelRecord() for model in spec.models
        }
        self._records = list(self._record_by_id.values())

    def admits(self, model_index: int) -> bool:
        return self._records[model_index].admitted

    def set_admitted(self, model_index: int, admitted: bool) -> None:
        self._records[model_index].admitted = admitted

    def statistics(self, model_index: int, now_us: int) -> ModelStatistics:
        return self._records[model_index].statistics(self.meter.totals()[model_index], now_us)

    def note_invalid(self, model_index: int) -> None:
        self.meter.answered(model_index, Outcome.INVALID)

    def executed(self, batch: Batch[Request], execution_us: int, now_us: int) -> None:
        """The batch has just ended."""
        model_index = batch.requests[0].model_index
        if model_index == NOT_SERVED:
            return
        self.meter.batch_executed(model_index, len(batch.requests), execution_us)
        arrivals_us = [request.arrived_us for request in batch.requests]
        self._records[model_index].executed(arrivals_us, execution_us, now_us)

    def answered(self, request: Request, outcome: Outcome, now_us: int) -> None:
        """The request has ended; one whose client went before it was due counts as cancelled."""
        if request.model_index == NOT_SERVED:
            return
        if request.answer.cancelled():
            outcome = Outcome.CANCELLED if now_us <= request.due_us else Outcome.LATE
        self.meter.answered(request.model_index, outcome, request.tenant_index)
        self._records[request.model_index].answered(outcome, request.arrived_us, now_us)
