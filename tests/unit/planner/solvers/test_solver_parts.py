"""The parts that solvers share: sizes, bounds, parts of hot models, filling, back ends at their limits."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest

from planner.formulation.formulation import Formulation, build
from planner.formulation.instance import build_instance
from planner.formulation.slots import Slot, choose_slots
from planner.plan.plan import PlanStatus
from planner.problem.problem import PlanningProblem
from planner.problem.tables import CapacityTables, capacity_tables
from planner.solvers import cp_sat, highs
from planner.solvers.assemble import assemble, rounded_up, with_bound
from planner.solvers.draft import DraftCluster, size_cluster
from planner.solvers.filling import fill
from planner.solvers.greedy import search
from planner.solvers.items import hot_parts
from planner.solvers.start import drafts_of, seats, start_of
from tests.planning import batching, model, one_at_a_time, problem

WHOLE = np.ones(1)


def tables_of(*rates: float, **changes: object) -> CapacityTables:
    models = [model(f"m{i}", [rate], {"a": one_at_a_time()}) for i, rate in enumerate(rates)]
    return capacity_tables(problem(models, **changes))  # type: ignore[arg-type]


def test_a_sub_cluster_is_as_small_as_its_load_allows() -> None:
    tables = tables_of(20.0, 90.0, 150.0)
    for members, gpus in (([0], 1), ([1], 2), ([0, 1], 2)):
        sized = size_cluster(tables, DraftCluster(0, {m: WHOLE for m in members}))
        assert sized is not None
        assert sized.gpus.tolist() == [gpus]
    assert size_cluster(tables, DraftCluster(0, {m: 2 * WHOLE for m in range(3)})) is None


def test_batches_are_cut_to_the_workspace_that_weights_leave() -> None:
    profile = {"a": batching(weights_gib=6.0, workspace_gib_per_item=0.5)}
    tables = capacity_tables(problem([model("p", [20.0], profile), model("q", [20.0], profile)]))
    alone = size_cluster(tables, DraftCluster(0, {0: WHOLE}))
    both = size_cluster(tables, DraftCluster(0, {0: WHOLE, 1: WHOLE}))
    assert alone is not None
    assert both is not None
    assert alone.batch_size[0] == 20  # 10 GiB of workspace
    assert both.batch_size[0] == 8  # 4 GiB


def test_bounds_are_rounded_up_to_what_prices_can_sum_to() -> None:
    question = problem([], pools={"a": 1, "b": 1}, prices={"a": 1.0, "b": 2.5})
    assert rounded_up(question, 40.000000000066) == 40.0
    assert rounded_up(question, 40.1) == 40.5
    flexible = problem([], policy={"gpus": "per_epoch"})
    assert rounded_up(flexible, 40.1) == 40.1


def test_a_plan_below_its_bound_has_no_gap() -> None:
    tables = tables_of(20.0)
    plan = assemble(tables, [DraftCluster(0, {0: WHOLE})], solver="hand", seed=0)
    assert plan is not None
    proven = with_bound(tables.problem, plan, 7.0)
    assert (proven.bound, proven.gap, proven.status) == (1.0, 0.0, PlanStatus.OPTIMAL)
    loose = with_bound(tables.problem, plan, 0.1)
    assert loose.bound == 1.0  # whole GPUs cost whole dollars here
    assert with_bound(tables.problem, dataclasses.replace(plan, objective=4.0), 2.0).gap == 0.5


def test_hot_models_are_packed_in_parts() -> None:
    assert hot_parts(tables_of(20.0, 600.0, pools={"a": 8})).keys() == {1}
    assert hot_parts(tables_of(20.0, policy={"scheduler_rate_rps_max": 10.0})).keys() == {0}


def test_search_stops_at_its_deadline_with_something() -> None:
    packing = search(tables_of(20.0, 30.0), deadline_s=time.monotonic() - 1, seed=0)
    assert packing.complete
    assert packing.rounds == 0


def test_what_fits_nowhere_whole_is_served_in_part() -> None:
    tables = tables_of(500.0, pools={"a": 2})
    (draft,) = fill(tables, [])
    assert 0.2 < float(draft.shares[0][0]) < 0.4
    assert size_cluster(tables, draft) is not None


def formulation_of(question: PlanningProblem, *, elastic: bool) -> Formulation:
    tables = capacity_tables(question)
    slots, _ = choose_slots(tables, ())
    everything = range(len(tables.models))
    return build(build_instance(tables, slots, split=(), elastic=everything if elastic else ()))


TWO_HEAVY = problem([model(name, [90.0], {"a": one_at_a_time()}) for name in ("p", "q")], pools={"a": 2})


@pytest.mark.parametrize("solver", [highs, cp_sat])
def test_infeasible_is_an_outcome(solver: object) -> None:
    found = solver.solve_stages(  # type: ignore[attr-defined]
        formulation_of(TWO_HEAVY, elastic=False), deadline_s=time.monotonic() + 10, seed=0
    )
    assert found.infeasible
    assert found.solution is None


@pytest.mark.parametrize("solver", [highs, cp_sat])
def test_out_of_time_is_an_outcome(solver: object) -> None:
    found = solver.solve_stages(  # type: ignore[attr-defined]
        formulation_of(TWO_HEAVY, elastic=True), deadline_s=time.monotonic() - 1, seed=0
    )
    assert (found.stages, found.solution, found.infeasible) == ((), None, False)


def test_a_plan_is_a_point_of_its_formulation_and_back() -> None:
    rates = [20.0 + 13 * i for i in range(9)]
    tables = tables_of(*rates, pools={"a": 40, "a/y": 40})
    packing = search(tables, deadline_s=time.monotonic() + 2, seed=0)
    plan = assemble(tables, packing.clusters, solver="greedy", seed=0)
    assert plan is not None
    slots, exact = choose_slots(tables, seats(tables, plan))
    assert not exact
    formulation = build(build_instance(tables, slots, split=[8], elastic=[]))
    point = start_of(formulation, plan)
    assert point is not None
    assert formulation.arrays.violation(point) < 1e-6
    assert float(formulation.stage("cost").cost @ point) == pytest.approx(plan.cost_usd_per_hour)
    again = assemble(tables, drafts_of(formulation, point), solver="greedy", seed=0)
    assert again == plan


def test_a_plan_without_its_slots_is_no_start() -> None:
    tables = tables_of(90.0)
    plan = assemble(tables, [DraftCluster(0, {0: WHOLE})], solver="hand", seed=0)
    assert plan is not None
    formulation = build(build_instance(tables, [Slot(0, 3, 4)], split=(), elastic=()))
    assert start_of(formulation, plan) is None
