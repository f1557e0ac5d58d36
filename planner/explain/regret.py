r"""
What plans would be regretted for: each tried on the same demand worlds, none of them solved again.

In a world, a sub-cluster of n GPUs whose models need :math:`q = \sum_m u_m(r_{wm}) / \rho(n, c_m)` GPUs
serves the share :math:`\min(1, n / q)` of what it is sent; the rest, and what the plan leaves out, is
unserved. A plan's cost is what it reserves, the same in every world. The regret of a component is how much
worse it is than the best of the plans in that world (Savage 1951, "The theory of statistical decision");
components are not added up.
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
from planner.plan.verify import cost_usd_per_hour, counts_planned
from planner.problem.capacity import US_PER_S, batch_law
from planner.problem.problem import PlanningProblem

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CHUNK_RATES = 2_000_000  # rates, or loads, of worlds held at a time: 16 MB
SHARE_NOISE = 1e-6  # what shares miss of a whole by rounding


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


class Laws(NamedTuple):
    """``BatchLaw`` of each model and GPU type (L) in use; B is the largest batch of any."""

    latency_us: Floats  # (L, B + 2)
    fill_rps: Floats  # (L, B + 1), inf beyond the law's largest batch
    largest: Integers  # (L,)
    budget_us: Floats  # (L,)
    data_us: Floats  # (L,)


class Duties(NamedTuple):
    """What placements of any plan ask of a GPU type, each once (D): several plans share most of them."""

    model: Integers  # (D,)
    law: Integers  # (D,)
    batch: Floats  # (D,) largest batch
    share: Floats  # (D, E) of the model's traffic


class Seats(NamedTuple):
    """A plan as arrays: sub-clusters (K), placements (P) sorted by sub-cluster, epochs (E)."""

    first: Integers  # (K + 1,) placements of k are first[k] to first[k + 1]
    gpus: Floats  # (K, E)
    duty: Integers  # (P,)
    usable: Floats  # (P, E) usable share
    left: Floats  # (M, E) share that the plan leaves out


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
    laws, duties, seats = _arrays(problem, plans)
    hours = np.array([epoch.hours for epoch in problem.epochs])
    unserved = np.zeros((len(plans), worlds))
    held = max(source.median_rps.size, duties.share.size, 1)
    step = max(1, CHUNK_RATES // held)
    for start in range(0, worlds, step):
        rates = source.rates(start, min(step, worlds - start))
        loads = np.empty((len(rates), *duties.share.shape))
        _loads(laws, duties, rates, loads)
        for row, seat in enumerate(seats):
            into = unserved[row, start : start + len(rates)]
            _unserved(seat, duties, rates, loads, hours / hours.sum(), into)
    return unserved


def _spread(values: Floats) -> Spread:
    p90 = float(np.quantile(values, 0.9, method="higher"))
    return Spread(float(values.mean()), p90, float(values.max()))


def _arrays(problem: PlanningProblem, plans: Sequence[Plan]) -> tuple[Laws, Duties, list[Seats]]:
    index = {name: m for m, name in enumerate(sorted(problem.models))}
    pairs: dict[tuple[str, str], int] = {}
    known: dict[tuple[int, int, int, tuple[float, ...]], int] = {}
    numbers: list[list[int]] = []
    for plan in plans:
        mine: list[int] = []
        for cluster in plan.sub_clusters:
            for p in cluster.placements:
                law = pairs.setdefault((p.model, cluster.gpu_type), len(pairs))
                mine.append(known.setdefault((index[p.model], law, p.batch_size, p.share), len(known)))
        numbers.append(mine)
    duties = Duties(
        model=np.array([model for model, _, _, _ in known], dtype=np.int64),
        law=np.array([law for _, law, _, _ in known], dtype=np.int64),
        batch=np.array([batch for _, _, batch, _ in known], dtype=np.float64),
        share=np.array([share for _, _, _, share in known], dtype=np.float64).reshape(
            len(known), len(problem.epochs)
        ),
    )
    seats = [_seats(problem, plan, index, mine) for plan, mine in zip(plans, numbers, strict=True)]
    return _laws(problem, list(pairs)), duties, seats


def _laws(problem: PlanningProblem, pairs: Sequence[tuple[str, str]]) -> Laws:
    laws = [batch_law(problem.models[name], g, problem.policy.delays) for name, g in pairs]
    widest = max((law.batch_size_max for law in laws), default=1)
    latency = np.zeros((len(laws), widest + 2))
    fill = np.full((len(laws), widest + 1), np.inf)
    for i, law in enumerate(laws):
        latency[i, : law.batch_size_max + 2] = law.latency_us
        fill[i, : law.batch_size_max + 1] = law.fill_rps
    return Laws(
        latency_us=latency,
        fill_rps=fill,
        largest=np.array([law.batch_size_max for law in laws], dtype=np.int64),
        budget_us=np.array([law.budget_us for law in laws], dtype=np.float64),
        data_us=np.array([law.data_us for law in laws], dtype=np.float64),
    )


def _seats(problem: PlanningProblem, plan: Plan, index: dict[str, int], duties: list[int]) -> Seats:
    epochs = len(problem.epochs)
    left = np.ones((len(index), epochs))
    usable: list[Floats] = []
    for cluster in plan.sub_clusters:
        for p in cluster.placements:
            left[index[p.model]] -= p.share
            variation = problem.models[p.model].arrival_cv
            law = batch_law(problem.models[p.model], cluster.gpu_type, problem.policy.delays)
            usable.append(law.usable_share(np.maximum(1, np.array(counts_planned(cluster))), variation))
    counts = [len(c.placements) for c in plan.sub_clusters]
    return Seats(
        first=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        gpus=np.array([counts_planned(c) for c in plan.sub_clusters], dtype=np.float64).reshape(
            len(counts), epochs
        ),
        duty=np.array(duties, dtype=np.int64),
        usable=np.array(usable, dtype=np.float64).reshape(len(duties), epochs),
        left=np.where(left > SHARE_NOISE, left, 0.0),
    )


@njit(cache=True)
def _loads(laws, duties, rates, loads):  # type: ignore[no-untyped-def]
    """Fill ``loads`` (W, D, E), GPUs kept busy, as ``BatchLaw.load_gpus`` has it, for ``rates`` (W, M, E)."""
    worlds, _, epochs = rates.shape
    for w in range(worlds):
        for d in range(len(duties.model)):
            law, batch = duties.law[d], duties.batch[d]
            largest, budget_us, data_us = laws.largest[law], laws.budget_us[law], laws.data_us[law]
            for e in range(epochs):
                rate = rates[w, duties.model[d], e] * duties.share[d, e]
                low, high = 1, largest + 1  # whole batches that fill: fill[low] <= rate < fill[high]
                while high - low > 1:
                    middle = (low + high) // 2
                    if laws.fill_rps[law, middle] <= rate:
                        low = middle
                    else:
                        high = middle
                mean, arrivals = float(low), rate / US_PER_S
                if low < largest:
                    full_us = laws.latency_us[law, low + 1]
                    step_us = laws.latency_us[law, low + 2] - full_us
                    spare_us = budget_us - low * data_us - full_us
                    part = (arrivals * spare_us - (low - 1)) / (1 + arrivals * (data_us + step_us))
                    mean = low + min(1.0, max(0.0, part))
                mean = min(max(mean, 1.0), batch)
                below = int(mean)
                latency_us = laws.latency_us[law, below]
                latency_us += (mean - below) * (laws.latency_us[law, below + 1] - latency_us)
                loads[w, d, e] = arrivals * latency_us / mean


@njit(cache=True)
def _unserved(seats, duties, rates, loads, hours, unserved):  # type: ignore[no-untyped-def]
    """Fill ``unserved`` (W,), requests per second weighted by ``hours`` (E,), which sum to 1."""
    worlds, models, epochs = rates.shape
    for w in range(worlds):
        total = 0.0
        for m in range(models):
            for e in range(epochs):
                total += hours[e] * rates[w, m, e] * seats.left[m, e]
        for k in range(len(seats.gpus)):
            for e in range(epochs):
                need, traffic = 0.0, 0.0
                for p in range(seats.first[k], seats.first[k + 1]):
                    d = seats.duty[p]
                    need += loads[w, d, e] / seats.usable[p, e]
                    traffic += rates[w, duties.model[d], e] * duties.share[d, e]
                if need > seats.gpus[k, e]:
                    total += hours[e] * traffic * (1.0 - seats.gpus[k, e] / need)
        unserved[w] = total
