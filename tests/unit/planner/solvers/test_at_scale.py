"""Fleets with crowded GPU types: what the parts of the search promise, on small problems."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linprog

from planner.plan.verify import verify
from planner.problem.tables import CapacityTables, capacity_tables, need_in_workspace
from planner.solvers.assemble import assemble
from planner.solvers.at_scale import search_at_scale
from planner.solvers.draft import DraftCluster, size_cluster
from planner.solvers.dual_guess import Guess, guess
from planner.solvers.greedy import Searching
from planner.solvers.lean import growable_tables, lean_tables
from planner.solvers.mixed import clusters
from planner.solvers.mixed.assignment import assigned
from planner.solvers.mixed.bound import crowded_bound
from planner.solvers.mixed.clusters import CrowdedSearch
from planner.solvers.mixed.crowded import CrowdedPart, Outside, crowded_part, crowded_types, outside_at
from planner.solvers.mixed.kinds import kinds_of
from planner.solvers.poured import Fleet, feasible, fleet_of
from planner.solvers.run import Run
from planner.solvers.stopping import never
from tests.planning import batching, model, one_at_a_time, problem


def crowded_fleet(models: int = 24) -> CapacityTables:
    """Heavy models that live on b alone, two to a GPU, and light ones that may live on a or b."""
    rng = np.random.default_rng(5)
    rows = []
    for i in range(models):
        demand = [float(rng.uniform(10, 90)) for _ in range(3)]
        heavy = i % 3 == 0
        profiles = {"b": batching(weights_gib=6.5 if heavy else 0.4, workspace_gib_per_item=0.15)}
        if not heavy:
            profiles["a"] = batching(alpha_ms=1.5, weights_gib=0.4, workspace_gib_per_item=0.05)
        rows.append(model(f"m{i:02d}", demand, profiles, arrival_cv=float(rng.uniform(0.5, 2.0))))
    return capacity_tables(problem(rows, pools={"a": 60, "b": 40}, prices={"a": 1.0, "b": 2.0}))


def priced(tables: CapacityTables) -> tuple[Fleet, Guess, tuple[int, ...]]:
    fleet = fleet_of(tables, ())
    found = guess(fleet, deadline_s=time.monotonic() + 20, seed=0)
    return fleet, found, crowded_types(fleet, found)


def part_of(tables: CapacityTables, *, flowing: bool = False) -> tuple[CrowdedPart, np.ndarray]:
    fleet, found, _ = priced(tables)
    types = (tables.gpu_types.index("b"),)
    part = crowded_part(tables, fleet, feasible(fleet, found.multipliers), types, (), flowing=flowing)
    return part, fleet.available[list(types)]


def test_the_type_whose_memory_is_short_is_the_crowded_one() -> None:
    tables = crowded_fleet()
    assert [tables.gpu_types[g] for g in priced(tables)[2]] == ["b"]


def test_need_with_ample_workspace_is_that_of_the_tables() -> None:
    tables = crowded_fleet()
    everyone = list(range(len(tables.models)))
    ample = need_in_workspace(tables, 1, everyone, np.ones(len(everyone)), np.full(len(everyone), 99.0))
    assert np.allclose(ample, tables.need[:, 1])


def test_little_workspace_asks_for_more_gpus_and_none_for_ever_more() -> None:
    tables = crowded_fleet()
    one = need_in_workspace(tables, 1, [0], np.ones(1), np.array([0.15]))[0]
    four = need_in_workspace(tables, 1, [0], np.ones(1), np.array([0.6]))[0]
    rate = tables.rate_rps[0]
    share = tables.law(0, 1).usable_share(np.arange(1, tables.gpus_max + 1), tables.models[0].arrival_cv)
    assert np.allclose(one, rate * 6e-3 / share[:, None])  # batches of one: 1 + 5 ms each
    assert (four < one).all()
    assert np.isinf(need_in_workspace(tables, 1, [0], np.ones(1), np.array([0.1]))).all()


def test_the_searched_sub_clusters_are_ones_that_can_be_sized() -> None:
    tables = crowded_fleet()
    part, available = part_of(tables)
    fleet, found, _ = priced(tables)
    search = CrowdedSearch.begun(part, available, seed=1)
    outside = [outside_at(fleet, part, feasible(fleet, found.multipliers))]
    assert outside[0].items == pytest.approx(part.outside)
    drafts = search.improve(outside, deadline_s=time.monotonic() + 1, stop=never)
    again = search.improve(outside, deadline_s=time.monotonic() + 1, stop=never)
    assert _cost(tables, part, again) <= _cost(tables, part, drafts) + 1e-9
    drafts = again
    homes = [m for draft in drafts for m in draft.shares]
    assert len(homes) == len(set(homes))
    heavy = [m for m in range(len(tables.models)) if m % 3 == 0]
    assert set(heavy) <= set(homes)  # they can live nowhere else
    sized = [size_cluster(tables, draft) for draft in drafts]
    assert all(one is not None for one in sized)
    assert sum(int(one.gpus.max()) for one in sized if one is not None) <= available.sum()
    assert max(sum(m % 3 == 0 for m in draft.shares) for draft in drafts) == 2


def test_groups_dealt_anew_lose_no_item_and_take_no_gpu_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = crowded_fleet(36)
    part, available = part_of(tables)
    fleet, found, _ = priced(tables)
    monkeypatch.setattr(clusters, "GROUP_MAX", 8)
    monkeypatch.setattr(clusters, "GROUP_S", 0.02)
    search = CrowdedSearch.begun(part, available, seed=1)
    outside = [outside_at(fleet, part, feasible(fleet, found.multipliers))]
    first = search.improve(outside, deadline_s=time.monotonic() + 0.01, stop=never)
    drafts = search.improve(outside, deadline_s=time.monotonic() + 1, stop=never)
    assert search.deals > 3
    assert _cost(tables, part, drafts) <= _cost(tables, part, first) + 1e-9
    homes = [m for draft in drafts for m in draft.shares]
    assert len(homes) == len(set(homes))
    assert {m for m in range(len(tables.models)) if m % 3 == 0} <= set(homes)
    sized = [one for one in (size_cluster(tables, draft) for draft in drafts) if one is not None]
    assert sum(int(one.gpus.max()) for one in sized) == search.used.sum() <= available.sum()


def _cost(tables: CapacityTables, part: CrowdedPart, clusters: list[DraftCluster]) -> float:
    homes = {m for draft in clusters for m in draft.shares}
    outside = sum(float(o) for m, o in zip(part.model, part.outside, strict=True) if int(m) not in homes)
    sized = [size_cluster(tables, draft) for draft in clusters]
    prices = tables.price_usd_per_hour[tables.pool_types]
    return outside + sum(float(one.gpus.max() * prices[one.draft.pool]) for one in sized if one is not None)


def test_the_crowded_part_is_bounded_below_what_is_found() -> None:
    tables = crowded_fleet()
    fleet, found, types = priced(tables)
    bounds: list[float] = []
    crowded_bound(
        tables, fleet, found, types, (), deadline_s=time.monotonic() + 20, seed=0, on_bound=bounds.append
    )
    run = Run(tables, "auto", 0, time.monotonic(), time.monotonic() + 12, None)
    search_at_scale(run)
    assert run.best is not None
    assert verify(run.problem, run.best) == []
    assert bounds == sorted(bounds)
    assert 0.7 * run.best.objective < bounds[-1] <= run.best.objective
    assert run.bound is not None
    assert run.bound <= run.best.objective


def test_models_are_assigned_to_the_type_that_is_cheaper_for_them_while_it_lasts() -> None:
    """A GPU of b does in 8 ms what takes one of a 20 ms, for the same price: b is used up first."""
    rows = [
        model(f"m{i}", [50.0], {"a": one_at_a_time(20.0), "b": one_at_a_time(8.0)}, arrival_cv=0.3)
        for i in range(4)
    ]
    tables = capacity_tables(problem(rows, pools={"a": 8, "b": 1}, prices={"a": 1.0, "b": 1.0}))
    fleet = fleet_of(tables, ())
    everyone = np.ones(4, dtype=bool)
    assignment = assigned(fleet, everyone, fleet.available, deadline_s=time.monotonic() + 5)
    assert assignment is not None
    shares = assignment.shares
    assert np.allclose(shares.sum(axis=1), 1.0)
    b = tables.gpu_types.index("b")
    assert shares[:, b] @ tables.need[:, b, 0, 0] == pytest.approx(1.0)


def _written_out(fleet: Fleet, chosen: NDArray[np.bool_]) -> float:
    """The optimum of the assignment of 12 models on two types and 3 epochs, the first two split, by scipy."""
    need = [fleet.need[:, g, int(min(fleet.limit[g], fleet.available[g])) - 1] for g in range(2)]
    rows, right, equal = [], [], []
    width = 2 + 2 * 12 * 3
    for g in range(2):
        for e in range(3):
            row = np.zeros(width)
            row[g] = -1.0
            for m in np.flatnonzero(chosen):
                row[2 + (g * 12 + m) * 3 + e] = need[g][m, e]
            rows.append(row)
            right.append(0.0)
    for m in np.flatnonzero(chosen):
        for e in range(3):
            row = np.zeros(width)
            row[[2 + m * 3 + e, 2 + (12 + m) * 3 + e]] = 1.0
            equal.append(row)
            if m >= 2 and e:
                row = np.zeros(width)
                row[2 + m * 3 + e], row[2 + m * 3] = 1.0, -1.0
                rows += [row, -row]
                right += [0.0, 0.0]
    bounds = [(0, fleet.available[g]) for g in range(2)] + [(0, 1)] * (width - 2)
    cost = np.concatenate([fleet.price, np.zeros(width - 2)])
    found = linprog(cost, np.array(rows), right, np.array(equal), np.ones(len(equal)), bounds)
    assert found.status == 0
    return float(found.fun)


@pytest.mark.parametrize("scarce", [False, True])
def test_an_assignments_prices_bound_what_any_others_would_cost(scarce: bool) -> None:
    rng = np.random.default_rng(3)
    rows = [
        model(
            f"m{i}",
            [float(rng.uniform(5, 60)) for _ in range(3)],
            {"a": one_at_a_time(float(rng.uniform(4, 9))), "b": one_at_a_time(float(rng.uniform(3, 7)))},
            arrival_cv=0.5,
            slo_ms=200.0,
        )
        for i in range(12)
    ]
    tables = capacity_tables(
        problem(rows, pools={"a": 60, "b": 2 if scarce else 40}, prices={"a": 1.0, "b": 1.6})
    )
    fleet = fleet_of(tables, {0, 1})
    part = CrowdedPart(
        tables=tables,
        types=(),
        model=np.arange(2, 12),
        share=np.ones(10),
        epoch=np.full(10, -1),
        outside=np.ones(10),
    )

    def cost_of(chosen: NDArray[np.bool_]) -> tuple[float, Outside]:
        found = assigned(fleet, chosen, fleet.available, deadline_s=time.monotonic() + 5)
        assert found is not None
        one = found.outside(fleet, part)
        return one.apart + float(one.items[chosen[2:]].sum()), one

    everyone = np.ones(12, dtype=bool)
    cost, one = cost_of(everyone)
    assert cost == pytest.approx(_written_out(fleet, everyone), rel=1e-6)
    for _ in range(5):
        some = np.concatenate([[True, True], rng.random(10) < 0.6])
        assert one.apart + float(one.items[some[2:]].sum()) <= _written_out(fleet, some) + 1e-6


def test_what_is_dealt_is_a_packing_with_every_model_placed() -> None:
    tables = crowded_fleet()
    searching = Searching.begun(tables, seed=0)
    fleet = fleet_of(tables, ())
    assignment = assigned(
        fleet, np.ones(len(tables.models), dtype=bool), fleet.available, deadline_s=time.monotonic() + 5
    )
    assert assignment is not None
    before = searching.packing()
    searching.dealt(assignment.shares)
    after = searching.packing()
    plans = [assemble(tables, list(packing.clusters), solver="greedy", seed=0) for packing in (before, after)]
    assert all(plan is not None and verify(tables.problem, plan) == [] for plan in plans)
    assert plans[0] is not None
    assert plans[1] is not None
    assert plans[1].objective <= plans[0].objective


def test_lean_tables_plan_less_workspace_where_it_costs_little() -> None:
    profile = batching(alpha_ms=2.0, beta_ms=2.0, workspace_gib_per_item=0.4, batch_size_max=32)
    tables = capacity_tables(problem([model("m", [600.0], {"a": profile})]))
    lean = lean_tables(tables)
    assert tables.workspace_gib[0, 0].max() > 0.35 * 16
    assert lean.workspace_gib[0, 0].max() <= 0.35 * tables.usable_gib[0] + 1e-9
    finite = np.isfinite(tables.need)
    assert (lean.need[finite] >= tables.need[finite] - 1e-12).all()
    assert (lean.need[finite] <= 1.25 * tables.need[finite] + 1e-9).all()


def test_lean_tables_leave_alone_what_would_cost_much() -> None:
    profile = batching(alpha_ms=0.2, beta_ms=8.0, workspace_gib_per_item=2.0, batch_size_max=32)
    tables = capacity_tables(problem([model("m", [600.0], {"a": profile})]))
    assert np.array_equal(lean_tables(tables).need, tables.need)


def test_where_a_smaller_batch_costs_less_a_kind_counts_need_at_its_least() -> None:
    """10, 5.5, 10 and 7.75 ms for each request: memory for fewer than four may be the better for it."""
    steps = {"latency_ms": [[1, 10.0], [2, 11.0], [3, 30.0], [4, 31.0]], "batch_size_max": 4}
    profile = {"b": steps | {"weights_gib": 1.0, "workspace_gib_per_item": 2.0}}
    tables = capacity_tables(problem([model("m", [60.0], profile)], pools={"b": 4}))
    part, _ = part_of(tables)
    kinds = kinds_of(part)
    assert kinds
    roomiest = {
        kind.gpus: kind.rows[0, 0] * kind.gpus for kind in kinds
    }  # a count's last kind has the most room
    for items in (1, 2, 3, 4):
        need = need_in_workspace(tables, 0, [0], np.ones(1), np.array([2.0 * items]))[0]
        for gpus, counted in roomiest.items():
            assert counted <= need[gpus - 1, 0] + 1e-9


def test_the_least_need_is_that_of_the_cheapest_batch_in_each_epoch() -> None:
    """At 400 requests/s batches of 2 are the cheapest; at 1/s all are of one."""
    steps = {"latency_ms": [[1, 10.0], [2, 11.0], [3, 30.0], [4, 31.0]], "batch_size_max": 4}
    profile = {"b": steps | {"weights_gib": 1.0, "workspace_gib_per_item": 2.0}}
    tables = capacity_tables(problem([model("m", [400.0, 1.0, 0.0], profile)], pools={"b": 8}))
    law = tables.law(0, 0)
    loads = law.load_gpus(tables.rate_rps[0][None, :], np.arange(1, 5)[:, None])
    for items in (1, 2, 3, 4):
        room = np.array([2.0 * items])
        share = law.usable_share(np.arange(1, 9), tables.models[0].arrival_cv)
        least = need_in_workspace(tables, 0, [0], np.ones(1), room, least=True)[0]
        promised = need_in_workspace(tables, 0, [0], np.ones(1), room)[0]
        assert np.allclose(least, loads[:items].min(axis=0)[None, :] / share[:, None])
        assert np.allclose(promised, loads[min(items, 2) - 1][None, :] / share[:, None])


def test_large_fleets_leave_the_certificate_gpus_to_add() -> None:
    rows = [model("m", [40.0], {"a": batching()})]
    tables = capacity_tables(problem(rows, pools={"a": 100}, policy={"sub_cluster_gpus_max": 64}))
    growable = growable_tables(tables)
    assert (tables.gpus_max, growable.gpus_max) == (64, 62)
    assert growable.pool_limit(0) == 62
    assert np.array_equal(growable.need, tables.need[:, :, :62])
    few = capacity_tables(problem(rows, pools={"a": 100}))
    assert growable_tables(few).gpus_max == few.gpus_max == 8
