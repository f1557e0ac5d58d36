"""The policies ``clockwork``, ``nexus`` and ``shepherd`` stated plainly."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dispatcher.core.delays import Delays
from dispatcher.core.events import DropReason, DropRequest, PreemptBatch
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.rules import DropRule, Policy, Rules
from dispatcher.core.tenant_spec import EVERYONE, TenantSpec
from tests.naive.nexus_packing import Load, naive_packing
from tests.naive.records import NaiveGpu, NaiveModel
from tests.naive.scheduler import BUCKET_US, BUCKETS, NaiveScheduler


def naive_scheduler(
    models: Sequence[ModelSpec],
    gpu_count: int,
    *,
    delays: Delays,
    rules: Rules,
    gpu_speeds: Sequence[float] | None = None,
    tenants: Sequence[TenantSpec] = EVERYONE,
) -> NaiveScheduler:
    """The twin of the policy."""
    kinds = {
        Policy.CLOCKWORK: NaiveClockwork,
        Policy.NEXUS: NaiveNexus,
        Policy.SHEPHERD: NaiveShepherd,
    }
    kind = kinds.get(rules.policy, NaiveScheduler)
    return kind(models, gpu_count, delays=delays, rules=rules, gpu_speeds=gpu_speeds, tenants=tenants)


class NaiveClockwork(NaiveScheduler):
    """Eager, with batches of a few sizes, sent a fixed time ahead."""

    def _form_allowed(self, model: NaiveModel, speed: float, gpu_free_us: int) -> int:
        sizes = [size for size in (16, 8, 4, 2, 1) if size <= model.spec.batch_size_max]
        if self.drop_rule is not DropRule.WINDOW:
            b = self._form_batch(model, speed, gpu_free_us)
            return max((size for size in sizes if size <= b), default=0)
        for size in sizes:
            finish_us = self._finish_us(model, speed, size, gpu_free_us)
            late = [deadline_us for deadline_us, _ in model.queue if deadline_us < finish_us]
            if len(model.queue) - len(late) >= size:
                self._drop_heads(model, len(late), speed, gpu_free_us)
                model.keeps_us = model.queue[0][0]
                return size
        self._drop_heads(model, len(model.queue), speed, gpu_free_us)
        return 0

    def _ahead_us(self, size: int) -> int:
        return self.rules.commit_ahead_us


class NaiveShepherd(NaiveScheduler):
    """``size`` and ``latest_us`` are of each model's batch, by position in the list of models."""

    def _settle(self, touched: list[NaiveModel]) -> None:
        self.to_renew = list(touched)
        self.sizes: dict[int, int] = getattr(self, "sizes", {})
        self.latest_us: dict[int, float] = getattr(self, "latest_us", {})
        while True:
            late = [(latest_us, m) for m, latest_us in self.latest_us.items() if latest_us < self.now_us]
            if self.to_renew:
                self._renew(self.to_renew.pop())
            elif late:
                self._touch(self.models[min(late)[1]])
            elif not self.sizes or not self._run_or_preempt():
                return

    def _touch(self, model: NaiveModel) -> None:
        if model not in self.to_renew:
            self.to_renew.append(model)

    def _renew(self, model: NaiveModel) -> None:
        m = self.models.index(model)
        self.sizes.pop(m, None)
        self.latest_us.pop(m, None)
        speed = self._speed_to_count_on(model)
        if b := self._form_batch(model, speed, self.now_us):
            self.sizes[m] = b
            self.latest_us[m] = model.keeps_us - self._execution_us(model, speed, b) - self._lead_us(b)

    def _largest(self) -> NaiveModel:
        return self.models[min(self.sizes, key=lambda m: (-self.sizes[m], m))]

    def _run_or_preempt(self) -> bool:
        """One GPU takes a batch; False if none does."""
        model = self._largest()
        idle = [gpu for gpu in self.gpus if gpu.is_here and not gpu.batches]
        size = self.sizes[self.models.index(model)]
        ready = [gpu for gpu in self._open_gpus()[:1] if self._opening_us(gpu, size) <= self.now_us]
        if gpus := idle or ready:
            if b := self._form_batch(model, gpus[0].speed, gpus[0].free_us(self.now_us)):
                self._send(model, gpus[0], b)
            self._touch(model)
            return True
        return self._preempt(model, size)

    def _preempt(self, largest: NaiveModel, size: int) -> bool:
        single = [gpu for gpu in self.gpus if gpu.is_here and len(gpu.batches) == 1]
        if not single:
            return False
        gpu = min(single, key=lambda each: len(each.batches[0].requests))
        running = gpu.batches[0]
        holder, together = running.model, sorted([*running.model.queue, *running.requests])
        if len(together) > holder.spec.queue_max:
            return False
        best, winner = self._in_time_for_all(holder, gpu, together), holder
        finish_us = self._finish_us(largest, gpu.speed, size, self.now_us)
        if largest is not holder and size >= best and finish_us <= largest.keeps_us:
            best, winner = size, largest
        if best * 10**6 < len(running.requests) * round(self.rules.preemption_factor * 1e6):
            return False
        if self.commands:
            self._hand_over()
        self.handed_over.append(PreemptBatch(self.gpus.index(gpu), running.id))
        gpu.batches = []
        running.model.sent -= 1
        holder.queue = together
        self._send(winner, gpu, best)
        self._touch(holder)
        self._touch(winner)
        return True

    def _in_time_for_all(self, model: NaiveModel, gpu: NaiveGpu, requests: list[tuple[int, int]]) -> int:
        sizes = range(1, min(len(requests), model.spec.batch_size_max) + 1)
        fits = [b for b in sizes if self._finish_us(model, gpu.speed, b, self.now_us) <= requests[0][0]]
        return max(fits, default=0)

    def _next_us(self) -> int | None:
        if not self.sizes:
            return None
        instants = [int(latest_us) + 1 for latest_us in self.latest_us.values() if latest_us < math.inf]
        if open_gpus := self._open_gpus():
            instants.append(self._opening_us(open_gpus[0], self.sizes[self.models.index(self._largest())]))
        return min(instants, default=None)


class NaiveNexus(NaiveScheduler):
    """``sessions`` of each GPU are (model, largest batch), the one whose turn it is first."""

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
        super().__init__(
            models, gpu_count, delays=delays, rules=rules, gpu_speeds=gpu_speeds, tenants=tenants
        )
        self.sessions: dict[int, list[tuple[NaiveModel, int]]] = {}
        self.open: list[int] = []  # GPUs that wait for requests, the longest first
        self.epoch_ends_us = 0

    def _note_fleet_changed(self) -> None:
        self.epoch_ends_us = 0

    def _settle(self, touched: list[NaiveModel]) -> None:
        if self.now_us >= self.epoch_ends_us:
            self._begin_epoch()
        self.to_look_at = list(touched)
        while True:
            opening = [(at_us, g) for at_us, g in self._openings() if at_us <= self.now_us]
            late = [(self._last_chance_us(each), m) for m, each in enumerate(self.models) if each.queue]
            if opening:
                self._serve(min(opening)[1])
            elif self.to_look_at:
                model = self.to_look_at[-1]
                fit = [g for g in self.open if any(each is model for each, _ in self.sessions.get(g, []))]
                if model.queue and fit:
                    self.open.remove(fit[0])
                else:
                    self.to_look_at.pop()
            elif late and min(late)[0] < self.now_us:
                self._expire(self.models[min(late)[1]])
            else:
                return

    def _openings(self) -> list[tuple[int, int]]:
        """When each GPU could take one more batch, unless it is open already."""
        found = []
        for g, gpu in enumerate(self.gpus):
            if not gpu.is_here or len(gpu.batches) == 2 or g in self.open:
                continue
            lead_us = self._lead_us(max((b for _, b in self.sessions.get(g, [])), default=0))
            at_us = 0
            if gpu.batches:
                free_us = gpu.batches[0].start_us + gpu.batches[0].execution_us
                at_us = max(gpu.batches[0].start_us, free_us - lead_us)
            found.append((at_us, g))
        return found

    def _serve(self, g: int) -> None:
        mine = self.sessions.get(g, [])
        for turn, (model, most) in enumerate(mine):
            if not model.queue:
                continue
            if model not in self.to_look_at:
                self.to_look_at.append(model)
            if b := self._form_session_batch(model, self.gpus[g], most):
                self.sessions[g] = mine[turn + 1 :] + mine[: turn + 1]
                self._send(model, self.gpus[g], b)
                return
        self.open.append(g)

    def _form_session_batch(self, model: NaiveModel, gpu: NaiveGpu, most: int) -> int:
        gpu_free_us = gpu.free_us(self.now_us)

        def in_time(b: int, head: int) -> bool:
            return self._finish_us(model, gpu.speed, b, gpu_free_us) <= model.queue[head][0]

        if self.drop_rule is DropRule.WINDOW:
            n, k = len(model.queue), 0
            while k < n and not in_time(min(most, n - k), k):
                k += 1
            self._drop_heads(model, k, gpu.speed, gpu_free_us)
            return min(most, n - k)
        hopeless = [head for head in range(len(model.queue)) if not in_time(1, head)]
        if self.drop_rule is DropRule.HOPELESS:
            self._drop_heads(model, len(hopeless), gpu.speed, gpu_free_us)
            hopeless = []
        saved = model.queue[len(hopeless) :]
        sizes = range(1, min(most, len(model.queue)) + 1)
        keeps_us = saved[0][0] if saved else math.inf
        fits = [b for b in sizes if self._finish_us(model, gpu.speed, b, gpu_free_us) <= keeps_us]
        return max(fits, default=0)

    def _last_chance_us(self, model: NaiveModel) -> float:
        if self.drop_rule is DropRule.NEVER:
            return math.inf
        return model.queue[0][0] - self._execution_us(model, self._fastest_for(model), 1) - self._lead_us(1)

    def _expire(self, model: NaiveModel) -> None:
        alone_us = self._finish_us(model, self._fastest_for(model), 1, self.now_us)
        for deadline_us, request_id in list(model.queue):
            if deadline_us < alone_us:
                self.commands.append(DropRequest(request_id, DropReason.DEADLINE_UNREACHABLE))
                self.admission.lost += 1
                model.queue.remove((deadline_us, request_id))

    def _begin_epoch(self) -> None:
        bucket = self.now_us // BUCKET_US
        heard = [bucket - model.arrivals_us[0] // BUCKET_US for model in self.models if model.arrivals_us]
        knows = max(heard, default=0) >= BUCKETS
        here = [g for g, gpu in enumerate(self.gpus) if gpu.is_here]
        self.open, self.sessions = [], {}
        self.epoch_ends_us = self.now_us + (30 * 10**6 if knows else 5 * 10**6 if heard else 0)
        if not here:
            return
        slowest = min(self.gpus[g].speed for g in here)
        loads = [self._load(model, slowest, knows) for model in self.models]
        for g, mine in zip(here, naive_packing(loads, len(here)), strict=True):
            self.sessions[g] = [(self.models[m], b) for m, b in mine]

    def _load(self, model: NaiveModel, speed: float, knows: bool) -> Load:
        sizes = range(1, model.spec.batch_size_max + 1)
        rate = None
        if knows:
            bucket = self.now_us // BUCKET_US
            recent = [t for t in model.arrivals_us if bucket - BUCKETS <= t // BUCKET_US < bucket]
            first = model.arrivals_us[0] // BUCKET_US if model.arrivals_us else bucket
            rate = len(recent) / (min(bucket - first, BUCKETS) * BUCKET_US) if bucket > first else 0.0
        return Load(
            execution_us=[0, *(self._execution_us(model, speed, b) for b in sizes)],
            budget_us=model.spec.slo_us - self.delays.ctrl_us - self.delays.resp_us,
            data_us=self.delays.data_us,
            rate=rate,
        )

    def _next_us(self) -> int | None:
        if not any(model.queue for model in self.models):
            return None
        chances = [self._last_chance_us(model) for model in self.models if model.queue]
        instants = [int(chance_us) + 1 for chance_us in chances if chance_us < math.inf]
        instants += [at_us for at_us, _ in self._openings()]
        return min(instants, default=None)
