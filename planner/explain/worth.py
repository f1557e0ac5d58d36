r"""
What a change of the problem is worth: solved again, and bracketed by what is proven on both sides.

With costs :math:`z` of the plans at hand and bounds :math:`\underline z` before and after a rule is relaxed,
the saving of the true optima lies between :math:`\max(0, \underline z_0 - z_1)` and
:math:`z_0 - \underline z_1`. The plan to explain stays valid under a relaxed rule, so that no relaxation is
ever reported as dearer.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from planner.explain.probe import carried_over
from planner.explain.rules import business_rules
from planner.explain.settings import Operation, Setting, apply_settings
from planner.plan.plan import Plan
from planner.problem.fluid import fluid_bound_usd_per_hour
from planner.problem.problem import PlanningProblem
from planner.problem.tables import IDLE_RPS
from planner.solvers import solve
from planner.solvers.stopping import Stop, never

USD_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Worth:
    """
    What one relaxation is worth, in dollars per hour.

    ``found`` is the saving of the best plan found against the plan at hand; ``least`` and ``most`` bracket
    the saving of the true optima. All three are None where demand is unserved on either side: dollars do not
    compare then, and the mean unserved requests per second before and after say what changes.
    """

    name: str
    setting: Setting
    found: float | None
    least: float | None
    most: float | None
    unserved_rps_before: float
    unserved_rps_after: float


@dataclass(frozen=True, slots=True)
class Solved:
    """A problem's best plan at hand and what no plan can cost less than, dollars per hour."""

    problem: PlanningProblem
    plan: Plan
    bound: float


def marginal_gpus(problem: PlanningProblem) -> list[tuple[str, Setting]]:
    """One more GPU of each pool."""
    return [
        (
            f"one more {pool.gpu_type} in {pool.zone}",
            Setting(f"inventory.{pool.gpu_type}.{pool.zone}", Operation.ADD, 1),
        )
        for pool in sorted(problem.pools, key=lambda pool: pool.id)
    ]


def rules_dropped(problem: PlanningProblem) -> list[tuple[str, Setting]]:
    """Each business rule dropped."""
    return [(f"without {rule.name}", rule.dropped) for rule in business_rules(problem)]


def worths(
    base: Solved,
    relaxations: Sequence[tuple[str, Setting]],
    *,
    deadline_s: float,
    seed: int = 0,
    stop: Stop = never,
) -> tuple[Worth, ...]:
    """The worth of each relaxation by itself; those not begun by ``deadline_s`` are missing."""
    found: list[Worth] = []
    for index, (name, setting) in enumerate(relaxations):
        remaining = deadline_s - time.monotonic()
        if remaining <= 0 or stop():
            break
        changed = apply_settings(base.problem, [setting])
        limit_s = remaining / (len(relaxations) - index)
        after = best_of(changed, base.plan, time_limit_s=limit_s, seed=seed, stop=stop)
        if after is not None:
            found.append(worth(name, setting, base, after))
    return tuple(found)


def worth(name: str, setting: Setting, base: Solved, after: Solved) -> Worth:
    """The bracket between two solved problems of which the second is the first with a rule relaxed."""
    before_rps, after_rps = (unserved_rps(one.problem, one.plan) for one in (base, after))
    if base.plan.unserved or after.plan.unserved:
        return Worth(name, setting, None, None, None, before_rps, after_rps)
    return Worth(
        name=name,
        setting=setting,
        found=_dollars(base.plan.objective - after.plan.objective),
        least=max(0.0, _dollars(base.bound - after.plan.objective)),
        most=max(0.0, _dollars(base.plan.objective - after.bound)),
        unserved_rps_before=before_rps,
        unserved_rps_after=after_rps,
    )


def _dollars(difference: float) -> float:
    """Rid of binary noise."""
    return round(difference, USD_DIGITS)


def best_of(
    problem: PlanningProblem,
    incumbent: Plan | None,
    *,
    time_limit_s: float,
    seed: int = 0,
    stop: Stop = never,
) -> Solved | None:
    """The problem solved anew, or the incumbent where it is valid and better; None where there is neither."""
    outcome = solve(problem, time_limit_s=time_limit_s, seed=seed, stop=stop)
    plans = [plan for plan in (outcome.plan, incumbent and carried_over(problem, incumbent)) if plan]
    if not plans:
        return None
    best = min(plans, key=lambda plan: (unserved_rps(problem, plan), plan.objective))
    whole = outcome.plan is not None and not outcome.plan.unserved
    bound = (
        outcome.bound
        if whole
        else fluid_bound_usd_per_hour(problem, {u.model: u.share for u in best.unserved})
    )
    return Solved(problem, best, min(bound, best.objective))


def unserved_rps(problem: PlanningProblem, plan: Plan) -> float:
    """Requests per second left unserved, the mean over the horizon; a model without demand counts 0.01."""
    total = 0.0
    for left in plan.unserved:
        rates = problem.models[left.model].demand_rps
        for share, rate, epoch in zip(left.share, rates, problem.epochs, strict=True):
            total += share * max(rate, IDLE_RPS) * epoch.hours
    return total / problem.horizon_hours
