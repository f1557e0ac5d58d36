"""Problems at the edge of what makes sense: each has an answer, verified, or a fault that says why not."""

from __future__ import annotations

from typing import Any

import pytest

from planner.plan.plan import Plan
from planner.plan.verify import verify
from planner.problem.parse import parse_problem
from planner.solvers import solve
from profiles.faults import InputInvalid
from tests.planning import batching, changed, document, model, one_at_a_time

PLAIN = {"a": one_at_a_time()}


def planned(data: dict[str, Any], solver: str = "auto") -> Plan:
    problem = parse_problem(data)
    plan = solve(problem, solver=solver, time_limit_s=5).plan
    assert plan is not None
    assert verify(problem, plan) == []
    return plan


@pytest.mark.parametrize("solver", ["auto", "highs", "cp-sat", "greedy", "columns"])
def test_no_models_cost_nothing(solver: str) -> None:
    plan = planned(document([], epochs=2), solver)
    assert (plan.sub_clusters, plan.cost_usd_per_hour, plan.gap) == ((), 0.0, 0.0)


def test_a_model_without_demand_has_a_home_all_the_same() -> None:
    plan = planned(document([model("p", [0.0, 0.0], PLAIN)]))
    assert [c.gpus for c in plan.sub_clusters] == [(1, 1)]


def test_one_gpu_is_shared_by_all_who_fit() -> None:
    plan = planned(document([model(name, [5.0], PLAIN) for name in "pqr"], pools={"a": 1}))
    assert [len(c.placements) for c in plan.sub_clusters] == [3]


def test_fifty_equal_models_take_the_memory_they_need() -> None:
    models = [model(f"m{i:02d}", [0.1], {"a": one_at_a_time(weights_gib=4.0)}) for i in range(50)]
    plan = planned(document(models, pools={"a": 50}))
    assert plan.cost_usd_per_hour == 13  # four of 4 GiB on each GPU of 16


def test_a_rate_close_to_nothing() -> None:
    assert planned(document([model("p", [1e-9], PLAIN)])).cost_usd_per_hour == 1.0


@pytest.mark.parametrize("solver", ["auto", "greedy"])
def test_a_rate_beyond_every_fleet_is_left_out_and_excused(solver: str) -> None:
    plan = planned(document([model("p", [1e9], PLAIN), model("q", [5.0], PLAIN)], pools={"a": 2}), solver)
    assert "p" in {left.model for left in plan.unserved}
    assert "p" in {excuse.subject for excuse in plan.excuses}


@pytest.mark.parametrize("slo_ms", [0.1, 9.99])
def test_an_slo_shorter_than_any_batch_is_left_out(slo_ms: float) -> None:
    plan = planned(document([model("p", [5.0], PLAIN, slo_ms=slo_ms)]))
    assert [left.share for left in plan.unserved] == [(1.0,)]


def test_an_slo_of_many_minutes() -> None:
    plan = planned(document([model("p", [50.0], {"a": batching()}, slo_ms=1e6)]))
    assert plan.unserved == ()


def test_nothing_in_stock_serves_nothing() -> None:
    plan = planned(document([model("p", [5.0], PLAIN)], pools={"a": 0}))
    assert plan.sub_clusters == ()
    assert [left.model for left in plan.unserved] == ["p"]


def test_weights_beyond_every_memory_are_left_out() -> None:
    plan = planned(document([model("p", [5.0], {"a": one_at_a_time(weights_gib=1e6)})]))
    assert [left.model for left in plan.unserved] == ["p"]


def test_a_thousand_epochs() -> None:
    rates = [float(10 + e % 24) for e in range(1_000)]
    data = document([model("p", rates, PLAIN)])
    data["epochs"] = [{"start": f"epoch {e}", "hours": 1} for e in range(1_000)]
    plan = planned(data, "greedy")
    assert [set(c.gpus) for c in plan.sub_clusters] == [{1}]


def test_an_epoch_without_length_is_a_fault() -> None:
    with pytest.raises(InputInvalid, match=r"epochs\[0\].hours"):
        parse_problem(changed(document([model("p", [5.0], PLAIN)]), "epochs.0.hours", 0))
