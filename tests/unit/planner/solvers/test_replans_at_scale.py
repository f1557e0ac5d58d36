"""Large fleets that run, or are under rules: what planning them again promises, through ``solve``."""

from __future__ import annotations

import dataclasses
import functools
import time
from typing import Any

import numpy as np
import pytest

from planner.plan.churn import churn_gib
from planner.plan.plan import Plan
from planner.plan.verify import verify
from planner.problem.canonical import with_digest
from planner.problem.parse import parse_problem
from planner.problem.problem import ModelRules, Pin, PlanningProblem
from planner.problem.tables import capacity_tables
from planner.solvers import SolveOutcome, solve
from planner.solvers.assemble import assemble
from planner.solvers.greedy import Searching
from planner.solvers.items import splittable
from planner.solvers.levelling.loads import PRICE_TIE
from planner.solvers.local_search import EXACT_MODELS_MAX
from planner.solvers.refit import refitted, running_drafts
from planner.solvers.replan import RULE, held_gib
from planner.solvers.stopping import never
from tests.planning import batching, document, model

MODELS, EPOCHS = EXACT_MODELS_MAX + 10, 3
LIMIT_S = 2.0
LONG_S = 60.0  # for what ends by itself


def fleet_document() -> dict[str, Any]:
    """Light models on two types, of which the cheaper has little memory, and some heavy ones."""
    rng = np.random.default_rng(11)
    rows = []
    for i in range(MODELS):
        heavy, busy = i % 20 == 0, i % 40 == 1
        rates = rng.uniform(6e3, 1.2e4, EPOCHS) if busy else rng.uniform(10, 200, EPOCHS)
        profiles = {"b": batching(weights_gib=6.0 if heavy else 0.3, workspace_gib_per_item=0.02)}
        if not heavy:
            profiles["a"] = batching(alpha_ms=1.5, weights_gib=0.3, workspace_gib_per_item=0.02)
        rows.append(model(f"m{i:03d}", rates.tolist(), profiles, arrival_cv=float(rng.uniform(0.5, 1.5))))
    pools, prices = {"a": 800, "b": 400}, {"a": 1.0, "b": 1.9}
    return document(rows, pools=pools, prices=prices, policy={"sub_cluster_gpus_max": 32})


@functools.cache
def first() -> tuple[PlanningProblem, Plan]:
    """The fleet, and a plan that runs: what insertion makes of it, the same on every machine."""
    problem = parse_problem(fleet_document())
    tables = capacity_tables(problem)
    packing = Searching.begun(tables, seed=0).packing()
    plan = assemble(tables, packing.clusters, solver="greedy", seed=0)
    assert packing.complete
    assert plan is not None
    return problem, plan


def solved(problem: PlanningProblem, seed: int = 0) -> SolveOutcome:
    return solve(problem, time_limit_s=LIMIT_S, seed=seed)


def planned(problem: PlanningProblem) -> Plan:
    """A plan that is verified once more, and leaves nothing out."""
    plan = solved(problem).plan
    assert plan is not None
    assert verify(problem, plan) == []
    assert plan.unserved == ()
    return plan


def tomorrow(factor: float = 0.9, noise: float = 0.05, **policy: Any) -> PlanningProblem:
    """The plan runs, and demand has changed."""
    problem, active = first()
    rng = np.random.default_rng(2)
    models = {
        name: dataclasses.replace(
            one,
            demand_rps=tuple(
                r * factor * f for r, f in zip(one.demand_rps, rng.lognormal(0, noise, EPOCHS), strict=True)
            ),
        )
        for name, one in sorted(problem.models.items())
    }
    changed = dataclasses.replace(
        problem, models=models, policy=dataclasses.replace(problem.policy, **policy), active_plan=active
    )
    return with_digest(changed)


def refit_of(problem: PlanningProblem, load_price: float) -> Plan:
    """The plan of a refit that has the time it needs, verified."""
    tables = capacity_tables(problem)
    drafts = refitted(
        tables,
        splittable(tables),
        load_price=load_price,
        deadline_s=time.monotonic() + LONG_S,
        seed=0,
        stop=never,
    )
    assert drafts is not None
    plan = assemble(tables, drafts, solver="auto", seed=0)
    assert plan is not None
    assert verify(problem, plan) == []
    assert plan.unserved == ()
    return plan


def recounted(problem: PlanningProblem) -> Plan | None:
    """The active placements with the GPUs that they need today, where that keeps every rule."""
    tables = capacity_tables(problem)
    drafts = running_drafts(tables, range(len(tables.models)))
    plan = assemble(tables, drafts, solver="auto", seed=0)
    return plan if plan is not None and not verify(problem, plan) else None


def test_a_replan_costs_no_more_than_the_running_placements_counted_anew() -> None:
    problem = tomorrow()
    kept, plan = recounted(problem), planned(problem)
    assert kept is not None
    assert plan.objective <= kept.objective
    assert refit_of(problem, PRICE_TIE).objective <= kept.objective


def test_the_rule_weighs_what_is_saved_against_what_is_loaded() -> None:
    problem = tomorrow(replan_worth_min=0.5)
    kept, plan = recounted(problem), planned(problem)
    assert kept is not None
    active = problem.active_plan
    assert active is not None
    price = 0.5 * kept.cost_usd_per_hour / held_gib(problem, active)
    worth = [one.cost_usd_per_hour + price * churn_gib(problem, one, active) for one in (plan, kept)]
    assert worth[0] <= worth[1]
    assert churn_gib(problem, plan, active) < 0.2 * held_gib(problem, active)
    assert any(excuse.subject == RULE for excuse in plan.excuses)


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_no_more_is_loaded_than_the_budget_allows(factor: float) -> None:
    """Where that is not enough some demand is left out."""
    active = first()[1]
    budget = 0.02 * held_gib(first()[0], active)
    problem = tomorrow(factor, churn_gib_max=budget)
    plan = solved(problem).plan
    assert plan is not None
    assert verify(problem, plan) == []
    assert churn_gib(problem, plan, active) <= budget + 1e-6
    assert plan.unserved == () or factor > 1


def test_dearer_loads_are_fewer_loads() -> None:
    problem, active = tomorrow(), first()[1]
    plans = [refit_of(problem, price) for price in (PRICE_TIE, 0.05, 5.0)]
    loads = [churn_gib(problem, plan, active) for plan in plans]
    assert loads == sorted(loads, reverse=True)
    kept = recounted(problem)
    assert kept is not None
    paid = [
        [plan.objective + price * churn_gib(problem, plan, active) for plan in (plans[at], kept)]
        for at, price in ((1, 0.05), (2, 5.0))
    ]
    assert all(own <= other + 1e-9 for own, other in paid)


def test_a_load_that_has_grown_beyond_the_sub_clusters_is_served_by_new_ones() -> None:
    """Most of what runs stays, under its name."""
    problem, active = tomorrow(factor=1.2), first()[1]
    assert recounted(problem) is None
    plan = refit_of(problem, 0.05)
    assert len(plan.sub_clusters) > len(active.sub_clusters)
    assert {c.id for c in active.sub_clusters} <= {c.id for c in plan.sub_clusters}
    assert churn_gib(problem, plan, active) < 0.6 * held_gib(problem, active)


def test_models_that_come_and_go_are_served_without_moving_the_others() -> None:
    problem, active = tomorrow(noise=0.0), first()[1]
    names = sorted(problem.models)
    fresh = dataclasses.replace(problem.models[names[5]], id="new")
    models = {name: problem.models[name] for name in names[3:]} | {"new": fresh}
    changed = with_digest(dataclasses.replace(problem, models=models))
    plan = refit_of(changed, 1.0)
    assert churn_gib(changed, plan, active) < 0.05 * held_gib(changed, active)


def with_rules(problem: PlanningProblem, **rules: ModelRules) -> PlanningProblem:
    models = {
        name: dataclasses.replace(one, rules=rules.get(name, one.rules))
        for name, one in problem.models.items()
    }
    return dataclasses.replace(problem, models=models)


def under_rules(problem: PlanningProblem) -> PlanningProblem:
    """Some live on one type alone, some not beside each other, one by itself."""
    only = {f"m{i:03d}": ModelRules(gpu_types_allowed=("b",)) for i in (2, 3, 5)}
    pinned = {"m007": ModelRules(pinned_to=Pin(gpu_type="a")), "m008": ModelRules(dedicated=True)}
    policy = dataclasses.replace(
        problem.policy,
        exclusions=(("m000", "m020", "m040"), ("m011", "m012")),
        sub_cluster_models_max=40,
    )
    return with_digest(dataclasses.replace(with_rules(problem, **only, **pinned), policy=policy))


def test_a_few_rules_cost_little_and_are_kept() -> None:
    problem, free = first()
    plan = planned(under_rules(problem))
    assert plan.objective < 1.05 * free.objective


def test_a_model_pinned_to_a_running_sub_cluster_stays_in_it() -> None:
    _, active = first()
    home = next(c for c in active.sub_clusters if any(p.model == "m003" for p in c.placements))
    pinned = with_rules(tomorrow(), m003=ModelRules(pinned_to=Pin(sub_cluster=home.id)))
    plan = planned(with_digest(pinned))
    assert [c.id for c in plan.sub_clusters if any(p.model == "m003" for p in c.placements)] == [home.id]
