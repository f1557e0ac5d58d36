"""
Goodput of a scenario: the largest scale of all rates at which no model has too many bad requests.

Scale s stands for rates s times as high. A trace is replayed s times as fast, which shortens
what it covers: where there is a trace, duration and warm-up are divided by s. They are below
scale 1 too, so that a run keeps its number of requests; above it drawn arrivals keep the duration.

**Judging one scale.** A model passes if its bad rate is within the limit L. Of a model with
few requests a single one might decide, so a run is repeated with the next seeds until each
model has ``BAD_ALLOWED_MIN / L`` requests, ten allowed to be bad, at most ``RUNS_MAX`` times.
Models that have fewer even then are judged together, as though they were one model; and such a
model fails by itself if so many of its requests are bad that chance gives as many with a
probability under ``CHANCE_MIN`` where the bad rate is L (a Poisson number of mean n L of n
requests). A trace is the same under every seed: a scenario of traces alone is run once.

**Searching.** The bad rate need not rise with the scale: it is drawn, and a rule may do
better where rates are higher. Every scale sees the same draws, only compressed in time, which
takes most of the chance out of comparing two. Scales 1, 2, 4, ... are tried until two in a
row fail, or 1/2, 1/4, ... until one passes; then the interval between the largest that
passed and the smallest that failed above it is halved in the logarithm. At last the two next
scales above, a step of the precision each, are tried: if one passes the search goes on from there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from dispatcher.core.rules import Rules
from dispatcher.simulation.parse import DURATION_S_MAX, REQUESTS_MAX
from dispatcher.simulation.result import ModelResult
from dispatcher.simulation.scenario import US_PER_S, ArrivalKind, Arrivals, Scenario
from dispatcher.simulation.simulate import simulate

BAD_RATE_MAX = 0.01
PRECISION = 0.005
BAD_ALLOWED_MIN = 10
RUNS_MAX = 10
CHANCE_MIN = 0.001
DOUBLINGS_MAX = 20
HALVINGS_MAX = 10
FAILURES_IN_A_ROW = 2
STEPS_ABOVE = 2
ROUNDS_MAX = 5
"""How often a scale above that passes may start the search again."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """
    What the runs at one scale found.

    ``worst_bad_rate`` is the largest of the bad rates that were judged: one for each model of
    enough requests, and one for the ``judged_together`` others, those among them that fail
    by themselves with their own; ``worst`` names whose it is.
    """

    scale: float
    offered_rps: float
    goodput_rps: float
    bad_rate: float
    worst_bad_rate: float
    worst: str
    judged_together: int
    requests: int
    passed: bool


@dataclass(frozen=True, slots=True)
class Goodput:
    """
    The answer, with all that was tried on the way.

    ``best`` is the judgement at the largest scale that passed, None where none did; ``reason``
    says why there is none, or why the search ended before a scale failed.
    """

    best: Judgement | None
    tried: tuple[Judgement, ...]
    simulations: int
    reason: str | None


class Unscalable(ValueError):
    """The scenario has no requests whose rate could be scaled."""


def find_goodput(
    scenario: Scenario,
    rules: Rules,
    *,
    seed: int | None = None,
    bad_rate_max: float = BAD_RATE_MAX,
    precision: float = PRECISION,
    tell: Callable[[Judgement], None] | None = None,
) -> Goodput:
    """
    Search as the head of this file describes.

    Parameters
    ----------
    bad_rate_max
        The largest bad rate that passes, in 0..1 without 0.
    precision
        The largest relative distance between the scale found and the next that failed.
    tell
        Called with each judgement as it is made.
    """
    if not 0 < bad_rate_max < 1:
        raise ValueError(f"bad_rate_max must be between 0 and 1, got {bad_rate_max}.")
    if not 0 < precision < 1:
        raise ValueError(f"precision must be between 0 and 1, got {precision}.")
    if expected_requests(scenario, 1.0) == 0:
        raise Unscalable("no model has requests: all rates are 0 and all traces empty.")
    search = _Search(scenario, rules, scenario.seed if seed is None else seed, bad_rate_max, tell)
    return search.run(precision)


def scaled(scenario: Scenario, scale: float) -> Scenario:
    """The scenario with all rates multiplied by ``scale``."""
    models = tuple(
        replace(model, arrivals=_scaled_arrivals(model.arrivals, scale)) for model in scenario.models
    )
    if not _is_stretched(scenario, scale):
        return replace(scenario, models=models)
    duration_us = max(2, round(scenario.duration_us / scale))
    warmup_us = min(round(scenario.warmup_us / scale), duration_us - 1)
    return replace(scenario, models=models, duration_us=duration_us, warmup_us=warmup_us)


def expected_requests(scenario: Scenario, scale: float) -> float:
    """Requests of one run at that scale, warm-up included."""
    drawn_s = scenario.duration_us / US_PER_S * (1.0 if _is_stretched(scenario, scale) else scale)
    traced = sum(
        int(np.searchsorted(model.arrivals.trace_us, scenario.duration_us))
        for model in scenario.models
        if model.arrivals.trace_us is not None
    )
    return drawn_s * sum(model.arrivals.rate_rps for model in scenario.models) + traced


def _is_stretched(scenario: Scenario, scale: float) -> bool:
    """Whether duration and warm-up are divided by the scale."""
    return scale < 1 or any(model.arrivals.kind is ArrivalKind.TRACE for model in scenario.models)


def _scaled_arrivals(arrivals: Arrivals, scale: float) -> Arrivals:
    if arrivals.trace_us is None:
        return replace(arrivals, rate_rps=arrivals.rate_rps * scale)
    return replace(arrivals, trace_us=np.floor(arrivals.trace_us / scale).astype(np.int64))


@dataclass(slots=True)
class _Count:
    """One model over all runs at a scale."""

    name: str
    arrived: int = 0
    bad: int = 0

    def add(self, other: ModelResult | _Count) -> None:
        self.arrived += other.arrived
        self.bad += other.bad if isinstance(other, _Count) else other.arrived - other.served_in_time

    @property
    def bad_rate(self) -> float:
        return self.bad / self.arrived if self.arrived else 0.0


class _Search:
    """Everything tried so far, by scale."""

    def __init__(
        self,
        scenario: Scenario,
        rules: Rules,
        seed: int,
        bad_rate_max: float,
        tell: Callable[[Judgement], None] | None,
    ) -> None:
        self.scenario, self.rules, self.seed = scenario, rules, seed
        self.bad_rate_max = bad_rate_max
        self.tell = tell
        self.tried: dict[float, Judgement] = {}
        self.simulations = 0

    def run(self, precision: float) -> Goodput:
        low, high = self._bracket()
        reason = None
        if low is None:
            reason = self._why_none()
        elif high is None:
            reason = (
                f"a run at twice this scale would be too large "
                f"({REQUESTS_MAX:,} requests and {DURATION_S_MAX:,} s at most)"
            )
        else:
            low = self._refined(low, high, precision)
        best = None if low is None else self.tried[low]
        tried = tuple(self.tried[scale] for scale in sorted(self.tried))
        return Goodput(best, tried, self.simulations, reason)

    def _bracket(self) -> tuple[float | None, float | None]:
        """The largest power of two that passes and the failing one next to it; None where there is none."""
        low: float | None = None
        failures, scale = 0, 1.0
        while failures < FAILURES_IN_A_ROW and scale <= 2**DOUBLINGS_MAX and self._can_run(scale):
            if self.passes(scale):
                low, failures = scale, 0
            else:
                failures += 1
            scale *= 2
        scale = 0.5
        while low is None and scale >= 2**-HALVINGS_MAX and self._can_run(scale):
            if self.passes(scale):
                low = scale
            scale /= 2
        return low, None if low is None else self._next_failure(low)

    def _refined(self, low: float, high: float, precision: float) -> float:
        """The largest scale that passes, to within the precision, as far as was seen."""
        for _ in range(ROUNDS_MAX):
            while high > low * (1 + precision):
                middle = math.sqrt(low * high)
                if self.passes(middle):
                    low = middle
                else:
                    high = middle
            above = [high * (1 + precision) ** step for step in range(1, STEPS_ABOVE + 1)]
            passing = [scale for scale in above if self._can_run(scale) and self.passes(scale)]
            if not passing:
                break
            low = passing[-1]
            high = self._next_failure(low) or low * 2
        return low

    def _next_failure(self, above: float) -> float | None:
        """The smallest scale above that was tried and failed."""
        failed = [scale for scale, found in self.tried.items() if scale > above and not found.passed]
        return min(failed, default=None)

    def passes(self, scale: float) -> bool:
        if scale not in self.tried:
            self.tried[scale] = self._judged(scale)
            if self.tell is not None:
                self.tell(self.tried[scale])
        return self.tried[scale].passed

    def _judged(self, scale: float) -> Judgement:
        scenario = scaled(self.scenario, scale)
        enough = math.ceil(BAD_ALLOWED_MIN / self.bad_rate_max)
        drawn = [m for m, model in enumerate(scenario.models) if model.arrivals.rate_rps > 0]
        counts = [_Count(model.id) for model in scenario.models]
        runs = 0
        while runs == 0 or (runs < RUNS_MAX and any(counts[m].arrived < enough for m in drawn)):
            result = simulate(scenario, self.rules, seed=self.seed + runs)
            for count, model in zip(counts, result.models, strict=True):
                count.add(model)
            runs += 1
        self.simulations += runs
        return self._judgement(scale, counts, enough, result.duration_s * runs)

    def _judgement(self, scale: float, counts: list[_Count], enough: int, duration_s: float) -> Judgement:
        few = [count for count in counts if 0 < count.arrived < enough]
        judged = [count for count in counts if count.arrived >= enough]
        judged += [count for count in few if not self._may_be_chance(count)]
        together = _Count(few[0].name if len(few) == 1 else f"{len(few)} models of few requests")
        for count in few:
            together.add(count)
        worst = max([*judged, together], key=lambda count: count.bad_rate)
        arrived, bad = sum(count.arrived for count in counts), sum(count.bad for count in counts)
        return Judgement(
            scale=scale,
            offered_rps=arrived / duration_s,
            goodput_rps=(arrived - bad) / duration_s,
            bad_rate=bad / arrived if arrived else 0.0,
            worst_bad_rate=worst.bad_rate,
            worst=worst.name,
            judged_together=len(few),
            requests=arrived,
            passed=arrived > 0 and worst.bad_rate <= self.bad_rate_max,
        )

    def _may_be_chance(self, count: _Count) -> bool:
        """Whether as many bad requests or more are likely enough where the bad rate is the limit."""
        mean = count.arrived * self.bad_rate_max
        term = math.exp(-mean)
        fewer = 0.0
        for k in range(count.bad):
            fewer += term
            term *= mean / (k + 1)
        return 1 - fewer >= CHANCE_MIN

    def _can_run(self, scale: float) -> bool:
        longest_s = scaled(self.scenario, scale).duration_us / US_PER_S
        return longest_s <= DURATION_S_MAX and expected_requests(self.scenario, scale) <= REQUESTS_MAX

    def _why_none(self) -> str:
        least = self.tried[min(self.tried)]
        if not least.requests:
            return "no request came in any run: the scenario's duration is too short for its rates"
        return (
            f"even at {least.offered_rps:.3g} requests a second in all the bad rate of {least.worst} is "
            f"{least.worst_bad_rate:.2%}, more than {self.bad_rate_max:.2%}"
        )
