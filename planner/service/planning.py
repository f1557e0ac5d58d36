"""
From a problem to a certified plan: solve, verify, simulate, and solve again where simulation disagrees.

The capacity mathematics is a model; the simulation is the dispatcher itself. Where a sub-cluster
does not keep its SLOs, first it is given the GPUs that it lacks, and what it can spare is taken
back (``certified_plan``). Where none are left for it, its models are counted with more demand than they
have and the whole is solved again: a cut that drives the solver away from what it had packed too
tightly. The bound stays that of the problem as it was asked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TypeAlias

from planner.certify import Certificate, certified_plan
from planner.certify.certify import ProgressCallback
from planner.executor import Executor, InProcess, LocalProcesses, processors
from planner.plan.plan import Plan, PlanStatus
from planner.plan.verify import gap
from planner.problem.fluid import fluid_bound_usd_per_hour
from planner.problem.problem import PlanningProblem

ROUNDS_MAX = 3
SUB_CLUSTERS_IN_PROCESS_MAX = 6  # more are worth the seconds that further processes take to start
UNSERVED_TOLERANCE = 1e-6
DEMAND_STEP = 1.15  # one round's mark-up on the demand of models whose sub-cluster failed

Solve: TypeAlias = Callable[[PlanningProblem, int], Plan | None]
"""Given a problem and the round (0 first): a verified plan, or None if there was none in time."""


def certified(
    problem: PlanningProblem, plan: Plan, solve: Solve, *, progress: ProgressCallback | None = None
) -> tuple[Plan, Certificate]:
    """
    ``plan`` with its certificate, after as many rounds as it takes for that to hold, at most three.

    Returns the last round's plan where none holds; a round that leaves more demand unserved than the
    first does not count.
    """
    best, certificate = certified_plan(problem, plan, executor=_executor(plan), progress=progress)
    tight = problem
    for number in range(1, ROUNDS_MAX):
        if certificate.passed:
            break
        tight = _tightened(tight, best, certificate)
        again = solve(tight, number)
        if again is None or _serves_less(again, plan):
            break
        best, certificate = certified_plan(
            problem, _rebased(problem, again, plan), executor=_executor(again), progress=progress
        )
    return best, certificate


def _serves_less(plan: Plan, first: Plan) -> bool:
    """Whether a tightened plan leaves out more than the first did: that is no way to pass."""
    before = {left.model: sum(left.share) for left in first.unserved}
    return any(sum(left.share) > before.get(left.model, 0.0) + UNSERVED_TOLERANCE for left in plan.unserved)


def _executor(plan: Plan) -> Executor:
    """This process for small plans, every processor of the machine for large ones; the answer is the same."""
    if len(plan.sub_clusters) <= SUB_CLUSTERS_IN_PROCESS_MAX or processors() == 1:
        return InProcess()
    return LocalProcesses(processors())


def _tightened(problem: PlanningProblem, plan: Plan, certificate: Certificate) -> PlanningProblem:
    """The problem with more demand for the models of sub-clusters that failed; its digest is kept."""
    failed = {cluster.sub_cluster for cluster in certificate.sub_clusters if not cluster.passed}
    models = dict(problem.models)
    for name in {p.model for c in plan.sub_clusters if c.id in failed for p in c.placements}:
        demand = tuple(rate * DEMAND_STEP for rate in models[name].demand_rps)
        models[name] = dataclasses.replace(models[name], demand_rps=demand)
    return dataclasses.replace(problem, models=models)


def _rebased(problem: PlanningProblem, plan: Plan, first: Plan) -> Plan:
    """A plan of a tightened problem as an answer to the problem as asked, under that one's bounds."""
    bound = min(first.bound, plan.objective)
    fluid = fluid_bound_usd_per_hour(problem, {left.model: left.share for left in plan.unserved})
    return dataclasses.replace(
        plan,
        status=PlanStatus.PARTIAL if plan.unserved else PlanStatus.FEASIBLE,
        bound=bound,
        gap=gap(plan.objective, bound),
        fluid_bound=fluid,
        physical_gap=gap(plan.objective, fluid),
    )
