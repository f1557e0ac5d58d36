"""The rules of ``dispatcher.core.pace`` stated plainly."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from tests.naive.records import NaiveBatch, NaiveModel

EDGES_PPM = [round(10**6 * 2 ** (k / 64)) for k in range(-128, 193)]
RETRIED_AFTER_US = 10**6
STALE_AFTER_US = 30 * 10**6


@dataclass(eq=False)
class NaivePace:
    """Of one model at one speed: what each bin of measured over profiled time weighs."""

    weights: Counter[int] = field(default_factory=Counter)
    samples_since: int = 0
    measured_us: int = 0
    in_force_ppm: int = 10**6


def _profile_us(model: NaiveModel, speed: float, b: int) -> int:
    return math.ceil(int(model.spec.latency_us[b]) / speed - 1e-6)


class NaivePaces:
    def __init__(self, time_quantile: float | None) -> None:
        self.quantile = time_quantile
        self.of: dict[tuple[NaiveModel, float], NaivePace] = {}

    def execution_us(self, model: NaiveModel, speed: float, b: int) -> int:
        pace, profile_us = self.of.get((model, speed)), _profile_us(model, speed, b)
        return profile_us if pace is None else -(-profile_us * pace.in_force_ppm // 10**6)

    def fastest_speed(self, model: NaiveModel, greatest: float) -> float:
        """At which one request takes least: the greatest, or one that was measured."""
        measured = sorted((speed for each, speed in self.of if each is model), reverse=True)
        return min([greatest, *measured], key=lambda speed: self.execution_us(model, speed, 1))

    def learn(self, batch: NaiveBatch, speed: float, now_us: int) -> bool:
        """The batch has ended; whether anything may be otherwise for its model."""
        if self.quantile is None:
            return False
        model, took_us = batch.model, now_us - batch.start_us
        if took_us <= 0:
            return False
        is_first = (model, speed) not in self.of
        pace = self.of.setdefault((model, speed), NaivePace())
        ratio_ppm, profile_us = took_us * 10**6, _profile_us(model, speed, len(batch.requests))
        fits = [k for k, edge_ppm in enumerate(EDGES_PPM) if ratio_ppm <= edge_ppm * profile_us]
        pace.weights[fits[0] if fits else len(EDGES_PPM) - 1] += 256
        pace.measured_us = now_us
        pace.samples_since += 1
        if pace.weights.total() > 512 * 256:
            pace.weights = Counter({k: weight // 2 for k, weight in pace.weights.items()})
        if pace.samples_since < 16:
            return is_first
        pace.samples_since = 0
        before_ppm, pace.in_force_ppm = pace.in_force_ppm, EDGES_PPM[self._quantile_bin(pace.weights)]
        stale = [
            each
            for each, other in self.of.items()
            if each[0] is model and other is not pace and now_us - other.measured_us >= STALE_AFTER_US
        ]
        for each in stale:
            del self.of[each]
        return bool(stale) or pace.in_force_ppm != before_ppm

    def _quantile_bin(self, weights: Counter[int]) -> int:
        assert self.quantile is not None
        total = weights.total()
        wanted = min(-(-total * round(self.quantile * 10**6) // 10**6), total - 256)
        return min(
            k
            for k in range(len(EDGES_PPM))
            if sum(weight for lower, weight in weights.items() if lower <= k) >= wanted
        )

    def forgets(self, model: NaiveModel, now_us: int) -> bool:
        """A request came; whether its model, of which none was sent for long, begins anew."""
        if self.quantile is None:
            return False
        if model.came_us is None:
            model.came_us = now_us
        waited_us = now_us - model.came_us
        if waited_us < RETRIED_AFTER_US + 2 * (model.spec.slo_us // 2) or model.sent:
            return False
        model.came_us = now_us
        self.of = {key: pace for key, pace in self.of.items() if key[0] is not model}
        return True
