"""What the relaxation's whole numbers prove, how its kinds are divided, and plans of what it proposes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from planner.plan.verify import verify
from planner.problem.tables import CapacityTables, capacity_tables
from planner.solvers import solve
from planner.solvers.draft import DraftCluster, size_cluster
from planner.solvers.proof import Proof, met
from planner.solvers.realised import Sizes, realised
from planner.solvers.relaxation import Amount, finer, relaxed, relaxed_bound, widest_kinds
from planner.solvers.relaxation_program import Kind
from planner.solvers.run import Run
from tests.planning import batching, model, one_at_a_time, problem

SEEDS = range(8)


def bounded(tables: CapacityTables, split: Sequence[int] = (), cost_max: float = np.inf) -> float:
    found = relaxed_bound(tables, split, deadline_s=time.monotonic() + 20, seed=0, cost_max=cost_max)
    assert found is not None
    return found


def two_types(gpus_of_a: int) -> CapacityTables:
    """One model that needs more than one GPU of the cheap type a, or of b at three times the price."""
    profile = one_at_a_time(10.0)
    one = model("m", [90.0], {"a": profile, "b": profile}, arrival_cv=1.0)
    return capacity_tables(problem([one], pools={"a": gpus_of_a, "b": 4}, prices={"a": 1.0, "b": 3.0}))


def test_a_model_that_lives_whole_has_one_gpu_type() -> None:
    """Part of it would fit on the one cheap GPU there is, but a whole model takes two of the dear ones."""
    assert bounded(two_types(1), split=()) == pytest.approx(6.0)
    assert bounded(two_types(1), split=(0,)) == pytest.approx(4.0)
    assert bounded(two_types(2), split=()) == pytest.approx(2.0)


def test_kinds_are_divided_where_the_answer_has_its_mean() -> None:
    kinds = [Kind(0, 1, 64), Kind(1, 1, 8)]
    assert finer(kinds, [Amount(Kind(0, 1, 64), clusters=4, gpus=195)]) == [
        Kind(0, 1, 48),
        Kind(0, 49, 64),
        Kind(1, 1, 8),
    ]
    assert finer(kinds, [Amount(Kind(0, 1, 64), clusters=3, gpus=192)]) == []


def random_fleet(seed: int) -> CapacityTables:
    """Four whole models on two types, demand and memory at random."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(4):
        profile = {
            "a": batching(float(rng.choice([1.0, 2.0])), float(rng.choice([2.0, 9.0]))),
            "b": batching(0.5, float(rng.choice([1.0, 6.0]))),
        }
        for one in profile.values():
            one |= {"weights_gib": float(rng.choice([0.5, 6.0])), "workspace_gib_per_item": 0.1}
        demand = [float(rng.uniform(20, 400)) for _ in range(3)]
        rows.append(model(f"m{i}", demand, profile, may_split=False, arrival_cv=float(rng.uniform(0.5, 3))))
    return capacity_tables(problem(rows, pools={"a": 12, "b": 6}, prices={"a": 1.0, "b": 2.3}))


def partitions(models: Sequence[int]) -> Iterator[list[list[int]]]:
    if not models:
        yield []
        return
    first, *rest = models
    for others in partitions(rest):
        yield [[first], *others]
        for at in range(len(others)):
            yield [*others[:at], [first, *others[at]], *others[at + 1 :]]


def cheapest(tables: CapacityTables) -> float:
    """Every way to part the models into sub-clusters, each on every pool."""
    everything = np.ones(len(tables.hours))
    best = np.inf
    for groups in partitions(range(len(tables.models))):
        for pools in itertools.product(range(len(tables.pools)), repeat=len(groups)):
            sized = [
                size_cluster(tables, DraftCluster(p, dict.fromkeys(group, everything)))
                for group, p in zip(groups, pools, strict=True)
            ]
            if any(one is None for one in sized):
                continue
            gpus = [int(one.gpus.max()) for one in sized if one is not None]
            used = np.bincount(pools, weights=gpus, minlength=len(tables.pools))
            if all(used <= [pool.available for pool in tables.pools]):
                best = min(best, float(used @ tables.price_usd_per_hour[tables.pool_types]))
    return best


@pytest.mark.parametrize("seed", SEEDS)
def test_no_way_to_part_whole_models_is_cheaper_than_the_bound(seed: int) -> None:
    tables = random_fleet(seed)
    optimum = cheapest(tables)
    assert np.isfinite(optimum)
    bound = bounded(tables)
    assert bound <= optimum + 1e-6
    assert bounded(tables, cost_max=optimum + 0.5) <= optimum + 1e-6
    assert bounded(tables, cost_max=optimum) <= optimum + 1e-6
    assert bound >= 0.5 * optimum


def test_points_that_were_asked_to_cost_more_prove_nothing() -> None:
    tables = random_fleet(0)
    kinds = widest_kinds(tables)
    first = relaxed(tables, (), kinds, deadline_s=time.monotonic() + 20, seed=0)
    assert first.bound is not None
    dearer = relaxed(tables, (), kinds, deadline_s=time.monotonic() + 20, seed=0, cost_min=first.cost + 0.01)
    assert dearer.bound is None
    assert dearer.cost > first.cost
    assert sum(amount.gpus for amount in dearer.amounts) > 0


def a_run(tables: CapacityTables) -> Run:
    now = time.monotonic()
    return Run(tables, "auto", 0, now, now + 20, None)


def test_gpus_that_are_proposed_become_a_plan_of_just_so_many() -> None:
    """Ten models of 0.3 GPUs each: six GPUs of the one type, cut as large as the policy allows."""
    rows = [model(f"m{i}", [30.0 + i], {"a": one_at_a_time(10.0)}) for i in range(10)]
    tables = capacity_tables(problem(rows, pools={"a": 12}, policy={"sub_cluster_gpus_max": 4}))
    run, tried = a_run(tables), set[Sizes]()
    kind = Kind(0, 1, 4)
    assert not realised(run, [Amount(kind, clusters=1, gpus=3)], tried)
    assert run.best is None
    assert realised(run, [Amount(kind, clusters=2, gpus=8)], tried)
    assert run.best is not None
    assert verify(run.problem, run.best) == []
    assert sum(cluster.gpus_max for cluster in run.best.sub_clusters) <= 8
    assert not realised(run, [Amount(kind, clusters=2, gpus=8)], tried), "the same sizes are not tried again"
    assert not realised(run, [Amount(kind, clusters=4, gpus=16)], tried), "the pool does not hold them"


def a_mixed_fleet(models: int) -> CapacityTables:
    rng = np.random.default_rng(3)
    rows = [
        model(
            f"m{i:02d}",
            [float(rng.uniform(5, 80)) for _ in range(3)],
            {"a": batching(1.0 + i % 3, 4.0 + i % 5), "b": batching(0.4 + i % 2, 3.0 + i % 4)},
            slo_ms=60.0 + 13 * i % 37,
            arrival_cv=1.0 + i % 3,
        )
        for i in range(models)
    ]
    return capacity_tables(problem(rows, pools={"a": 30, "b": 30}, prices={"a": 1.0, "b": 1.9}))


def test_a_proof_beside_a_search_bounds_and_proposes() -> None:
    run = a_run(a_mixed_fleet(20))
    start = solve(run.problem, solver="greedy", time_limit_s=1, seed=0).plan
    assert start is not None
    run.resume(start)
    with Proof(run, proposing=True).beside() as proof:
        costs = [found.cost for found in proof.proposals(run.deadline_s)]
    assert run.bound is not None
    assert run.bound <= start.objective + 1e-6
    assert run.bound_method == "relaxation"
    assert met(run, start.objective) or all(cost < start.objective for cost in costs)


def test_a_proof_ends_with_a_search_that_fails() -> None:
    run = a_run(a_mixed_fleet(20))
    start = solve(run.problem, solver="greedy", time_limit_s=1, seed=0).plan
    assert start is not None
    run.resume(start)
    run.deadline_s += 600
    with pytest.raises(ZeroDivisionError), Proof(run, proposing=True).beside():
        raise ZeroDivisionError
    assert time.monotonic() < run.deadline_s - 300


def test_a_fleet_of_some_forty_models_is_planned_and_bounded() -> None:
    asked = a_mixed_fleet(44).problem
    outcome = solve(asked, time_limit_s=3, seed=1)
    assert outcome.plan is not None
    assert verify(asked, outcome.plan) == []
    assert 0.8 * outcome.plan.objective < outcome.bound <= outcome.plan.objective
