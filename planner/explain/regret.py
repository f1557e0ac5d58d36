r"""
What plans would be regretted for: each tried on the same demand worlds, none of them solved again.

In a world, a sub-cluster of n GPUs whose models need :math:`q = \sum_m u_m(r_{wm}) / \rho(n, c_m)` GPUs serves
the share :math:`\min(1, n / q)` of what it is sent; the rest, and what the plan leaves out, is unserved. A
plan's cost is what it reserves, the same in every world. The regret of a component is how much worse it is
than the best of the plans in that world (Savage 1951, "The theory of statistical decision"); components are not
added up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from planner.explain.worlds import DemandWorlds, worlds_by_cv
from planner.plan.plan import Plan
from planner.plan.verify import cost_usd_per_hour
from planner.problem.capacity import US_PER_S, batch_law
from planner.problem.problem import PlanningProblem
from planner.problem.usable_share import usable_share

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CHUNK_RATES = 4_000_000  # world rates held at a time: 32 MB


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over the worlds: its mean, the world at the 90th per cent, the worst one."""

    mean: float
    p90: float
    worst: float


@dataclass(frozen=True, slots=True)
class PlanRegret:
    """One plan: dollars per hour, unserved requests per second (the horizon's mean), the regret of each."""

    cost_usd_per_hour: float
    cost_regret_usd_per_hour: float
    unserved_rps: Spread
    unserved_regret_rps: Spread


@dataclass(frozen=True, slots=True)
class Regrets:
    """The plans in the order given, over the same worlds."""

    worlds: int
    seed: int
    plans: tuple[PlanRegret, ...]


class Seats(NamedTuple):
    """A plan as arrays: sub-clusters (K), placements (P) sorted by sub-cluster, laws (L), epochs (E)."""

    first: Integers  # (K + 1,) placements of k are first[k] to first[k + 1]
    gpus: Floats  # (K, E)
    model: Integers  # (P,)
    law: Integers  # (P,)
    batch: Floats  # (P,) largest batch
    share: Floats  # (P, E) of the model's traffic
    usable: Floats  # (P, E) usable share
    left: Floats  # (M, E) share that the plan leaves out
    latency_us: Floats  # (L, B + 2)
    fill_rps: Floats  # (L, B + 1), inf beyond the law's largest batch
    largest: Integers  # (L,)
    budget_us: Floats  # (L,)
    data_us: Floats  # (L,)
    hours: Floats  # (E,) sums to 1


def regret(
    problem: PlanningProblem,
    plans: Sequence[Plan],
    *,
    worlds: int = 1_000,
    demand_cv: float = 0.2,
    seed: int = 0,
    drawn: DemandWorlds | None = None,
) -> Regrets:
    """
    Each plan over ``worlds`` demand worlds of that variation, or over those of ``drawn``.

    The plans must be valid for the problem (``verify``); how they came about does not matter.
    """
    source = drawn or worlds_by_cv(problem, demand_cv, seed=seed)
    unserved = unserved_by_world(problem, plans, source, worlds)
    best = unserved.min(axis=0)
    costs = [cost_usd_per_hour(problem, plan) for plan in plans]
    return Regrets(
        worlds=worlds,
        seed=source.seed,
        plans=tuple(
            PlanRegret(cost, cost - min(costs), _spread(row), _spread(row - best))
            for cost, row in zip(costs, unserved, strict=True)
        ),
    )


def unserved_by_world(
    problem: PlanningProblem, plans: Sequence[Plan], source: DemandWorlds, worlds: int
) -> Floats:
    """Requests per second left unserved, the mean over the horizon; shape (plans, worlds)."""
    seats = [_seats(problem, plan) for plan in plans]
    unserved = np.zeros((len(plans), worlds))
    step = max(1, CHUNK_RATES // max(1, source.median_rps.size))
    for start in range(0, worlds, step):
        rates = source.rates(start, min(step, worlds - start))
        for row, seat in enumerate(seats):
            _unserved(seat, rates, unserved[row, start : start + len(rates)])
    return unserved


def _spread(values: Floats) -> Spread:
    p90 = float(np.quantile(values, 0.9, method="higher"))
    return Spread(float(values.mean()), p90, float(values.max()))


def _seats(problem: PlanningProblem, plan: Plan) -> Seats:
    names = sorted(problem.models)
    index = {name: m for m, name in enumerate(names)}
    epochs = len(problem.epochs)
    pairs = sorted({(p.model, c.gpu_type) for c in plan.sub_clusters for p in c.placements})
    laws = [batch_law(problem.models[name], g, problem.policy.delays) for name, g in pairs]
    law_index = {pair: i for i, pair in enumerate(pairs)}
    widest = max((law.batch_size_max for law in laws), default=1)
    latency = np.zeros((len(laws), widest + 2))
    fill = np.full((len(laws), widest + 1), np.inf)
    for i, law in enumerate(laws):
        latency[i, : law.batch_size_max + 2] = law.latency_us
        fill[i, : law.batch_size_max + 1] = law.fill_rps
    placed = [(k, c, p) for k, c in enumerate(plan.sub_clusters) for p in c.placements]
    share = np.array([p.share for _, _, p in placed], dtype=np.float64).reshape(len(placed), epochs)
    left = np.ones((len(names), epochs))
    for _, _, p in placed:
        left[index[p.model]] -= p.share
    variation = [problem.models[p.model].arrival_cv for _, _, p in placed]
    gpus = [np.maximum(1, np.array(c.gpus)) for _, c, _ in placed]
    usable = [usable_share(n, cv) for n, cv in zip(gpus, variation, strict=True)]
    counts = [len(c.placements) for c in plan.sub_clusters]
    hours = np.array([epoch.hours for epoch in problem.epochs])
    return Seats(
        first=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        gpus=np.array([c.gpus for c in plan.sub_clusters], dtype=np.float64).reshape(len(counts), epochs),
        model=np.array([index[p.model] for _, _, p in placed], dtype=np.int64),
        law=np.array([law_index[p.model, c.gpu_type] for _, c, p in placed], dtype=np.int64),
        batch=np.array([p.batch_size for _, _, p in placed], dtype=np.float64),
        share=share,
        usable=np.array(usable, dtype=np.float64).reshape(len(placed), epochs),
        left=np.maximum(0.0, left),
        latency_us=latency,
        fill_rps=fill,
        largest=np.array([law.batch_size_max for law in laws], dtype=np.int64),
        budget_us=np.array([law.budget_us for law in laws], dtype=np.float64),
        data_us=np.array([law.data_us for law in laws], dtype=np.float64),
        hours=hours / hours.sum(),
    )


@njit(cache=True)
def _load_gpus(seats, law, rate_rps, batch):  # type: ignore[no-untyped-def]
    """GPUs kept busy, as ``BatchLaw.load_gpus`` has it for one rate."""
    largest, fill, latency = seats.largest[law], seats.fill_rps[law], seats.latency_us[law]
    low, high = 1, largest + 1  # whole batches that fill: fill[low] <= rate < fill[high]
    while high - low > 1:
        middle = (low + high) // 2
        if fill[middle] <= rate_rps:
            low = middle
        else:
            high = middle
    whole, mean = low, float(low)
    arrivals = rate_rps / US_PER_S
    if whole < largest:
        step = latency[whole + 2] - latency[whole + 1]
        spare_us = seats.budget_us[law] - whole * seats.data_us[law] - latency[whole + 1]
        part = (arrivals * spare_us - (whole - 1)) / (1 + arrivals * (seats.data_us[law] + step))
        mean = whole + min(1.0, max(0.0, part))
    mean = min(max(mean, 1.0), batch)
    below = int(mean)
    latency_us = latency[below] + (mean - below) * (latency[below + 1] - latency[below])
    return arrivals * latency_us / mean


@njit(cache=True)
def _unserved(seats, rates, unserved):  # type: ignore[no-untyped-def]
    """Fill ``unserved`` (W,) for ``rates`` (W, M, E)."""
    worlds, models, epochs = rates.shape
    for w in range(worlds):
        total = 0.0
        for e in range(epochs):
            lost = 0.0
            for m in range(models):
                lost += rates[w, m, e] * seats.left[m, e]
            for k in range(len(seats.gpus)):
                need, traffic = 0.0, 0.0
                for p in range(seats.first[k], seats.first[k + 1]):
                    rate = rates[w, seats.model[p], e] * seats.share[p, e]
                    if rate > 0.0:
                        traffic += rate
                        need += _load_gpus(seats, seats.law[p], rate, seats.batch[p]) / seats.usable[p, e]
                if need > seats.gpus[k, e]:
                    lost += traffic * (1.0 - seats.gpus[k, e] / need)
            total += lost * seats.hours[e]
        unserved[w] = total
