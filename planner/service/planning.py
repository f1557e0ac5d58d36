"""
From a problem to a certified plan: solve, verify, simulate, and solve again where simulation disagrees.

The capacity mathematics is a model; the simulation is the dispatcher itself. Where a sub-cluster
does not keep its SLOs, first it is given the GPUs that it lacks, and what it can spare is taken
back (``certified_plan``). Where none are left for it, it is planned again with more demand than it has
(``cuts``). The bound stays that of the problem as it was asked. At last the no-change rule is asked once
more, of what is paid now.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from planner.certify import Certificate, certified_plan
from planner.certify.certify import ProgressCallback, Stop
from planner.executor import Executor, InProcess, LocalProcesses, processors
from planner.plan.plan import Plan, PlanStatus
from planner.plan.reprice import reprice
from planner.plan.verify import gap, verify
from planner.problem.fluid import fluid_bound_usd_per_hour
from planner.problem.problem import PlanningProblem
from planner.service.cuts import part_of, tightened
from planner.solvers.replan import active_again, is_worth_its_loads

ROUNDS_MAX = 3
SUB_CLUSTERS_IN_PROCESS_MAX = 6  # more are worth the seconds that further processes take to start
UNSERVED_TOLERANCE = 1e-6

Solve: TypeAlias = Callable[[PlanningProblem, int], Plan | None]
"""Given a problem and the round (0 first): a verified plan, or None if there was none in time."""


def certified(
    problem: PlanningProblem,
    plan: Plan,
    solve: Solve,
    *,
    progress: ProgressCallback | None = None,
    stop: Stop | None = None,
) -> tuple[Plan, Certificate]:
    """
    ``plan`` with its certificate, after as many rounds as it takes for that to hold, at most three.

    Returns the last round's plan where none holds; a round that leaves more demand unserved than the
    first does not count.
    """

    def certify(asked: PlanningProblem, part: Plan) -> tuple[Plan, Certificate]:
        return certified_plan(asked, part, executor=executor_for(part), progress=progress, stop=stop)

    best, certificate = certify(problem, plan)
    marks: Counter[str] = Counter()
    for number in range(1, ROUNDS_MAX):
        if certificate.passed or (stop is not None and stop()):
            break
        failed = {cluster.sub_cluster for cluster in certificate.sub_clusters if not cluster.passed}
        marks.update({p.model for c in best.sub_clusters if c.id in failed for p in c.placements})
        solve_again = partial(_solved_tightened, solve, marks, number)
        mended = _mended(problem, best, certificate, solve_again, certify)
        if mended is None:
            again = solve_again(problem)
            if again is None or _serves_less(again, plan):
                break
            mended = certify(problem, _rebased(problem, again, plan))
        best, certificate = mended
    return _unless_not_worth_it(problem, best, certificate, certify)


def _unless_not_worth_it(
    problem: PlanningProblem,
    plan: Plan,
    certificate: Certificate,
    certify: Callable[[PlanningProblem, Plan], tuple[Plan, Certificate]],
) -> tuple[Plan, Certificate]:
    """
    The active plan, certified for today's demand, where the plan no longer is worth its loads.

    What the solver found to be cheaper may need GPUs that only the simulation asks for.
    """
    kept = active_again(problem, plan) if certificate.passed else None
    if kept is None or is_worth_its_loads(problem, plan, kept):
        return plan, certificate
    sized, evidence = certify(problem, kept)
    if not evidence.passed or is_worth_its_loads(problem, plan, sized):
        return plan, certificate
    return _rebased(problem, sized, plan), evidence


def _mended(
    problem: PlanningProblem,
    plan: Plan,
    certificate: Certificate,
    solve: Callable[[PlanningProblem], Plan | None],
    certify: Callable[[PlanningProblem, Plan], tuple[Plan, Certificate]],
) -> tuple[Plan, Certificate] | None:
    """The plan with what failed planned and certified again, all else as it is; None where that is no way."""
    passed = {one.sub_cluster: one for one in certificate.sub_clusters if one.passed}
    part = part_of(problem, plan, {cluster.id for cluster in plan.sub_clusters} - set(passed))
    if part is None or not part.kept:
        return None
    again = solve(part.problem)
    if again is None or any(sum(left.share) > UNSERVED_TOLERANCE for left in again.unserved):
        return None
    new = part.put_back(again)
    whole = reprice(problem, dataclasses.replace(plan, sub_clusters=(*part.kept, *new)))
    if verify(problem, whole):
        return None
    room = dataclasses.replace(problem, pools=part.problem.pools)
    sized, evidence = certify(room, dataclasses.replace(whole, sub_clusters=new))
    whole = reprice(problem, dataclasses.replace(whole, sub_clusters=(*part.kept, *sized.sub_clusters)))
    kept = tuple(passed[cluster.id] for cluster in part.kept)
    both = dataclasses.replace(certificate, sub_clusters=(*kept, *evidence.sub_clusters))
    return _rebased(problem, whole, plan), both


def _solved_tightened(solve: Solve, marks: Counter[str], number: int, asked: PlanningProblem) -> Plan | None:
    return solve(tightened(asked, marks), number)


def _serves_less(plan: Plan, first: Plan) -> bool:
    """Whether a tightened plan leaves out more than the first did: that is no way to pass."""
    before = {left.model: sum(left.share) for left in first.unserved}
    return any(sum(left.share) > before.get(left.model, 0.0) + UNSERVED_TOLERANCE for left in plan.unserved)


def executor_for(plan: Plan) -> Executor:
    """This process for small plans, every processor of the machine for large ones; the answer is the same."""
    if len(plan.sub_clusters) <= SUB_CLUSTERS_IN_PROCESS_MAX or processors() == 1:
        return InProcess()
    return LocalProcesses(processors())


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
