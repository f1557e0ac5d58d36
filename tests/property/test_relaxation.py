"""The relaxation bounds every plan from below."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from planner.plan.plan import PlanStatus
from planner.problem.parse import parse_problem
from planner.problem.tables import capacity_tables
from planner.solvers import relaxation_program, solve
from planner.solvers.draft import DraftCluster, size_cluster
from planner.solvers.poured import fleet_of
from planner.solvers.relaxation import relaxed_bound
from tests.planning import batching, document, documents, model

FEW = settings(max_examples=20, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(documents(), st.booleans())
@FEW
def test_no_plan_costs_less_than_the_relaxation(data: dict[str, Any], many_columns: bool) -> None:
    problem = parse_problem({**data, "active_plan": None})
    plan = solve(problem, solver="auto", time_limit_s=5, seed=1).plan
    assume(plan is not None and plan.status is not PlanStatus.PARTIAL)
    assert plan is not None
    tables = capacity_tables(problem)
    with pytest.MonkeyPatch.context() as patch:
        if many_columns:
            patch.setattr(relaxation_program, "SPLIT_COLUMNS_MAX", 0)
        everything = range(len(tables.models))
        bound = relaxed_bound(tables, everything, deadline_s=time.monotonic() + 20, seed=0)
    assert bound is not None
    assert bound <= plan.objective * (1 + 1e-6)


def test_the_relaxation_counts_whole_gpus_and_their_spare_part() -> None:
    """One model of 0.9 GPUs of load: the fluid bound says 0.9 of one, the relaxation knows it takes two."""
    profile = {"latency_ms": [[1, 10.0]], "weights_gib": 1.0, "batch_size_max": 1}
    tables = capacity_tables(parse_problem(document([model("m", [90.0], {"a": profile})], pools={"a": 4})))
    bound = relaxed_bound(tables, (), deadline_s=time.monotonic() + 20, seed=0)
    assert bound is not None
    assert bound > 1.99


def test_a_plan_at_hand_caps_the_bound() -> None:
    """Kinds dearer than that plan are left out, so nothing above its cost is proven."""
    profile = {"latency_ms": [[1, 10.0]], "weights_gib": 1.0, "batch_size_max": 1}
    tables = capacity_tables(parse_problem(document([model("m", [90.0], {"a": profile})], pools={"a": 4})))
    for cost_max, expected in ((3.0, 2.0), (2.0, 2.0), (1.0, 1.0)):
        bound = relaxed_bound(tables, (), deadline_s=time.monotonic() + 20, seed=0, cost_max=cost_max)
        assert bound == pytest.approx(expected)


def test_the_relaxation_knows_that_weights_need_room() -> None:
    """Ten idle models of 8 GiB on GPUs of 16 GiB: no fewer than five GPUs, however little they do."""
    profile = batching(weights_gib=8.0)
    models = [model(f"m{i}", [0.1], {"a": profile}) for i in range(10)]
    tables = capacity_tables(parse_problem(document(models, pools={"a": 12})))
    bound = relaxed_bound(tables, (), deadline_s=time.monotonic() + 20, seed=0)
    assert bound is not None
    assert bound > 4.99


def test_a_smaller_batch_may_be_the_cheaper_one() -> None:
    """
    Batches of 8 cost a millisecond an item, of 4 half as much: a plan promises 4, whether or not the weights
    of another model leave more room, and no bound counts in batches of 8.
    """
    steps = {"latency_ms": [[1, 1.0], [4, 2.0], [5, 7.0], [8, 8.0]], "weights_gib": 1.0}
    steps |= {"workspace_gib_per_item": 1.0, "batch_size_max": 8}
    heavy = {"latency_ms": [[1, 1.0]], "weights_gib": 11.0, "batch_size_max": 1}
    models = [model("heavy", [1.0, 1.0], {"a": heavy}), model("steps", [3_000.0, 5.0], {"a": steps})]
    tables = capacity_tables(parse_problem(document(models, pools={"a": 8})))
    together = size_cluster(tables, DraftCluster(0, {0: np.ones(2), 1: np.ones(2)}))
    alone = size_cluster(tables, DraftCluster(0, {1: np.ones(2)}))
    assert together is not None
    assert alone is not None
    assert (together.batch_size[1], alone.batch_size[1]) == (4, 4)
    assert (tables.batch_size[1, 0] == 4).all()
    relaxed = relaxed_bound(tables, (), deadline_s=time.monotonic() + 20, seed=0)
    assert relaxed is not None
    poured = np.maximum(fleet_of(tables, ()).need[1, 0].max(axis=1), np.arange(1, 9)).min()
    assert max(relaxed, poured) <= together.gpus[0] + 1e-6
