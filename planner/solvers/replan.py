r"""
The no-change rule: a plan replaces the active one only where that is worth what must be loaded.

Candidates, from the gentlest: the active plan as it is; its placements with GPUs counted for the new
demand; the fewest loads that serve it (a repair); a search that pays for loads what the rule
asks; the cheapest plan found. With :math:`C` the cost of the gentlest that keeps every rule, :math:`G` the
GiB that the active plan holds and :math:`w` the policy's ``replan_worth_min``, the one with the least

.. math:: c + w \frac{C}{G} L

is taken, L being the GiB it loads (and once more, of what a certificate makes the plan cost,
``is_worth_its_loads``): of two candidates the dearer to load wins just where
(share of cost saved) / (share of GiB loaded) is at least w. The ratio is Karpenter's for
consolidation (savings over disruption; its threshold is 1/2). Unserved demand goes before either.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from planner.plan.churn import churn_gib, loaded_gib
from planner.plan.excuses import CHURN
from planner.plan.plan import Excuse, Plan, SubCluster
from planner.plan.verify import verify
from planner.problem.problem import PlanningProblem
from planner.problem.tables import CapacityTables, capacity_tables
from planner.solvers.assemble import assemble, stated
from planner.solvers.draft import SHARE_LEAST, DraftCluster
from planner.solvers.greedy import search
from planner.solvers.rank import rank

RULE = "replan_worth_min"
LEAST_LOADS_PRICE = 10.0  # dollars per hour and GiB: far above what any GPU costs for what it holds


class Decision(StrEnum):
    KEPT = "kept"  # the active plan as it is
    REFITTED = "refitted"  # its placements with GPUs counted anew, moved only as far as demand makes it
    REPLACED = "replaced"  # another plan, worth what it loads


@dataclass(frozen=True, slots=True)
class Replan:
    """What became of the active plan; shares compare the cheapest plan found with the gentlest one."""

    decision: Decision
    plan: Plan
    saved_share: float
    loaded_share: float
    text: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    decision: Decision
    plan: Plan
    gib: float


def replan(
    tables: CapacityTables,
    found: Plan | None,
    refits: Sequence[Plan] = (),
    *,
    solver: str,
    seed: int,
    deadline_s: float,
) -> Replan | None:
    """
    Choose between the active plan and what was found; None where no candidate keeps every rule.

    ``refits`` are of the active plan at several prices of loads, verified; without any, it is searched for
    them here. ``deadline_s`` is of ``time.monotonic``; that search ends there.
    """
    problem = tables.problem
    active, worth_min = problem.active_plan, problem.policy.replan_worth_min
    if active is None or worth_min is None:
        return None
    gentle = list(_as_it_is(tables, active, solver=solver, seed=seed))
    if not refits:
        gentle += _repaired(tables, solver=solver, seed=seed, deadline_s=deadline_s)
    candidates = [
        _Candidate(decision, plan, churn_gib(problem, plan, active))
        for decision, plan in gentle
        if not verify(problem, plan)
    ]
    least_first = sorted(refits, key=lambda plan: churn_gib(problem, plan, active))
    for plan in (*least_first, *(() if found is None else (found,))):
        is_refit = not candidates and plan is not found
        decision = Decision.REFITTED if is_refit else Decision.REPLACED
        candidates.append(_Candidate(decision, plan, churn_gib(problem, plan, active)))
    candidates = _serving_most(problem, candidates)
    if not candidates:
        return None
    gentlest, held = candidates[0], held_gib(problem, active)
    price = worth_min * gentlest.plan.cost_usd_per_hour / held if held > 0 else 0.0
    if price > 0 and gentlest.decision is not Decision.REPLACED and not refits:
        paying = _paying_for_loads(tables, price, solver=solver, seed=seed, deadline_s=deadline_s)
        if paying is not None:
            candidates.append(_Candidate(Decision.REPLACED, paying, churn_gib(problem, paying, active)))
            candidates = _serving_most(problem, candidates)

    def order(candidate: _Candidate) -> tuple[float, float]:
        return round(candidate.plan.cost_usd_per_hour + price * candidate.gib, 9), round(candidate.gib, 6)

    best = min(candidates, key=order)  # of equals the first, hence the gentlest
    cheapest = min(candidates, key=lambda c: rank(problem, c.plan))
    return _told(candidates[0], best, cheapest, held, worth_min)


def active_again(problem: PlanningProblem, plan: Plan) -> Plan | None:
    """
    The active plan as it is, as an answer beside ``plan``, which loads something.

    None where the policy has no ``replan_worth_min``, ``plan`` loads nothing, or the active plan breaks a
    rule or serves less.
    """
    active = problem.active_plan
    if active is None or problem.policy.replan_worth_min is None or not churn_gib(problem, plan, active) > 0:
        return None
    tables = capacity_tables(problem)
    if not _is_of_this_shape(problem, active):
        return None
    kept = stated(tables, active.sub_clusters, solver=plan.solver, seed=plan.seed)
    both = [_Candidate(Decision.KEPT, kept, 0.0), _Candidate(Decision.REPLACED, plan, 0.0)]
    if verify(problem, kept) or _serving_most(problem, both)[0].plan is not kept:
        return None
    text = f"{Decision.KEPT}: at what its certificate makes it cost, the plan found is not worth its loads"
    return dataclasses.replace(kept, excuses=(*kept.excuses, Excuse(RULE, CHURN, text)))


def is_worth_its_loads(problem: PlanningProblem, plan: Plan, kept: Plan) -> bool:
    """Whether ``plan`` is to replace the active one, which as it stands comes to ``kept``, by the rule."""
    active, worth_min = problem.active_plan, problem.policy.replan_worth_min
    if active is None or worth_min is None:
        return True
    held = held_gib(problem, active)
    price = worth_min * kept.cost_usd_per_hour / held if held > 0 else 0.0
    loads = price * churn_gib(problem, plan, active)
    return round(plan.cost_usd_per_hour + loads, 9) < round(kept.cost_usd_per_hour, 9)


def held_gib(problem: PlanningProblem, plan: Plan) -> float:
    """GiB of weights on all GPUs of a plan."""
    return sum(loaded_gib(problem, None, cluster) for cluster in plan.sub_clusters)


def _serving_most(problem: PlanningProblem, candidates: list[_Candidate]) -> list[_Candidate]:
    """Those that leave the least demand out, by priority; order kept."""
    after = 3 if problem.policy.balance else 2  # cost, loads and balance are weighed by the rule itself
    unserved = [rank(problem, candidate.plan)[:-after] for candidate in candidates]
    return [c for c, left in zip(candidates, unserved, strict=True) if left == min(unserved)]


def _as_it_is(
    tables: CapacityTables, active: Plan, *, solver: str, seed: int
) -> Iterator[tuple[Decision, Plan]]:
    """The active plan; its placements with GPUs counted anew."""
    if _is_of_this_shape(tables.problem, active):
        yield Decision.KEPT, stated(tables, active.sub_clusters, solver=solver, seed=seed)
    drafts = [draft for cluster in active.sub_clusters if (draft := _draft(tables, cluster)) is not None]
    recounted = assemble(tables, drafts, solver=solver, seed=seed)
    if recounted is not None:
        yield Decision.REFITTED, recounted


def _repaired(
    tables: CapacityTables, *, solver: str, seed: int, deadline_s: float
) -> Iterator[tuple[Decision, Plan]]:
    """The least loads that serve the demand."""
    until_s = (time.monotonic() + deadline_s) / 2
    repaired = _paying_for_loads(tables, LEAST_LOADS_PRICE, solver=solver, seed=seed, deadline_s=until_s)
    if repaired is not None:
        yield Decision.REFITTED, repaired


def _is_of_this_shape(problem: PlanningProblem, plan: Plan) -> bool:
    """Whether the plan names only models, pools and epochs of the problem."""
    pools = {(pool.gpu_type, pool.zone) for pool in problem.pools}
    return all(
        (cluster.gpu_type, cluster.zone) in pools
        and len(cluster.gpus) == len(problem.epochs)
        and all(
            p.model in problem.models
            and cluster.gpu_type in problem.models[p.model].profiles
            and len(p.share) == len(problem.epochs)
            for p in cluster.placements
        )
        for cluster in plan.sub_clusters
    )


def _draft(tables: CapacityTables, cluster: SubCluster) -> DraftCluster | None:
    """The sub-cluster's models that still exist, with their shares; with other epochs the least of them."""
    pools = {(pool.gpu_type, pool.zone): p for p, pool in enumerate(tables.pools)}
    pool, index = pools.get((cluster.gpu_type, cluster.zone)), tables.model_index()
    if pool is None:
        return None
    gpu_type = int(tables.pool_types[pool])
    shares = {}
    for p in cluster.placements:
        m, own = index.get(p.model), np.array(p.share)
        if len(own) != len(tables.hours):
            own = np.full(len(tables.hours), min(p.share))
        if m is not None and own.max() > SHARE_LEAST and tables.batch_size[m, gpu_type].any():
            shares[m] = own
    return DraftCluster(pool, shares, cluster.id) if shares else None


def _paying_for_loads(
    tables: CapacityTables, price: float, *, solver: str, seed: int, deadline_s: float
) -> Plan | None:
    """A search in which a GiB loaded costs ``price`` dollars per hour; late, its first packing."""
    packing = search(tables, deadline_s=deadline_s, seed=seed, churn_price=price)
    plan = assemble(tables, packing.clusters, solver=solver, seed=seed) if packing.complete else None
    return plan if plan is not None and not verify(tables.problem, plan) else None


def _told(
    gentlest: _Candidate, best: _Candidate, cheapest: _Candidate, held: float, worth_min: float
) -> Replan:
    other = best if best.decision is Decision.REPLACED else cheapest
    cost = gentlest.plan.cost_usd_per_hour
    saved = (cost - other.plan.cost_usd_per_hour) / cost if cost > 0 else 0.0
    loaded = (other.gib - gentlest.gib) / held if held > 0 else 0.0
    own = f"loads {best.gib / held if held > 0 else 1.0:.1%} of the GiB held"
    if gentlest.decision is Decision.REPLACED:
        text = f"replaced: the active plan cannot be refitted to the demand; {own}"
    elif best.decision is Decision.REPLACED:
        text = f"replaced: saves {saved:.1%} of cost for {loaded:.1%} of the GiB held"
    elif best is cheapest:
        text = f"{best.decision}: no cheaper plan was found; {own}"
    else:
        text = (
            f"{best.decision}, {own}: the cheapest plan found saves {saved:.1%} of cost "
            f"for {loaded:.1%} of the GiB held, asked is a ratio of {worth_min:g}"
        )
    plan = dataclasses.replace(best.plan, excuses=(*best.plan.excuses, Excuse(RULE, CHURN, text)))
    return Replan(best.decision, plan, saved, loaded, text)
