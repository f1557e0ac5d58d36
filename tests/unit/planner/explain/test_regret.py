from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.explain.regret import regret, unserved_by_world
from planner.explain.worlds import DemandWorlds, worlds_by_cv, worlds_by_interval
from planner.plan.plan import Plan
from planner.problem.capacity import need_gpus
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.solvers import solve
from tests.naive import regret as naive
from tests.planning import batching, documents, model, one_at_a_time, problem


def two_models() -> PlanningProblem:
    models = [model("p", [40.0, 20.0], {"a": batching()}), model("q", [10.0, 90.0], {"a": one_at_a_time()})]
    return problem(models, pools={"a": 8})


def plan_of(asked: PlanningProblem, seed: int = 0) -> Plan:
    plan = solve(asked, solver="greedy", time_limit_s=2, seed=seed).plan
    assert plan is not None
    return plan


@given(documents(), st.integers(0, 5), st.sampled_from([0.0, 0.3, 1.5]))
@settings(max_examples=25, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_kernels_agree_with_their_slow_twin(data: dict[str, object], seed: int, cv: float) -> None:
    asked = parse_problem(data)
    plans = [plan_of(asked, 0), plan_of(asked, 1)]
    worlds = worlds_by_cv(asked, cv, seed=seed)
    fast = unserved_by_world(asked, plans, worlds, 3)
    rates = worlds.rates(0, 3)
    for row, plan in enumerate(plans):
        for w in range(3):
            by_model = {name: list(rates[w, m]) for m, name in enumerate(sorted(asked.models))}
            assert fast[row, w] == pytest.approx(
                naive.unserved_rps(asked, plan, by_model), rel=1e-9, abs=1e-5
            )


def test_the_demand_a_plan_was_made_for_is_served() -> None:
    asked = two_models()
    found = regret(asked, [plan_of(asked)], worlds=2, demand_cv=0.0)
    assert found.plans[0].unserved_rps.worst == pytest.approx(0.0, abs=1e-9)


def test_an_overloaded_sub_cluster_serves_what_its_gpus_carry() -> None:
    asked = problem([model("q", [40.0], {"a": one_at_a_time(10.0)})], pools={"a": 1})
    double = DemandWorlds(np.array([[80.0]]), np.array([[0.0]]), seed=0)
    unserved = unserved_by_world(asked, [plan_of(asked)], double, 1)
    need = float(need_gpus(asked.models["q"], "a", 80.0, 1, 1, asked.policy.delays))
    assert need > 1.5
    assert unserved[0, 0] == pytest.approx(80.0 * (1 - 1 / need))


def test_regret_is_against_the_best_plan_of_each_world() -> None:
    asked = two_models()
    small = plan_of(asked)
    more = parse_problem_with_more(asked)
    large = plan_of(more)
    found = regret(asked, [small, large], worlds=200, demand_cv=0.8, seed=3)
    cheap, dear = found.plans
    assert cheap.cost_usd_per_hour < dear.cost_usd_per_hour
    assert cheap.cost_regret_usd_per_hour == 0.0
    assert dear.cost_regret_usd_per_hour == pytest.approx(dear.cost_usd_per_hour - cheap.cost_usd_per_hour)
    assert cheap.unserved_regret_rps.mean > 0
    assert cheap.unserved_rps.mean > dear.unserved_rps.mean
    for one in found.plans:
        assert 0 <= one.unserved_rps.mean <= one.unserved_rps.worst
        assert one.unserved_rps.p90 <= one.unserved_rps.worst


def parse_problem_with_more(asked: PlanningProblem) -> PlanningProblem:
    from planner.explain.settings import apply_settings, parse_setting

    return apply_settings(asked, [parse_setting("models.*.demand_rps=x3")])


def test_worlds_follow_their_seed_and_no_other() -> None:
    asked = two_models()
    first, again, other = (worlds_by_cv(asked, 0.4, seed=s).rates(0, 50) for s in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.array_equal(worlds_by_cv(asked, 0.4, seed=7).rates(10, 5), first[10:15])


def test_worlds_have_the_mean_and_variation_asked_for() -> None:
    asked = two_models()
    rates = worlds_by_cv(asked, 0.3, seed=1).rates(0, 20_000)
    assert rates.mean(axis=0) == pytest.approx(np.array([[40.0, 20.0], [10.0, 90.0]]), rel=0.02)
    assert rates.std(axis=0) / rates.mean(axis=0) == pytest.approx(np.full((2, 2), 0.3), rel=0.05)


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)])
def test_models_share_the_part_of_the_variance_asked_for(share: float, expected: float) -> None:
    rates = worlds_by_cv(two_models(), 0.3, seed=1, common_share=share).rates(0, 5_000)
    logs = np.log(rates)
    assert np.corrcoef(logs[:, 0, 0], logs[:, 1, 1])[0, 1] == pytest.approx(expected, abs=0.05)


def test_an_interval_holds_four_worlds_in_five() -> None:
    low, mid, high = np.array([[50.0]]), np.array([[100.0]]), np.array([[200.0]])
    rates = worlds_by_interval(low, mid, high, seed=2).rates(0, 10_000)
    assert ((rates >= low) & (rates <= high)).mean() == pytest.approx(0.8, abs=0.02)
    assert np.median(rates) == pytest.approx(100.0, rel=0.03)


def test_worlds_refuse_what_has_no_lognormal() -> None:
    asked = two_models()
    for cv in (-0.1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="demand_cv"):
            worlds_by_cv(asked, cv, seed=0)
    with pytest.raises(ValueError, match="common_share"):
        worlds_by_cv(asked, 0.1, seed=0, common_share=1.5)
    for low, mid, high in ((2.0, 1.0, 3.0), (0.0, 1.0, 2.0), (1.0, 2.0, float("inf"))):
        with pytest.raises(ValueError, match="interval"):
            worlds_by_interval([[low]], [[mid]], [[high]], seed=0)
