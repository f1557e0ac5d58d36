"""Asking again: the same problem with some settings changed, solved anew, until time is up."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from planner.explain.settings import Setting, apply_settings
from planner.formulation.slots import slots_are_exact
from planner.plan.plan import Plan, PlanStatus
from planner.plan.verify import cost_usd_per_hour, gap, verify
from planner.problem.fluid import fluid_bound_usd_per_hour
from planner.problem.problem import ModelId, PlanningProblem
from planner.problem.tables import capacity_tables
from planner.solvers import SolveStatus, solve
from planner.solvers.shortage import demand_must_be_left
from planner.solvers.stopping import Stop, never

INSISTENT_SEEDS = 3
QUICK_SHARE = 0.25  # of a probe's time for the greedy search, which finds most of the plans there are


class OutOfTime(Exception):
    """No time is left to ask."""


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What became of one question.

    ``served`` says that a verified plan serves all demand. Where it does not, ``proven`` says that none can:
    otherwise none was found in the time of a probe.
    """

    problem: PlanningProblem
    plan: Plan | None
    served: bool
    proven: bool

    @property
    def outcome(self) -> str:
        if self.served:
            return "serves all demand"
        return "proven impossible" if self.proven else "no plan found"


@dataclass(slots=True)
class Prober:
    """
    Solves variants of one problem, each for at most ``probe_s`` and none after ``deadline_s``.

    Models of ``ignored`` may stay unserved: nothing that can be set would serve them.
    """

    problem: PlanningProblem
    deadline_s: float
    probe_s: float
    seed: int = 0
    ignored: frozenset[ModelId] = frozenset()
    stop: Stop = never
    solved: int = 0
    known: dict[str, Answer] = field(default_factory=dict)

    def ask(self, settings: Sequence[Setting]) -> Answer:
        """
        Whether the problem with these settings serves all demand.

        Raises OutOfTime where no time is left to find out, InputInvalid for a setting that cannot be made.
        """
        problem = apply_settings(self.problem, settings) if settings else self.problem
        if problem.digest not in self.known:
            self.known[problem.digest] = self._answer(problem, self.seed)
        return self.known[problem.digest]

    def insist(self, settings: Sequence[Setting]) -> Answer:
        """``ask`` again with other seeds, where no plan was found and none is proven impossible."""
        answer = self.ask(settings)
        for seed in range(self.seed + 1, self.seed + 1 + INSISTENT_SEEDS):
            if answer.served or answer.proven:
                break
            answer = self._answer(answer.problem, seed)
        self.known[answer.problem.digest] = answer
        return answer

    def _answer(self, problem: PlanningProblem, seed: int) -> Answer:
        if time.monotonic() >= self.deadline_s or self.stop():
            raise OutOfTime
        self.solved += 1
        if demand_must_be_left(self._asked_for(problem)):
            return Answer(problem, None, False, True)
        plan: Plan | None = None
        for solver, limit_s in (("greedy", self.probe_s * QUICK_SHARE), ("auto", self.probe_s)):
            limit_s = min(limit_s, self.deadline_s - time.monotonic())
            if limit_s <= 0 or self.stop():
                raise OutOfTime
            outcome = solve(problem, solver=solver, time_limit_s=limit_s, seed=seed, stop=self.stop)
            plan = outcome.plan or plan
            if outcome.plan is not None and self._serves(outcome.plan):
                return Answer(problem, outcome.plan, not verify(problem, outcome.plan), False)
        proven = outcome.status is SolveStatus.INFEASIBLE and not self.ignored
        return Answer(problem, plan, False, proven and slots_are_exact(capacity_tables(problem)))

    def _serves(self, plan: Plan) -> bool:
        return all(left.model in self.ignored for left in plan.unserved)

    def _asked_for(self, problem: PlanningProblem) -> PlanningProblem:
        if not self.ignored:
            return problem
        models = {name: model for name, model in problem.models.items() if name not in self.ignored}
        return dataclasses.replace(problem, models=models)


def carried_over(problem: PlanningProblem, plan: Plan) -> Plan | None:
    """The plan as an answer to another problem, its bound the fluid one; None where it breaks a rule."""
    same = claimed_anew(problem, plan)
    return None if same is None or verify(problem, same) else same


def claimed_anew(problem: PlanningProblem, plan: Plan) -> Plan | None:
    """
    The plan with what it says of itself worked out for this problem, its bound the fluid one.

    None where the problem lacks one of its pools or has other epochs; whether it keeps the rules is for
    ``verify`` to say.
    """
    known = {(pool.gpu_type, pool.zone) for pool in problem.pools}
    if any((cluster.gpu_type, cluster.zone) not in known for cluster in plan.sub_clusters):
        return None
    if any(len(cluster.gpus) != len(problem.epochs) for cluster in plan.sub_clusters):
        return None
    left = {u.model: u.share for u in plan.unserved}
    cost, fluid = cost_usd_per_hour(problem, plan), fluid_bound_usd_per_hour(problem, left)
    bound = min(fluid, cost)
    return dataclasses.replace(
        plan,
        status=PlanStatus.PARTIAL if plan.unserved else PlanStatus.FEASIBLE,
        objective=cost,
        cost_usd_per_hour=cost,
        bound=bound,
        gap=gap(cost, bound),
        fluid_bound=fluid,
        physical_gap=gap(cost, fluid),
        problem_digest=problem.digest,
    )
