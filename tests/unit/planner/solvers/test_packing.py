"""Compiled moves: what they keep up to date is what counting anew gives; parts of a model are one copy."""

from __future__ import annotations

import numpy as np

from planner.problem.tables import CapacityTables, capacity_tables
from planner.solvers.greedy import Searching, dearness
from planner.solvers.packing import CLOSED, NOWHERE, Pack, State, copied, rebuild
from planner.solvers.ruin_recreate import improve, seed_rounds, value_of, valued
from tests.planning import batching, model, problem


def fleet(models: int = 14) -> CapacityTables:
    """Models of three sizes on two GPU types, two of them hot."""
    rng = np.random.default_rng(3)
    rows = []
    for i in range(models):
        peak = 900.0 if i < 2 else float(rng.uniform(5, 120))
        demand = [peak * float(rng.uniform(0.3, 1.0)) for _ in range(3)]
        profiles = {
            "a": batching(weights_gib=float(rng.uniform(0.5, 3.0)), workspace_gib_per_item=0.02),
            "b": batching(alpha_ms=0.6, weights_gib=2.0),
        }
        rows.append(model(f"m{i:02d}", demand, profiles, arrival_cv=float(rng.uniform(0.5, 3))))
    return capacity_tables(problem(rows, pools={"a": 40, "b": 12}, prices={"a": 1.0, "b": 1.7}))


def begun(seed: int = 0) -> tuple[Searching, Pack, State]:
    searching = Searching.begun(fleet(), seed=seed)
    assert searching.pack is not None
    assert searching.best is not None
    return searching, searching.pack, searching.best


def improved(rounds: int, seed: int) -> tuple[Searching, Pack, State]:
    searching, pack, best = begun()
    value = np.zeros(2)
    valued(pack, best, searching.penalty, value)
    seed_rounds(seed)
    present, trial = copied(best), copied(best)
    args = (searching.penalty, dearness(pack), value, value.copy(), 0, rounds, 0.5)
    improve(pack, best, present, trial, *args)
    for state in (best, present):
        counted_anew(pack, state)
    assert (present.home == trial.home).all()
    assert np.array_equal(present.gpus, trial.gpus)
    return searching, pack, best


def counted_anew(pack: Pack, state: State) -> None:
    """Every sub-cluster, taken apart and counted again, is what the moves say it is."""
    again = copied(state)
    for k in np.flatnonzero(state.pool != CLOSED):
        assert rebuild(pack, again, k)
    for name, array in state._asdict().items():
        counted = getattr(again, name)
        same = np.array_equal(array, counted) if array.dtype != float else np.allclose(array, counted)
        assert same, name


def test_moves_keep_what_counting_anew_gives() -> None:
    for seed in range(3):
        searching, pack, best = improved(200, seed)
        assert (best.home != NOWHERE).all()
        assert value_of(pack, best, searching.penalty)[0] == 0


def test_rounds_find_better_packings_and_the_same_ones_again() -> None:
    searching, pack, first = begun()
    before = value_of(pack, first, searching.penalty)[1]
    after = [
        value_of(pack, best, searching.penalty)[1] for _, pack, best in (improved(300, 7), improved(300, 7))
    ]
    assert after[0] <= before
    assert after[0] == after[1]


def test_parts_of_one_model_are_one_copy() -> None:
    """A hot model of 9 GiB: two copies of it do not fit on a GPU, four parts of it do."""
    hot = model("hot", [3_000.0], {"a": batching(weights_gib=9.0)})
    tables = capacity_tables(problem([hot], pools={"a": 8}))
    searching = Searching.begun(tables, seed=0)
    assert len(searching.items) > 2
    packing = searching.packing()
    assert packing.complete
    assert len(packing.clusters) == 1
    assert searching.best is not None
    assert searching.best.weights.max() == 9.0
