"""What is kept of the requests and batches of one plan, model by model."""

from __future__ import annotations

from dispatcher.contract.sub_cluster import SubClusterSpec
from dispatcher.frontend.service import Answer, ModelStatistics, Outcome, Reason, Refusal
from dispatcher.runtime.clock import Now
from dispatcher.runtime.live_request import NOT_SERVED, Request
from dispatcher.runtime.load_meter import LoadMeter
from dispatcher.runtime.measures import Measures
from dispatcher.runtime.model_record import ModelRecord
from dispatcher.runtime.under_way import Batch


class Ledger:
    """
    The meter of the load, the measures, and a record of each model; models that were in the plan
    ``before`` go on with theirs.

    A request or batch whose model the plan does not name leaves no trace.
    """

    def __init__(
        self, spec: SubClusterSpec, meter: LoadMeter, now: Now, before: Ledger | None = None
    ) -> None:
        self.meter = meter
        self._now = now
        self._index = {model.id: index for index, model in enumerate(spec.models)}
        self._records = [ModelRecord() for _ in spec.models]
        if before is None:
            self.measures = Measures(spec.models, spec.gpus, now())
        else:
            self.measures = before.measures.successor(spec.models, spec.gpus)
            for model_id, index in before._index.items():
                if model_id in self._index:
                    self._records[self._index[model_id]] = before._records[index]

    def admits(self, model_index: int) -> bool:
        return self._records[model_index].admitted

    def set_admitted(self, model_index: int, admitted: bool) -> None:
        self._records[model_index].admitted = admitted

    def statistics(self, model_index: int) -> ModelStatistics:
        return self._records[model_index].statistics(self.meter.totals()[model_index], self._now())

    def note_invalid(self, model_index: int, count: int = 1) -> None:
        self.meter.answered(model_index, Outcome.INVALID, count=count)

    def tick(self) -> None:
        """To be called every second or so: shares and rates are taken over intervals."""
        self.measures.tick(self._now(), self.meter.totals)

    def executed(self, batch: Batch[Request], execution_us: int) -> None:
        """The batch has just ended."""
        model_index = self._index.get(batch.model.id)
        if model_index is None:
            return
        self.meter.batch_executed(model_index, batch.size, execution_us)
        began_us = self._now() - execution_us
        queued = [(max(0, began_us - request.arrived_us), 1) for request in batch.requests]
        queued += [segment.queued(began_us) for segment in batch.segments]
        self.measures.batch_executed(batch.gpu, model_index, execution_us, queued)
        self._records[model_index].executed(queued, execution_us)

    def answered(self, request: Request, outcome: Outcome, answer: Answer) -> None:
        """The request has ended; one whose client went before it was due counts as cancelled."""
        model_index, now_us = request.model_index, self._now()
        if model_index == NOT_SERVED:
            return
        if request.answer.cancelled():
            outcome = Outcome.CANCELLED if now_us <= request.due_us else Outcome.LATE
        if isinstance(answer, Refusal) and outcome is not Outcome.CANCELLED:
            self.measures.refused(model_index, answer.reason)
        self.meter.answered(model_index, outcome, request.tenant_index)
        self._records[model_index].answered(outcome, request.arrived_us, now_us)

    def rows_answered(
        self, model_index: int, outcome: Outcome, arrived_us: int, tenants: dict[int, int]
    ) -> None:
        """Requests that arrived together have ended; ``tenants`` counts them by the index of their tenant."""
        for tenant_index, count in tenants.items():
            self.meter.answered(model_index, outcome, tenant_index, count)
        self._records[model_index].answered(outcome, arrived_us, self._now(), sum(tenants.values()))

    def rows_refused(self, model_index: int, reason: Reason, count: int) -> None:
        self.measures.refused(model_index, reason, count)
