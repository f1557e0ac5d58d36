"""Levelling: traffic of split models, and whole models, moved to where their hours are quiet."""

from __future__ import annotations

import numpy as np
import pytest

from planner.plan.verify import verify
from planner.problem.tables import CapacityTables, capacity_tables
from planner.solvers.assemble import assemble
from planner.solvers.draft import DraftCluster, busy_gpus, size_cluster
from planner.solvers.levelling import levelled
from planner.solvers.stopping import never
from tests.planning import batching, model, one_at_a_time, problem


def levelling_case() -> tuple[CapacityTables, list[DraftCluster]]:
    """Two sub-clusters busy with a whole model at different hours, and a split one half here, half there."""
    slow = {"a": one_at_a_time(10.0)}
    rows = [
        model("early", [300.0, 10.0], slow, arrival_cv=0.3),
        model("late", [10.0, 300.0], slow, arrival_cv=0.3),
        model("split", [300.0, 300.0], slow, arrival_cv=0.3),
    ]
    tables = capacity_tables(problem(rows, pools={"a": 16}))
    whole, half = np.ones(2), np.full(2, 0.5)
    return tables, [DraftCluster(0, {0: whole, 2: half}), DraftCluster(0, {1: whole, 2: half})]


def test_levelling_moves_traffic_to_where_it_is_night() -> None:
    tables, drafts = levelling_case()
    before = [size_cluster(tables, draft) for draft in drafts]
    better = levelled(tables, drafts, {2}, time_limit_s=10, seed=0, stop=never)
    assert better is not None
    after = [size_cluster(tables, draft) for draft in better]
    gpus = [sum(int(one.gpus.max()) for one in sizes if one is not None) for sizes in (before, after)]
    assert gpus[1] < gpus[0]
    shares = np.sum([draft.shares.get(2, np.zeros(2)) for draft in better], axis=0)
    assert np.allclose(shares, 1.0)
    plan = assemble(tables, better, solver="auto", seed=0)
    assert plan is not None
    assert verify(tables.problem, plan) == []


def gpus_of(tables: CapacityTables, drafts: list[DraftCluster]) -> int:
    sized = [size_cluster(tables, draft) for draft in drafts]
    return sum(int(one.gpus.max()) for one in sized if one is not None)


def alike_by_hour(weights_gib: float = 1.0, policy: dict[str, float] | None = None) -> CapacityTables:
    """Two models that are busy early and two that are busy late."""
    slow = {"a": one_at_a_time(10.0, weights_gib=weights_gib)}
    busy = {"early0": [300.0, 10.0], "early1": [280.0, 10.0], "late0": [10.0, 310.0], "late1": [10.0, 290.0]}
    rows = [model(name, demand, slow, arrival_cv=0.3) for name, demand in busy.items()]
    return capacity_tables(problem(rows, pools={"a": 30}, policy=policy))


def together(pairs: list[tuple[int, int]]) -> list[DraftCluster]:
    return [DraftCluster(0, dict.fromkeys(pair, np.ones(2))) for pair in pairs]


def test_whole_models_move_to_where_it_is_night() -> None:
    tables = alike_by_hour()
    drafts = together([(0, 1), (2, 3)])
    best = gpus_of(tables, together([(0, 2), (1, 3)]))
    assert gpus_of(tables, drafts) > best
    better = levelled(tables, drafts, set(), time_limit_s=10, seed=0, stop=never)
    assert better is not None
    assert gpus_of(tables, better) <= best  # all in one is better still
    assert sorted(m for draft in better for m in draft.shares) == [0, 1, 2, 3]
    plan = assemble(tables, better, solver="auto", seed=0)
    assert plan is not None
    assert verify(tables.problem, plan) == []


def test_models_change_places_where_memory_holds_no_third() -> None:
    tables = alike_by_hour(weights_gib=6.5)
    better = levelled(tables, together([(0, 1), (2, 3)]), set(), time_limit_s=10, seed=0, stop=never)
    assert better is not None
    assert gpus_of(tables, better) == gpus_of(tables, together([(0, 2), (1, 3)]))
    assert [len(draft.shares) for draft in better] == [2, 2]


def test_no_dispatcher_gets_more_than_it_can_take() -> None:
    """An early and a late model together ask for 310 requests/s at most, all four for 600."""
    tables = alike_by_hour(policy={"scheduler_rate_rps_max": 325.0})
    better = levelled(tables, together([(0, 2), (1, 3)]), set(), time_limit_s=10, seed=0, stop=never)
    assert better is not None
    plan = assemble(tables, better, solver="auto", seed=0)
    assert plan is not None
    assert verify(tables.problem, plan) == []


def test_a_model_stays_away_from_types_where_it_cannot_live() -> None:
    both, one = {"a": one_at_a_time(10.0), "b": one_at_a_time(10.0)}, {"a": one_at_a_time(10.0)}
    rows = [
        model("early0", [300.0, 10.0], one, arrival_cv=0.3),
        model("early1", [280.0, 10.0], both, arrival_cv=0.3),
        model("late", [10.0, 310.0], both, arrival_cv=0.3),
    ]
    tables = capacity_tables(problem(rows, pools={"a": 30, "b": 30}, prices={"a": 2.0, "b": 1.0}))
    whole = np.ones(2)
    drafts = [DraftCluster(0, {0: whole, 1: whole}), DraftCluster(1, {2: whole})]
    better = levelled(tables, drafts, set(), time_limit_s=10, seed=0, stop=never)
    assert better is not None
    assert 0 in better[0].shares
    assert 1 in better[1].shares  # to where it is cheaper, and beside what is busy late
    plan = assemble(tables, better, solver="auto", seed=0)
    assert plan is not None
    assert verify(tables.problem, plan) == []


@pytest.mark.parametrize("seed", range(6))
def test_a_sub_cluster_has_the_gpus_that_its_models_keep_busy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [
        model(
            f"m{i}",
            [float(rng.uniform(1, 150)) for _ in range(3)],
            {"a": batching(weights_gib=2.0, workspace_gib_per_item=float(rng.uniform(0.1, 2.0)))},
            arrival_cv=float(rng.uniform(0.3, 2.0)),
        )
        for i in range(4)
    ]
    tables = capacity_tables(problem(rows, pools={"a": 60}))
    draft = DraftCluster(0, {m: rng.uniform(0.2, 1.0, 3) for m in range(4)})
    one = size_cluster(tables, draft)
    assert one is not None
    count = int(one.gpus.max())
    assert busy_gpus(tables, draft, count).max() <= count + 1e-9
    if count > 1:
        assert busy_gpus(tables, draft, count - 1).max() > count - 1


def test_what_does_not_fit_keeps_any_number_of_gpus_busy() -> None:
    heavy = {"a": one_at_a_time(10.0, weights_gib=9.0)}
    tables = capacity_tables(problem([model(f"m{i}", [10.0], heavy) for i in range(2)], pools={"a": 8}))
    assert np.isinf(busy_gpus(tables, DraftCluster(0, {0: np.ones(1), 1: np.ones(1)}), 8)).all()
