"""
Sub-clusters drawn at random, and the largest load that the dispatcher's simulation carries on each.

A case is n GPUs, a mix of models and their variation. Its *usable share* is the largest load, as a
plan counts it (the sum over models of ``rate * l(b) / b`` with the planner's mean batch b), divided by n,
at which at most 1 % of the requests are late or dropped: adaptive policy, default delays, gamma arrivals.
All rates of a case are scaled together; the scale is halved until the share is known to ``PRECISION``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np

from dispatcher.core.delays import Delays
from dispatcher.core.model_spec import ModelSpec
from dispatcher.simulation.arrivals import gamma_arrivals, merged
from planner.certify.counting import simulated_counts
from planner.certify.interval import CONFIDENCE, bad_rate_bounds, model_confidence
from planner.problem.capacity import BatchLaw, batch_law
from planner.problem.problem import Model, ModelProfile
from profiles.latency import AffineCurve

SEED = 230_807_470
BAD_RATE_MAX = 0.01
DELAYS = Delays()
GPUS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
MODELS = (1, 1, 2, 5, 20, 60)
ARRIVAL_CV = (0.3, 4.0)
LATENCY_MS = (1.0, 50.0)  # of a batch of one
FIXED_PER_ITEM = (0.02, 1.0, 5.0, 20.0)  # beta / alpha: from nothing to gain by batching to nearly all
SLACK = (2.2, 60.0)  # SLO less the delays, in units of l(1)
BATCH_SIZE_MAX = 64
REQUESTS = 40_000
REQUESTS_MAX = 160_000
WINDOWS = 400  # simulated time in units of the longest SLO, at least, as far as the requests allow
DURATION_S_MAX = 3_600.0
WARMUP_SHARE = 0.05
SHARE_MAX = 1.05
PRECISION = 0.01


@dataclass(frozen=True, slots=True)
class Member:
    """
    One model of a case.

    ``latency_ms`` is l(1), ``fixed_per_item`` beta / alpha, ``slack`` the SLO less its delays in units
    of l(1), ``weight`` its part of the case's load at equal batches.
    """

    arrival_cv: float
    latency_ms: float
    fixed_per_item: float
    slack: float
    weight: float

    @property
    def slo_ms(self) -> float:
        return self.slack * self.latency_ms + (DELAYS.lead_us(1) + DELAYS.resp_us) / 1e3

    def law(self) -> BatchLaw:
        alpha_us = self.latency_ms * 1e3 / (1 + self.fixed_per_item)
        curve = AffineCurve(alpha_us, alpha_us * self.fixed_per_item)
        profile = ModelProfile(curve, 1.0, 0.0, BATCH_SIZE_MAX)
        return batch_law(Model("m", self.slo_ms, 1, (1.0,), 1.0, {"g": profile}), "g", DELAYS)


@dataclass(frozen=True, slots=True)
class Case:
    """A sub-cluster to study; ``mix`` is ``alike`` (members differ in rate alone) or ``mixed``."""

    number: int
    gpus: int
    mix: str
    rates: str
    members: tuple[Member, ...]


def draw(number: int) -> Case:
    """The case of that number: the same one whenever it is drawn."""
    random = np.random.default_rng([SEED, number])
    gpus, count = int(random.choice(GPUS)), int(random.choice(MODELS))
    mix = "mixed" if count > 1 and random.random() < 0.5 else "alike"
    rates = "zipf" if count > 1 and random.random() < 0.5 else "equal"
    weights = 1 / np.arange(1, count + 1) if rates == "zipf" else np.ones(count)
    kinds = [_drawn(random) for _ in range(count if mix == "mixed" else 1)]
    members = tuple(
        Member(*kinds[i % len(kinds)], weight=float(weight))
        for i, weight in enumerate(weights / weights.sum())
    )
    return Case(number, gpus, mix, rates, members)


def _drawn(random: np.random.Generator) -> tuple[float, float, float, float]:
    poisson = random.random() < 0.25
    cv = 1.0 if poisson else _between(random, ARRIVAL_CV)
    latency_ms, slack = _between(random, LATENCY_MS), _between(random, SLACK)
    return cv, latency_ms, float(random.choice(FIXED_PER_ITEM)), slack


def _between(random: np.random.Generator, ends: tuple[float, float]) -> float:
    return float(f"{math.exp(random.uniform(math.log(ends[0]), math.log(ends[1]))):.3g}")


class Loaded:
    """A case with its laws, ready to be simulated at any load."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.laws = [member.law() for member in case.members]
        self.batch_sizes = [int(law.batch_sizes(case.gpus)) for law in self.laws]
        self.specs = [
            ModelSpec(str(m), int(member.slo_ms * 1e3), law.latency_us[: size + 1].astype(np.int64))
            for m, (member, law, size) in enumerate(
                zip(case.members, self.laws, self.batch_sizes, strict=True)
            )
        ]
        self.unit_rps = np.array([m.weight / (m.latency_ms / 1e3) for m in case.members])

    def load_gpus(self, scale: float) -> float:
        parts = zip(self.laws, self.unit_rps, self.batch_sizes, strict=True)
        return sum(float(law.load_gpus(scale * rate, size)) for law, rate, size in parts)

    def rates_rps(self, share: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Rates whose load is that share of the GPUs: loads only grow with the scale."""
        low, high = 0.0, 1.0
        while self.load_gpus(high) < share * self.case.gpus:
            low, high = high, 2 * high
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if self.load_gpus(middle) < share * self.case.gpus else (low, middle)
        return np.asarray(self.unit_rps * high)

    def is_within_limit(self, share: float) -> bool:
        """One simulation: at most 1 % bad in all, and no model that is shown to have more."""
        rates = self.rates_rps(share)
        longest_s = max(member.slo_ms for member in self.case.members) / 1e3
        total_rps = float(rates.sum())
        wanted_s = min(max(WINDOWS * longest_s, REQUESTS / total_rps), REQUESTS_MAX / total_rps)
        duration_us = round(min(DURATION_S_MAX, wanted_s) * 1e6)
        random = [np.random.default_rng([self.case.number, m]) for m in range(len(rates))]
        streams = [
            gamma_arrivals(rng, float(rate), member.arrival_cv**-2, duration_us)
            for rng, rate, member in zip(random, rates, self.case.members, strict=True)
        ]
        measured_us = (int(WARMUP_SHARE * duration_us), duration_us)
        counts = simulated_counts(
            self.specs, self.case.gpus, *merged(streams), delays=DELAYS, measured_us=measured_us
        )
        if counts.bad.sum() > BAD_RATE_MAX * counts.arrived.sum():
            return False
        low, _ = bad_rate_bounds(counts.bad, counts.arrived, model_confidence(CONFIDENCE, len(rates)))
        return bool((low <= BAD_RATE_MAX).all())


def usable_share_of(case: Case) -> float | None:
    """The largest share found; None where the SLO of some member leaves no batch on so few GPUs."""
    loaded = Loaded(case)
    if min(loaded.batch_sizes) < 1:
        return None
    low, high = 0.0, SHARE_MAX
    while high - low > PRECISION:
        middle = (low + high) / 2
        if loaded.is_within_limit(middle):
            low = middle
        else:
            high = middle
    return low


def measure(numbers: Sequence[int], processes: int) -> Iterator[tuple[Case, float]]:
    """The cases of those numbers that can be served at all, each with its usable share, in order."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for number, share in zip(numbers, pool.map(_measured, numbers, chunksize=4), strict=True):
            if share is not None:
                yield draw(number), share


def _measured(number: int) -> float | None:
    return usable_share_of(draw(number))
