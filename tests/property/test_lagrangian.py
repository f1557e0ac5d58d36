"""The Lagrangian bound holds for every plan, whatever its multipliers."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from planner.plan.plan import PlanStatus
from planner.problem.parse import parse_problem
from planner.problem.tables import CapacityTables, capacity_tables
from planner.problem.usable_share import usable_share
from planner.solvers import solve
from planner.solvers.dual_feasible import memory_shares
from planner.solvers.dual_guess import guess
from planner.solvers.lagrangian import charged, lagrangian_bound
from planner.solvers.mixed.bound import crowded_bound
from planner.solvers.poured import Multipliers, feasible, fleet_of
from tests.planning import batching, document, documents, model

FEW = settings(max_examples=20, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(documents(), st.integers(0, 2**31))
@FEW
def test_no_plan_costs_less_than_any_multipliers_prove(data: dict[str, Any], seed: int) -> None:
    data["policy"] = {**(data.get("policy") or {}), "gpus": "reserved"}
    problem = parse_problem({**data, "active_plan": None})
    plan = solve(problem, solver="auto", time_limit_s=3, seed=1).plan
    assume(plan is not None and plan.status is not PlanStatus.PARTIAL)
    assert plan is not None
    tables = capacity_tables(problem)
    everything = range(len(tables.models))
    assert guessed_bound(tables, everything, 5) <= plan.objective * (1 + 1e-6)
    assert drawn_bound(tables, seed) <= plan.objective * (1 + 1e-6)


@given(documents(), st.integers(0, 2**31), st.booleans())
@FEW
def test_no_plan_costs_less_than_crowded_sub_clusters_prove(
    data: dict[str, Any], seed: int, may_split: bool
) -> None:
    """Whichever types are taken for crowded, and whether models may be split or not."""
    data["policy"] = {**(data.get("policy") or {}), "gpus": "reserved"}
    data["models"] = [one | {"may_split": may_split} for one in data["models"]]
    problem = parse_problem({**data, "active_plan": None})
    plan = solve(problem, solver="auto", time_limit_s=3, seed=1).plan
    assume(plan is not None and plan.status is not PlanStatus.PARTIAL)
    assert plan is not None
    tables = capacity_tables(problem)
    rng = np.random.default_rng(seed)
    stocked = [g for g in range(len(tables.gpu_types)) if g in tables.pool_types]
    crowded = tuple(g for g in stocked if rng.random() < 0.7) or tuple(stocked)
    split = range(len(tables.models)) if may_split else ()
    fleet = fleet_of(tables, split)
    prices = guess(fleet, deadline_s=time.monotonic() + 5, seed=0)
    bounds: list[float] = []
    crowded_bound(
        tables,
        fleet,
        prices,
        crowded,
        split,
        deadline_s=time.monotonic() + 10,
        seed=0,
        on_bound=bounds.append,
    )
    assert all(bound <= plan.objective * (1 + 1e-6) for bound in bounds)


def guessed_bound(tables: CapacityTables, split: Collection[int], seconds: float) -> float:
    fleet, deadline_s = fleet_of(tables, split), time.monotonic() + seconds
    return lagrangian_bound(fleet, guess(fleet, deadline_s=deadline_s, seed=0), deadline_s=deadline_s)


def drawn_bound(tables: CapacityTables, seed: int) -> float:
    """What multipliers drawn at random prove, their inventory prices included."""
    fleet = fleet_of(tables, range(len(tables.models)))
    rng = np.random.default_rng(seed)
    types, counts, epochs = fleet.need.shape[1:]
    drawn = Multipliers(
        rng.exponential(size=(types, counts, epochs)),
        rng.exponential(size=(types, counts, fleet.memory.shape[2])),
        rng.exponential(size=types) * rng.integers(0, 2),
    )
    load, memory = np.zeros_like(drawn.throughput), np.zeros_like(drawn.memory)
    return float(charged(fleet, feasible(fleet, drawn), load, memory))


def bound_of(models: list[dict[str, Any]], **changes: Any) -> float:
    tables = capacity_tables(parse_problem(document(models, **changes)))
    return guessed_bound(tables, (), 20)


def test_it_knows_the_spare_part_of_few_gpus() -> None:
    """0.9 GPUs of load need more than one: the fluid bound says 0.9."""
    profile = {"latency_ms": [[1, 10.0]], "weights_gib": 1.0, "batch_size_max": 1}
    least = 0.9 / float(usable_share(4, 1.0, 10.0))  # at the most GPUs that there can be
    assert least > 1.1
    assert bound_of([model("m", [90.0], {"a": profile})], pools={"a": 4}) >= least - 1e-6


def test_it_knows_that_two_large_models_do_not_share_a_gpu() -> None:
    """Six idle models of 9 GiB on GPUs of 16 GiB: six GPUs, where weights alone would pour into four."""
    models = [model(f"m{i}", [0.1], {"a": batching(weights_gib=9.0)}) for i in range(6)]
    assert bound_of(models, pools={"a": 8}) == pytest.approx(6.0, rel=1e-3)


def test_it_knows_the_inventory() -> None:
    """Of two models that need a cheap GPU each, one has to take the dear one."""
    profile = batching(weights_gib=9.0)
    models = [model(f"m{i}", [0.1], {"a": profile, "b": profile}) for i in range(2)]
    bound = bound_of(models, pools={"a": 1, "b": 1}, prices={"a": 1.0, "b": 5.0})
    assert bound == pytest.approx(6.0, rel=1e-2)


def test_shares_of_memory_sum_to_no_more_than_one_gpu() -> None:
    """Whatever fits into one GPU, under each dual feasible function."""
    rng = np.random.default_rng(0)
    for _ in range(500):
        parts = rng.dirichlet(np.ones(rng.integers(1, 8)))
        assert (memory_shares(parts).sum(axis=0) <= 1 + 1e-9).all()
    assert memory_shares(np.array([0.5, 0.5])).sum(axis=0) == pytest.approx(np.ones(4))
