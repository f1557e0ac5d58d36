"""solve: every door gives verified plans, and says why something is left out."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planner.plan.plan import Plan, PlanStatus
from planner.plan.verify import verify
from planner.problem.canonical import with_digest
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.problem.tables import capacity_tables
from planner.solvers import SOLVERS, Progress, SolveOutcome, SolveStatus, portfolio, solve
from planner.solvers.assemble import assemble
from planner.solvers.draft import DraftCluster
from planner.solvers.rank import rank
from tests.planning import batching, model, one_at_a_time, problem

EXAMPLES = Path(__file__).resolve().parents[4] / "examples"


def planned(question: PlanningProblem, time_limit_s: float = 20, **options: Any) -> Plan:
    outcome = solve(question, time_limit_s=time_limit_s, **options)
    assert outcome.plan is not None
    assert verify(question, outcome.plan) == []
    return outcome.plan


def example(name: str) -> PlanningProblem:
    return parse_problem(json.loads((EXAMPLES / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_finds_the_hand_solved_optimum(solver: str) -> None:
    """Day and night share two GPUs; the heavy one takes the rest of one."""
    question = problem(
        [
            model("day", [90.0, 0.0], {"a": one_at_a_time()}),
            model("night", [0.0, 90.0], {"a": one_at_a_time()}),
            model("heavy", [20.0, 20.0], {"a": one_at_a_time(weights_gib=15.0)}),
        ],
        pools={"a": 5},
    )
    plan = planned(question, solver=solver)
    assert plan.cost_usd_per_hour == 3.0
    assert plan.solver == solver
    if solver not in ("greedy", "columns"):  # columns prove nothing where models may be split
        assert plan.status is PlanStatus.OPTIMAL
        assert plan.gap == 0.0


def test_the_example_is_served_and_all_but_proven() -> None:
    plan = planned(example("problem.json"))
    assert plan.gap < 0.03
    assert plan.unserved == ()


def test_the_tight_example_says_what_is_missing() -> None:
    outcome = solve(example("problem-tight.json"), solver="greedy", time_limit_s=20)
    assert outcome.status is SolveStatus.INFEASIBLE
    assert outcome.plan is not None
    excuses = {excuse.subject: excuse for excuse in outcome.plan.excuses}
    assert "4.220 ms short" in excuses["SE_ResNeXt50_32x4d"].text
    assert excuses["DenseNet121"].bottleneck == "inventory"
    assert excuses["inventory"].text.startswith("2 model(s) lack GPUs")


def test_no_time_no_plan() -> None:
    outcome = solve(example("problem.json"), time_limit_s=1e-9)
    assert (outcome.status, outcome.plan, outcome.gap) == (SolveStatus.NO_INCUMBENT, None, None)


def test_bad_options_are_refused() -> None:
    with pytest.raises(ValueError, match="solver must be one of"):
        solve(example("problem.json"), solver="gurobi")
    with pytest.raises(ValueError, match="time_limit_s"):
        solve(example("problem.json"), time_limit_s=0)


def test_progress_is_told_and_only_improves() -> None:
    heard: list[Progress] = []
    plan = planned(example("problem.json"), progress=heard.append)
    incumbents = [p.incumbent for p in heard if p.incumbent is not None]
    assert incumbents == sorted(incumbents, reverse=True)
    assert incumbents[-1] == pytest.approx(plan.objective)


def test_the_same_seed_gives_the_same_plan() -> None:
    assert planned(example("problem.json"), seed=3) == planned(example("problem.json"), seed=3)


def test_nothing_to_serve_costs_nothing() -> None:
    plan = planned(problem([], epochs=2))
    assert (plan.cost_usd_per_hour, plan.gap, plan.status) == (0.0, 0.0, PlanStatus.OPTIMAL)


def test_a_hot_model_is_shared() -> None:
    question = problem(
        [model("hot", [1_000.0], {"a": one_at_a_time()})], pools={"a": 20}, policy={"sub_cluster_gpus_max": 8}
    )
    plan = planned(question)
    assert plan.unserved == ()
    assert len(plan.sub_clusters) >= 2


def test_gpus_follow_the_epochs() -> None:
    question = problem(
        [model("day", [500.0, 50.0], {"a": one_at_a_time()})], pools={"a": 10}, policy={"gpus": "per_epoch"}
    )
    plan = planned(question)
    assert plan.sub_clusters[0].gpus[1] < plan.sub_clusters[0].gpus[0]


def test_the_less_important_goes_unserved_first() -> None:
    models = [
        model(name, [40.0], {"a": one_at_a_time()}, priority=p) for name, p in (("low", 2), ("high", 1))
    ]
    plan = planned(problem(models, pools={"a": 1}))
    (left,) = plan.unserved
    assert left.model == "low"
    assert left.share[0] > 0.3


@pytest.mark.parametrize(
    ("models", "pools", "policy", "bottleneck", "words"),
    [
        ([model("m", [1.0], {"a": one_at_a_time(200.0)})], {"a": 2}, {}, "latency", "200.000 ms short"),
        ([model("m", [1.0], {"a": one_at_a_time(weights_gib=17.0)})], {"a": 2}, {}, "memory", "17 GiB on a"),
        ([model("m", [1.0], {"b": one_at_a_time()})], {"a": 2}, {}, "inventory", "no pool has any"),
        ([model("m", [1.0], {"a": one_at_a_time()})], {"a": 0}, {}, "inventory", "no pool has any"),
        ([model("m", [500.0], {"a": one_at_a_time()})], {"a": 2}, {}, "inventory", "no GPU is left in a/z"),
    ],
)
def test_excuses_name_the_bottleneck(
    models: list[dict[str, Any]], pools: dict[str, int], policy: dict[str, Any], bottleneck: str, words: str
) -> None:
    plan = planned(problem(models, pools=pools, policy=policy))
    assert plan.status is PlanStatus.PARTIAL
    assert plan.excuses[0].bottleneck == bottleneck
    assert words in plan.excuses[0].text


def replanned(question: PlanningProblem, before: Plan, **policy: Any) -> PlanningProblem:
    rules = dataclasses.replace(question.policy, **policy)
    return with_digest(dataclasses.replace(question, active_plan=before, policy=rules))


def test_replanning_the_same_moves_nothing() -> None:
    question = example("problem.json")
    before = planned(question)
    again = replanned(question, before, churn_gib_max=0.0)
    after = planned(again)
    assert after.cost_usd_per_hour == before.cost_usd_per_hour
    assert [c.id for c in after.sub_clusters] == [c.id for c in before.sub_clusters]


@pytest.mark.parametrize("at_scale", [False, True])
def test_a_plan_is_never_worse_than_the_active_one_kept(
    at_scale: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each model on a type of its own, which no insertion would do: the budget lets none of them move."""
    monkeypatch.setattr(portfolio, "EXACT_MODELS_MAX", 0 if at_scale else 250)
    profiles = {"a": one_at_a_time(weights_gib=4.0), "b": one_at_a_time(weights_gib=4.0)}
    question = problem(
        [model(f"m{i}", [60.0], profiles) for i in range(4)], pools={"a": 8, "b": 8}, prices={"b": 2.0}
    )
    tables = capacity_tables(question)
    apart = [DraftCluster(p, {m: np.ones(1)}) for m, p in enumerate((0, 1, 0, 1))]
    kept = assemble(tables, apart, solver="hand", seed=0)
    assert kept is not None
    tight = replanned(question, kept, churn_gib_max=0.0)
    found = planned(tight, 3)
    assert found.unserved == ()
    assert rank(tight, found) <= rank(tight, dataclasses.replace(kept, problem_digest=tight.digest))
    assert planned(replanned(question, kept), 3).cost_usd_per_hour < kept.cost_usd_per_hour


def test_a_large_fleet_is_bounded_by_the_lagrangian(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portfolio, "EXACT_MODELS_MAX", 10)
    monkeypatch.setattr(portfolio, "by_columns", lambda run: False)
    models = [model(f"m{i:02d}", [40.0 + i, 80.0 - i], {"a": batching()}) for i in range(40)]
    question = problem(models, pools={"a": 60})
    outcome = solve(question, time_limit_s=4, seed=0)
    assert outcome.plan is not None
    assert verify(question, outcome.plan) == []
    assert outcome.plan.bound_method == "lagrangian"
    assert outcome.plan.fluid_bound < outcome.bound <= outcome.plan.objective


def test_a_churn_budget_is_kept_and_excused() -> None:
    first = problem([model("p", [60.0], {"a": one_at_a_time(weights_gib=2.0)})])
    before = planned(first)
    grown = problem(
        [
            model("p", [60.0], {"a": one_at_a_time(weights_gib=2.0)}),
            model("q", [60.0], {"a": one_at_a_time(weights_gib=3.0)}, priority=2),
        ]
    )
    plan = planned(replanned(grown, before, churn_gib_max=1.0))
    assert [u.model for u in plan.unserved] == ["q"]
    assert plan.excuses[0].bottleneck == "churn"
    assert planned(replanned(grown, before, churn_gib_max=10.0)).unserved == ()


def test_a_dispatcher_rate_splits_models_over_sub_clusters() -> None:
    models = [model(f"m{i}", [100.0], {"a": batching()}) for i in range(4)]
    plan = planned(problem(models, pools={"a": 8}, policy={"scheduler_rate_rps_max": 220.0}))
    assert len(plan.sub_clusters) >= 2


def test_outcome_and_plan_must_agree() -> None:
    with pytest.raises(ValueError, match="disagree"):
        SolveOutcome(SolveStatus.OPTIMAL, None, 0.0, 0.0)
