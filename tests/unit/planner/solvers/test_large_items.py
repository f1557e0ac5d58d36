"""Pricing with large items whole, against every set of items."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from planner.problem.tables import capacity_tables
from planner.solvers.dual_guess import guess
from planner.solvers.mixed import large
from planner.solvers.mixed.crowded import CrowdedPart, crowded_part
from planner.solvers.mixed.kinds import Kind, kinds_of
from planner.solvers.mixed.knapsack import Knapsack
from planner.solvers.mixed.large import LargeKnapsack, large_sets
from planner.solvers.poured import feasible, fleet_of
from tests.planning import batching, model, problem

LARGE = 4  # of the part's items


def part_of(items: int = 9) -> CrowdedPart:
    """Four heavy models, of which two fit a GPU, and light ones."""
    rng = np.random.default_rng(2)
    rows = [
        model(
            f"m{i}",
            [float(rng.uniform(10, 90)) for _ in range(3)],
            {"b": batching(weights_gib=6.0 + 0.3 * i if i < LARGE else 0.5, workspace_gib_per_item=0.15)},
            arrival_cv=float(rng.uniform(0.5, 2.0)),
        )
        for i in range(items)
    ]
    tables = capacity_tables(problem(rows, pools={"b": 40}))
    fleet = fleet_of(tables, ())
    found = guess(fleet, deadline_s=time.monotonic() + 10, seed=0)
    return crowded_part(tables, fleet, feasible(fleet, found.multipliers), (0,), (), flowing=True)


def best_whole(kind: Kind, value: NDArray[np.float64]) -> float:
    best = 0.0
    for count in range(len(kind.items) + 1):
        for held in itertools.combinations(range(len(kind.items)), count):
            if (kind.rows[list(held)].sum(axis=0) <= 1 + 1e-9).all():
                best = max(best, float(value[kind.items[list(held)]].sum()))
    return best


def test_all_sets_of_large_items_that_fit_are_listed() -> None:
    part = part_of()
    sets = large_sets(part, 0)
    assert sorted(part.model[sets.items]) == list(range(LARGE))
    weights = part.tables.weights_gib[part.model[sets.items], 0]
    listed = {tuple(np.flatnonzero(row)) for row in sets.members}
    every = itertools.chain.from_iterable(itertools.combinations(range(LARGE), n) for n in range(LARGE + 1))
    assert listed == {held for held in every if weights[list(held)].sum() <= part.tables.usable_gib[0]}
    assert len(sets.members) == len(listed)


def test_only_the_heaviest_are_whole_where_sets_would_be_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "SETS_MAX", 4)
    part = part_of()
    assert part.model[large_sets(part, 0).items].tolist() == [3, 2]


@pytest.mark.parametrize("seed", range(4))
def test_a_kinds_worth_lies_between_that_of_whole_sets_and_of_sets_in_part(seed: int) -> None:
    part = part_of()
    sets = large_sets(part, 0)
    rng = np.random.default_rng(seed)
    sharper = 0
    for kind in kinds_of(part)[::7]:
        relaxed = Knapsack(kind)
        whole = LargeKnapsack(Knapsack(kind), sets)
        for _ in range(3):
            value = rng.uniform(0.5, 3.0, len(part))
            worth, amount = whole.most(value, 0.0)
            most = relaxed.most(value, 0.0)[0]
            assert best_whole(kind, value) - 1e-6 <= worth <= most + 1e-6
            assert amount @ value[kind.items] == pytest.approx(worth, rel=1e-6)
            assert (amount @ kind.rows <= 1 + 1e-6).all()
            heavy = amount[np.isin(kind.items, sets.items)]
            assert np.allclose(heavy, np.round(heavy))
            sharper += worth < most - 1e-3
    assert sharper


def test_where_nothing_is_worth_enough_no_set_is_told() -> None:
    part = part_of()
    kind = kinds_of(part)[0]
    worth, amount = LargeKnapsack(Knapsack(kind), large_sets(part, 0)).most(np.ones(len(part)), 1e3)
    assert worth <= 1e3
    assert not amount.any()
