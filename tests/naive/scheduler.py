"""The rules of ``dispatcher.core`` stated plainly: lists, sorts and linear scans, none of its code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

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

BUCKET_US = 50_000
BUCKETS = 100


@dataclass(eq=False)
class NaiveModel:
    spec: ModelSpec
    queue: list[tuple[int, int]] = field(default_factory=list)  # (deadline, id)
    arrivals_us: list[int] = field(default_factory=list)
    candidate: Candidate | None = None
    was_held: bool = False
    keeps_us: float = math.inf  # the deadline that its candidate keeps


@dataclass
class Candidate:
    size: int
    due_us: int
    latest_us: float
    waiting_since_us: int | None


@dataclass
class NaiveBatch:
    id: int
    ready_us: int
    start_us: int
    execution_us: int


@dataclass(eq=False)
class NaiveGpu:
    speed: float
    is_here: bool = True
    is_leaving: bool = False
    batches: list[NaiveBatch] = field(default_factory=list)

    def free_us(self, now_us: int) -> int:
        if not self.batches:
            return now_us
        return max(now_us, self.batches[0].start_us + self.batches[0].execution_us)


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
    ) -> None:
        self.models = [NaiveModel(spec) for spec in models]
        self.gpus = [NaiveGpu(speed) for speed in gpu_speeds or [1.0] * gpu_count]
        self.delays = delays
        self.policy, self.drop_rule, self.rules = rules.policy, rules.drop_rule, rules
        self.hold_ppm = self.hold_cap_ppm = 0 if self.policy is Policy.EAGER else 1_000_000
        self.batch_count = 0
        self.now_us = 0
        self.commands: list[Command] = []

    # One step

    def step(self, now_us: int, events: Sequence[Event]) -> list[Command]:
        self.now_us, self.commands = now_us, []
        touched: list[NaiveModel] = []
        for event in events:
            if isinstance(event, BatchFinished):
                self._finish_batch(self.gpus[event.gpu_id])
            elif isinstance(event, GpuLost):
                self.gpus[event.gpu_id] = NaiveGpu(self.gpus[event.gpu_id].speed, is_here=False)
            elif isinstance(event, GpuRetired):
                gpu = self.gpus[event.gpu_id]
                gpu.is_here, gpu.is_leaving = bool(gpu.batches), bool(gpu.batches)
            elif isinstance(event, GpuAdded):
                if event.gpu_id == len(self.gpus):
                    self.gpus.append(NaiveGpu(1.0))
                self.gpus[event.gpu_id].is_here = True
        for event in events:
            if isinstance(event, RequestsArrived):
                self._take_requests(event, touched)
        for model in reversed(touched):
            self._renew(model)
        self._match()
        next_us = self._next_us()
        drops = [command for command in self.commands if isinstance(command, DropRequest)]
        starts = [command for command in self.commands if isinstance(command, StartBatch)]
        return [*drops, *starts, *([SetTimer(next_us)] if next_us is not None else [])]

    def _take_requests(self, event: RequestsArrived, touched: list[NaiveModel]) -> None:
        for m, request_id, deadline_us in zip(
            event.model_index.tolist(), event.request_id.tolist(), event.deadline_us.tolist(), strict=True
        ):
            model = self.models[m]
            model.arrivals_us.append(self.now_us)
            if len(model.queue) >= model.spec.queue_max:
                self.commands.append(DropRequest(request_id, DropReason.QUEUE_FULL))
                continue
            model.queue = sorted([*model.queue, (deadline_us, request_id)])
            if model not in touched:
                touched.append(model)

    def _finish_batch(self, gpu: NaiveGpu) -> None:
        gpu.batches.pop(0)
        if gpu.batches:
            gpu.batches[0].start_us = max(gpu.batches[0].ready_us, self.now_us)
        elif gpu.is_leaving:
            gpu.is_here = gpu.is_leaving = False

    # Candidates

    def _lead_us(self, b: int) -> int:
        return self.delays.ctrl_us + b * self.delays.data_us

    def _execution_us(self, model: NaiveModel, speed: float, b: int) -> int:
        return math.ceil(int(model.spec.latency_us[b]) / speed - 1e-6)

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

    def _drop_heads(self, model: NaiveModel, count: int, speed: float, gpu_free_us: int) -> None:
        for deadline_us, request_id in model.queue[:count]:
            alone = self._finish_us(model, speed, 1, gpu_free_us) <= deadline_us
            reason = DropReason.WINDOW if alone else DropReason.DEADLINE_UNREACHABLE
            self.commands.append(DropRequest(request_id, reason))
        model.queue = model.queue[count:]

    def _target(self, model: NaiveModel) -> int:
        spec = model.spec
        speed = max(gpu.speed for gpu in self.gpus)
        bucket = self.now_us // BUCKET_US
        first = model.arrivals_us[0] // BUCKET_US
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
        return best

    def _renew(self, model: NaiveModel) -> None:
        before, model.candidate = model.candidate, None
        speed = self._speed_of_next_gpu()
        waiting = len(model.queue)
        b = self._form_batch(model, speed, self.now_us)
        if len(model.queue) < waiting and model.was_held:
            model.was_held = False
            self._note_loss()
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
        else:
            model.was_held |= any(gpu.is_here and not gpu.batches for gpu in self.gpus)
        model.candidate = Candidate(b, due_us, last_start_us(b), since_us)

    def _when_due_us(self, model: NaiveModel, latest_us: float, frontrun_us: float) -> float:
        """When a batch that could still grow is to be sent."""
        slo_us = model.spec.slo_us
        if self.policy is Policy.EAGER:
            return self.now_us
        if self.policy is Policy.LATEST:
            return latest_us
        if self.policy is Policy.TIMEOUT:
            arrived_us = model.keeps_us - slo_us + self.delays.resp_us
            return min(arrived_us + int(self.rules.timeout_share * slo_us), latest_us)
        if self.policy is Policy.DEFERRED or frontrun_us <= self.now_us:
            return frontrun_us
        return self.now_us + (frontrun_us - self.now_us) * self.hold_ppm_least() // 1_000_000

    def _speed_of_next_gpu(self) -> float:
        here = [gpu for gpu in self.gpus if gpu.is_here]
        idle = [gpu for gpu in here if not gpu.batches]
        if idle:
            return idle[0].speed
        open_gpus = self._open_gpus()
        if open_gpus:
            return open_gpus[0].speed
        return max(gpu.speed for gpu in self.gpus)

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
        return max(batch.start_us, batch.start_us + batch.execution_us - self._lead_us(size))

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
                self._note_miss()
                self._renew(model)
            else:
                break

    def _grant(self, model: NaiveModel, gpu: NaiveGpu) -> None:
        b = self._form_batch(model, gpu.speed, gpu.free_us(self.now_us))
        if b:
            assert model.candidate is not None
            ready_us = self.now_us + self._lead_us(b)
            start_us = max(ready_us, gpu.free_us(self.now_us))
            batch = NaiveBatch(self.batch_count, ready_us, start_us, self._execution_us(model, gpu.speed, b))
            ids = np.array([request_id for _, request_id in model.queue[:b]], dtype=np.int64)
            self.commands.append(
                StartBatch(
                    self.gpus.index(gpu),
                    batch.id,
                    self.models.index(model),
                    ids,
                    start_us,
                    start_us + batch.execution_us,
                )
            )
            self.batch_count += 1
            gpu.batches.append(batch)
            model.queue = model.queue[b:]
            model.was_held = False
            if self.policy is Policy.ADAPTIVE:
                self.hold_cap_ppm = min(1_000_000, self.hold_cap_ppm + 200)
            if model.candidate.waiting_since_us == self.now_us:
                self._note_hit()
            else:
                self._note_miss()
            model.candidate = None
        self._renew(model)

    def _note_hit(self) -> None:
        if self.policy is Policy.ADAPTIVE:
            self.hold_ppm = min(1_000_000, self.hold_ppm + 20_000)

    def _note_miss(self) -> None:
        if self.policy is Policy.ADAPTIVE:
            self.hold_ppm = self.hold_ppm * 9 // 10

    def _note_loss(self) -> None:
        if self.policy is Policy.ADAPTIVE:
            self.hold_cap_ppm //= 2

    def hold_ppm_least(self) -> int:
        return min(self.hold_ppm, self.hold_cap_ppm)

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
