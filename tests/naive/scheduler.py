"""The rules of ``dispatcher.core`` stated plainly: lists, sorts and linear scans, none of its code."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dispatcher.core.delays import Delays
from dispatcher.core.events import (
    BatchFinished,
    Command,
    DropReason,
    DropRequest,
    Event,
    GpuAdded,
    GpuLost,
    GpuRetired,
    RequestsArrived,
    SetTimer,
    StartBatch,
)
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.rules import DropRule, Policy, Rules
from dispatcher.core.tenant_spec import EVERYONE, TenantSpec
from tests.naive.admission import NaiveAdmission
from tests.naive.pace import NaivePaces
from tests.naive.records import Candidate, NaiveBatch, NaiveGpu, NaiveModel

BUCKET_US = 50_000
BUCKETS = 100


class NaiveScheduler:
    """The scheduler as a person would explain it."""

    def __init__(
        self,
        models: Sequence[ModelSpec],
        gpu_count: int,
        *,
        delays: Delays,
        rules: Rules,
        gpu_speeds: Sequence[float] | None = None,
        tenants: Sequence[TenantSpec] = EVERYONE,
    ) -> None:
        self.admission = NaiveAdmission(tenants)
        self.models = [NaiveModel(spec) for spec in models]
        self.gpus = [NaiveGpu(speed) for speed in gpu_speeds or [1.0] * gpu_count]
        self.fastest_ever = max([1.0, *(gpu.speed for gpu in self.gpus)])
        self.delays = delays
        self.policy, self.drop_rule, self.rules = rules.policy, rules.drop_rule, rules
        holds = self.policy in (Policy.ADAPTIVE, Policy.DEFERRED, Policy.LATEST, Policy.TIMEOUT)
        self.hold_ppm = 1_000_000 if holds else 0
        self.paces = NaivePaces(rules.time_quantile)
        self.batch_count = 0
        self.now_us = 0
        self.commands: list[Command] = []
        self.handed_over: list[Command] = []

    # One step

    def step(self, now_us: int, events: Sequence[Event]) -> list[Command]:
        self.now_us, self.commands, self.handed_over = now_us, [], []
        touched: list[NaiveModel] = []
        for event in events:
            if isinstance(event, BatchFinished):
                has_new_times = self._measure(self.gpus[event.gpu_id])
                model = self._finish_batch(self.gpus[event.gpu_id])
                is_held = model.candidate is not None and model.candidate.waiting_since_us is None
                is_to_renew = has_new_times or (self.policy is Policy.ADAPTIVE and is_held)
                if is_to_renew and model not in touched:
                    touched.append(model)
            elif isinstance(event, GpuLost):
                for batch in self.gpus[event.gpu_id].batches:
                    batch.model.sent -= 1
                self.gpus[event.gpu_id] = NaiveGpu(self.gpus[event.gpu_id].speed, is_here=False)
                self._note_fleet_changed()
            elif isinstance(event, GpuRetired):
                gpu = self.gpus[event.gpu_id]
                gpu.is_here, gpu.is_leaving = bool(gpu.batches), bool(gpu.batches)
            elif isinstance(event, GpuAdded):
                if event.gpu_id == len(self.gpus):
                    self.gpus.append(NaiveGpu(1.0))
                self.gpus[event.gpu_id].is_here = True
                self._note_fleet_changed()
        for event in events:
            if isinstance(event, RequestsArrived):
                self._take_requests(event, touched)
        self._settle(touched)
        self._hand_over()
        next_us = self._next_us()
        return [*self.handed_over, *([SetTimer(next_us)] if next_us is not None else [])]

    def _settle(self, touched: list[NaiveModel]) -> None:
        for model in reversed(touched):
            self._renew(model)
        self._match()

    def _hand_over(self) -> None:
        """What was decided so far is to be done before what follows; drops first."""
        drops = [command for command in self.commands if isinstance(command, DropRequest)]
        self.handed_over += drops + [each for each in self.commands if not isinstance(each, DropRequest)]
        self.commands = []

    def _note_fleet_changed(self) -> None:
        """A GPU came or went."""

    def _take_requests(self, event: RequestsArrived, touched: list[NaiveModel]) -> None:
        count = len(event.request_id)
        tenants = [0] * count if event.tenant_index is None else event.tenant_index.tolist()
        for m, request_id, deadline_us, tenant in zip(
            event.model_index.tolist(),
            event.request_id.tolist(),
            event.deadline_us.tolist(),
            tenants,
            strict=True,
        ):
            model = self.models[m]
            if not self._is_within_share(model, tenant):
                self.commands.append(DropRequest(request_id, DropReason.OVER_SHARE))
                continue
            model.arrivals_us.append(self.now_us)
            if self.paces.forgets(model, self.now_us) and model not in touched:
                touched.append(model)
            if self._no_gpu_in_time(model, deadline_us):
                self.commands.append(DropRequest(request_id, DropReason.GPUS_BUSY))
                continue
            if len(model.queue) >= model.spec.queue_max:
                self.commands.append(DropRequest(request_id, DropReason.QUEUE_FULL))
                continue
            model.queue = sorted([*model.queue, (deadline_us, request_id)])
            if model not in touched:
                touched.append(model)

    def _is_within_share(self, model: NaiveModel, tenant: int) -> bool:
        size = self._target(model)
        cost_ns = self._execution_us(model, self._fastest_for(model), size) * 1_000 // size
        here = [round(gpu.speed / self.fastest_ever * 1e6) for gpu in self.gpus if gpu.is_here]
        return self.admission.lets_in(tenant, cost_ns, self.now_us, here)

    def _no_gpu_in_time(self, model: NaiveModel, deadline_us: int) -> bool:
        """Every GPU executes one batch until too late; of those that hold two nothing is certain."""
        here = [gpu for gpu in self.gpus if gpu.is_here]
        is_rival = self.policy in (Policy.CLOCKWORK, Policy.NEXUS, Policy.SHEPHERD)
        if is_rival or self.drop_rule is DropRule.NEVER or not here:
            return False
        if any(len(gpu.batches) != 1 or gpu.is_leaving for gpu in here):
            return False
        fastest = self._fastest_for(model)
        first_free_us = min(gpu.batches[0].start_us + gpu.batches[0].execution_us for gpu in here)
        start_us = max(self.now_us + self._lead_us(1), first_free_us)
        return start_us + self._execution_us(model, fastest, 1) > deadline_us

    def _finish_batch(self, gpu: NaiveGpu) -> NaiveModel:
        """The model whose batch it was."""
        model = gpu.batches.pop(0).model
        model.sent -= 1
        if gpu.batches:
            gpu.batches[0].start_us = max(gpu.batches[0].ready_us, self.now_us)
        elif gpu.is_leaving:
            gpu.is_here = gpu.is_leaving = False
        return model

    # Candidates

    def _lead_us(self, b: int) -> int:
        return self.delays.ctrl_us + b * self.delays.data_us

    def _execution_us(self, model: NaiveModel, speed: float, b: int) -> int:
        return self.paces.execution_us(model, speed, b)

    def _fastest_for(self, model: NaiveModel) -> float:
        return self.paces.fastest_speed(model, max(gpu.speed for gpu in self.gpus))

    def _measure(self, gpu: NaiveGpu) -> bool:
        return self.paces.learn(gpu.batches[0], gpu.speed, self.now_us)

    def _finish_us(self, model: NaiveModel, speed: float, b: int, gpu_free_us: int) -> int:
        return max(self.now_us + self._lead_us(b), gpu_free_us) + self._execution_us(model, speed, b)

    def _form_batch(self, model: NaiveModel, speed: float, gpu_free_us: int) -> int:
        """The size of the batch; what stands in its way is dropped first."""
        queue, largest = model.queue, model.spec.batch_size_max

        def in_time(b: int, head: int) -> bool:
            return self._finish_us(model, speed, b, gpu_free_us) <= queue[head][0]

        if self.drop_rule is not DropRule.WINDOW:
            hopeless = [head for head in range(len(queue)) if not in_time(1, head)]
            if self.drop_rule is DropRule.HOPELESS:
                self._drop_heads(model, len(hopeless), speed, gpu_free_us)
                queue, hopeless = model.queue, []
            model.keeps_us = queue[len(hopeless)][0] if len(hopeless) < len(queue) else math.inf
            sizes = range(1, min(len(queue), largest) + 1)
            kept = [b for b in sizes if self._finish_us(model, speed, b, gpu_free_us) <= model.keeps_us]
            return max(kept, default=0)
        n, k = len(queue), 0
        while k < n and not in_time(min(n - k, largest), k):
            k += 1
        b = min(self._target(model) if queue else 0, n - k, largest)
        i = 0
        while i < k and (b == 0 or not in_time(b, i)):
            i += 1
        self._drop_heads(model, i, speed, gpu_free_us)
        queue = model.queue
        while b and b < min(len(queue), largest) and in_time(b + 1, 0):
            b += 1
        model.keeps_us = queue[0][0] if queue else math.inf
        return b

    def _form_allowed(self, model: NaiveModel, speed: float, gpu_free_us: int) -> int:
        """Clockwork knows batches of a few sizes only."""
        return self._form_batch(model, speed, gpu_free_us)

    def _drop_heads(self, model: NaiveModel, count: int, speed: float, gpu_free_us: int) -> None:
        self.admission.lost += count
        for deadline_us, request_id in model.queue[:count]:
            alone = self._finish_us(model, speed, 1, gpu_free_us) <= deadline_us
            reason = DropReason.WINDOW if alone else DropReason.DEADLINE_UNREACHABLE
            self.commands.append(DropRequest(request_id, reason))
        self._note_lost(model, count)
        model.queue = model.queue[count:]

    def _target(self, model: NaiveModel) -> int:
        spec = model.spec
        speed = self._fastest_for(model)
        bucket = self.now_us // BUCKET_US
        first = model.arrivals_us[0] // BUCKET_US if model.arrivals_us else bucket
        recent = [t for t in model.arrivals_us if bucket - BUCKETS <= t // BUCKET_US < bucket]
        span_us = min(bucket - first, BUCKETS) * BUCKET_US
        budget_us = spec.slo_us - self.delays.ctrl_us - self.delays.resp_us
        best = 1
        for b in range(1, spec.batch_size_max + 1):
            execution_us = self._execution_us(model, speed, b)
            if span_us == 0:
                fits = execution_us <= spec.slo_us // 2
            elif not recent:
                fits = False
            else:
                # l(b) + b (data + 1 / rate) <= SLO - ctrl - resp, times the count of arrivals
                spare_us = budget_us - execution_us - b * self.delays.data_us
                fits = spare_us * len(recent) >= b * span_us
            if fits:
                best = b
        return best - best // 16

    def _renew(self, model: NaiveModel) -> None:
        before, model.candidate = model.candidate, None
        speed = model.speed = self._speed_to_count_on(model)
        b = self._form_allowed(model, speed, self.now_us)
        if b == 0:
            return

        def last_start_us(size: int) -> float:
            return model.keeps_us - self._execution_us(model, speed, size) - self._lead_us(size)

        due_us = self.now_us
        if b < model.spec.batch_size_max and model.keeps_us < math.inf:
            due_us = max(due_us, int(self._when_due_us(model, last_start_us(b), last_start_us(b + 1))))
        since_us = None
        if due_us == self.now_us:
            waited = before is not None and before.waiting_since_us is not None
            since_us = before.waiting_since_us if before is not None and waited else self.now_us
        model.candidate = Candidate(b, due_us, last_start_us(b), since_us)

    def _when_due_us(self, model: NaiveModel, latest_us: float, frontrun_us: float) -> float:
        """When a batch that could still grow is to be sent."""
        slo_us = model.spec.slo_us
        if self.policy in (Policy.EAGER, Policy.CLOCKWORK):
            return self.now_us
        if self.policy is Policy.LATEST:
            return latest_us
        if self.policy is Policy.TIMEOUT:
            arrived_us = model.keeps_us - slo_us + self.delays.resp_us
            return min(arrived_us + int(self.rules.timeout_share * slo_us), latest_us)
        if self.policy is Policy.DEFERRED or frontrun_us <= self.now_us:
            return frontrun_us
        return self.now_us + (frontrun_us - self.now_us) * self._hold_ppm_of(model) // 1_000_000

    def _hold_ppm_of(self, model: NaiveModel) -> int:
        hold_ppm = max(0, min(self.hold_ppm, model.hold_ppm))
        idle = [gpu for gpu in self.gpus if gpu.is_here and not gpu.batches]
        if not model.sent or len(idle) ** 2 >= len(self.gpus):
            return hold_ppm
        return max(hold_ppm, 250_000) if model.sent == 1 else 1_000_000

    def _speed_to_count_on(self, model: NaiveModel) -> float:
        """The slowest GPU's on which all that wait are in time, if one is idle; else the next to be free."""

        def all_in_time(speed: float) -> bool:
            whole = min(len(model.queue), model.spec.batch_size_max)
            return not whole or self._finish_us(model, speed, whole, self.now_us) <= model.queue[0][0]

        here = [gpu for gpu in self.gpus if gpu.is_here]
        open_gpus = self._open_gpus()
        speeds = []
        if any(not gpu.batches for gpu in here):
            speeds = sorted({gpu.speed for gpu in here})
        elif open_gpus:
            speeds = [open_gpus[0].speed]
        return next(filter(all_in_time, speeds), self._fastest_for(model))

    # Matching

    def _open_gpus(self) -> list[NaiveGpu]:
        """Busy GPUs with nothing behind what they execute, the first to be free first."""
        single = [gpu for gpu in self.gpus if gpu.is_here and not gpu.is_leaving and len(gpu.batches) == 1]
        return sorted(single, key=lambda gpu: gpu.batches[0].start_us + gpu.batches[0].execution_us)

    def _waiting(self) -> list[tuple[Candidate, NaiveModel]]:
        """Due candidates, the one whose window ends first first."""
        pairs = [(model.candidate, model) for model in self.models if model.candidate is not None]
        due = [(each, model) for each, model in pairs if each.waiting_since_us is not None]
        return sorted(due, key=lambda pair: pair[0].latest_us)

    def _opening_us(self, gpu: NaiveGpu, size: int) -> int:
        batch = gpu.batches[0]
        return max(batch.start_us, batch.start_us + batch.execution_us - self._ahead_us(size))

    def _ahead_us(self, size: int) -> int:
        return self._lead_us(size)

    def _match(self) -> None:
        for model in self.models:
            candidate = model.candidate
            if candidate and candidate.waiting_since_us is None and candidate.due_us <= self.now_us:
                candidate.waiting_since_us = self.now_us
        while waiting := self._waiting():
            candidate, model = waiting[0]
            idle = [gpu for gpu in self.gpus if gpu.is_here and not gpu.batches]
            open_gpus = self._open_gpus()
            if idle:
                self._grant(model, idle[0])
            elif open_gpus and self._opening_us(open_gpus[0], candidate.size) <= self.now_us:
                self._grant(model, open_gpus[0])
            elif candidate.latest_us < self.now_us:
                self._renew(model)
            else:
                break

    def _grant(self, model: NaiveModel, gpu: NaiveGpu) -> None:
        b = self._batch_for(model, gpu)
        if b:
            assert model.candidate is not None
            self._send(model, gpu, b)
            self._note_started(model, b)
            model.candidate = None
        self._renew(model)

    def _batch_for(self, model: NaiveModel, gpu: NaiveGpu) -> int:
        """A GPU slower than counted on takes a smaller batch, if it is half of what is aimed at or more."""
        free_us = gpu.free_us(self.now_us)
        if gpu.speed < model.speed and self.policy is not Policy.CLOCKWORK:
            sizes = range(1, min(len(model.queue), model.spec.batch_size_max) + 1)
            finishes_us = [self._finish_us(model, gpu.speed, b, free_us) for b in sizes]
            b = sum(finish_us <= model.keeps_us for finish_us in finishes_us)
            assert model.candidate is not None
            if b and 2 * b >= min(model.candidate.size, self._target(model)):
                return b
        return self._form_allowed(model, gpu.speed, free_us)

    def _send(self, model: NaiveModel, gpu: NaiveGpu, b: int) -> None:
        requests, model.queue = model.queue[:b], model.queue[b:]
        execution_us = self._execution_us(model, gpu.speed, b)
        ready_us = self.now_us + self._lead_us(b)
        start_us = max(ready_us, gpu.free_us(self.now_us))
        finish_us = start_us + execution_us
        ids = np.array([request_id for _, request_id in requests], dtype=np.int64)
        place = (self.gpus.index(gpu), self.batch_count, self.models.index(model))
        self.commands.append(StartBatch(*place, ids, start_us, finish_us))
        gpu.batches.append(NaiveBatch(self.batch_count, ready_us, start_us, execution_us, model, requests))
        self.batch_count += 1
        model.sent += 1
        model.came_us = None
        self._note_lost(model, sum(deadline_us < finish_us for deadline_us, _ in requests))

    def _note_started(self, model: NaiveModel, count: int) -> None:
        if self.policy is Policy.ADAPTIVE:
            self.hold_ppm = min(1_000_000, self.hold_ppm + 45 * count)
            model.hold_ppm = min(1_000_000, model.hold_ppm + 5_000 * count)

    def _note_lost(self, model: NaiveModel, count: int) -> None:
        if self.policy is Policy.ADAPTIVE:
            self.hold_ppm = max(-200_000, self.hold_ppm - 30_000 * count)
            model.hold_ppm = max(0, model.hold_ppm - 500_000 * count)

    def _next_us(self) -> int | None:
        candidates = [model.candidate for model in self.models if model.candidate is not None]
        instants = [each.due_us for each in candidates if each.waiting_since_us is None]
        if waiting := self._waiting():
            first = waiting[0][0]
            if first.latest_us < math.inf:
                instants.append(int(first.latest_us) + 1)
            if open_gpus := self._open_gpus():
                instants.append(self._opening_us(open_gpus[0], first.size))
        return min(instants, default=None)
