"""What a plan breaks of the rules that a running fleet may come to break, and how much of it is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from planner.plan.churn import churn_gib
from planner.plan.plan import Excuse, Plan
from planner.plan.spread import unspread
from planner.problem.problem import Hardness, PlanningProblem

AMOUNT_TOLERANCE = 1e-6
STILL_BROKEN = "still broken: "


@dataclass(frozen=True, slots=True)
class Breach:
    """
    One rule broken.

    ``rule`` is a field of ``RuleHardness``; ``subject`` a pool, a model, an exclusion (its models joined
    by +), or the rule itself where it is one for the whole fleet. ``amount`` counts GPUs, models or
    GiB too many.
    """

    rule: str
    subject: str
    amount: float
    text: str


def breaches(problem: PlanningProblem, plan: Plan) -> tuple[Breach, ...]:
    """Every breach, in the order in which they are to be mended. A plan of another problem is read too."""
    return (
        *_inventory(problem, plan),
        *(Breach("spread", name, 1, text) for name, text in sorted(unspread(problem, plan).items())),
        *_exclusions(problem, plan),
        *_models_max(problem, plan),
        *_churn(problem, plan),
    )


def forbidden(problem: PlanningProblem, plan: Plan) -> list[Breach]:
    """The breaches that the problem does not allow: of hard rules, and more of others than is broken now."""
    found = breaches(problem, plan)
    now: dict[tuple[str, str], float] = {}
    if problem.active_plan is not None and found:
        now = {(b.rule, b.subject): b.amount for b in breaches(problem, problem.active_plan)}
    refused = []
    for breach in found:
        hardness = getattr(problem.policy.hardness, breach.rule)
        allowed = now.get((breach.rule, breach.subject), 0.0) if hardness is Hardness.FIX_IF_BROKEN else 0.0
        if hardness is not Hardness.SOFT and breach.amount > allowed + AMOUNT_TOLERANCE:
            refused.append(breach)
    return refused


def still_broken(problem: PlanningProblem, plan: Plan) -> tuple[Excuse, ...]:
    """One excuse for each breach of a rule that is not hard."""
    return tuple(
        Excuse(breach.subject, breach.rule, STILL_BROKEN + breach.text)
        for breach in breaches(problem, plan)
        if getattr(problem.policy.hardness, breach.rule) is not Hardness.HARD
    )


def _inventory(problem: PlanningProblem, plan: Plan) -> Iterator[Breach]:
    for pool in problem.pools:
        inside = [s.gpus for s in plan.sub_clusters if (s.gpu_type, s.zone) == (pool.gpu_type, pool.zone)]
        most = max((sum(counts) for counts in zip(*inside, strict=False)), default=0)
        if most > pool.available:
            text = f"{most} GPUs of {pool.id} are used, {pool.available} are there"
            yield Breach("inventory", pool.id, most - pool.available, text)


def _exclusions(problem: PlanningProblem, plan: Plan) -> Iterator[Breach]:
    for group in problem.policy.exclusions:
        over, where = 0, []
        for cluster in plan.sub_clusters:
            together = sorted({p.model for p in cluster.placements}.intersection(group))
            if len(together) > 1:
                over += len(together) - 1
                where.append(f"{', '.join(together)} in {cluster.id}")
        if over:
            yield Breach("exclusions", "+".join(group), over, "kept together: " + "; ".join(where))


def _models_max(problem: PlanningProblem, plan: Plan) -> Iterator[Breach]:
    limit = problem.policy.sub_cluster_models_max
    if limit is None:
        return
    counts = {
        s.id: len({p.model for p in s.placements}.intersection(problem.models)) for s in plan.sub_clusters
    }
    crowded = {name: count for name, count in counts.items() if count > limit}
    if crowded:
        text = ", ".join(f"{name} holds {count} models" for name, count in sorted(crowded.items()))
        amount = sum(crowded.values()) - limit * len(crowded)
        yield Breach("models_max", "models_max", amount, f"{text}, at most {limit} allowed")


def _churn(problem: PlanningProblem, plan: Plan) -> Iterator[Breach]:
    limit = problem.policy.churn_gib_max
    if limit is None:
        return
    loaded = churn_gib(problem, plan, problem.active_plan)
    over = loaded - limit
    if over > AMOUNT_TOLERANCE * (1 + np.abs(limit)):
        yield Breach("churn", "churn", over, f"{loaded:.3f} GiB are loaded, at most {limit:g} allowed")
