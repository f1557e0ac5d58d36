"""Column generation: pricing against brute force, bounds and dives against known optima."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.packing import PackingInstance, pack, problem_of, read_instance
from planner.plan.verify import verify
from planner.problem.tables import capacity_tables
from planner.solvers import solve
from planner.solvers.draft import DraftCluster, size_cluster
from planner.solvers.pricing import DEADLINE, best_sets, grown_sets, surrogate
from tests.planning import model as model_json
from tests.planning import one_at_a_time, problem

DATA = Path(__file__).parents[3] / "data/vector_packing"
OPTIMA = {"class1_60_3_0": 25, "class2_60_3_0": 38, "class4_60_5_0": 27, "classF_60_3_0": 20}
FEW = settings(max_examples=40, derandomize=True, deadline=None)
ANY = 10**6


@st.composite
def knapsacks(draw: st.DrawFn) -> dict[str, Any]:
    items, rows = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    part = st.integers(0, 12).map(lambda n: n / 16)
    clash = np.zeros((items, items), dtype=np.bool_)
    for i, j in itertools.combinations(range(items), 2):
        clash[i, j] = clash[j, i] = draw(st.integers(0, 5)) == 0
    return {
        "value": np.array([draw(st.integers(0, 20)) for _ in range(items)], dtype=np.float64),
        "copies": np.array([draw(st.integers(0, 2)) for _ in range(items)], dtype=np.int64),
        "sizes": np.array([[draw(part) for _ in range(rows)] for _ in range(items)]),
        "workspace": np.array([draw(st.sampled_from([0.0, 0.125, 0.5])) for _ in range(items)]),
        "conflicts": clash,
        "members_max": draw(st.sampled_from([1, 2, 3, ANY])),
    }


def fits(k: dict[str, Any], taken: np.ndarray[Any, Any]) -> bool:
    used = taken @ k["sizes"]
    used[0] += k["workspace"][taken > 0].max(initial=0.0)
    inside = np.flatnonzero(taken)
    clash = any(k["conflicts"][i, j] for i, j in itertools.combinations(inside, 2))
    return bool((used <= 1).all()) and not clash and taken.sum() <= k["members_max"]


def brute_force(k: dict[str, Any]) -> float:
    counts = itertools.product(*(range(c + 1) for c in k["copies"]))
    return max(float(np.array(n) @ k["value"]) for n in counts if fits(k, np.array(n)))


def exact(k: dict[str, Any], nodes_max: int) -> tuple[np.ndarray[Any, Any], float, int]:
    found = np.zeros((8, len(k["value"])), dtype=np.int64)
    rules = (k["value"], k["copies"], k["sizes"], k["workspace"], k["conflicts"], k["members_max"])
    multipliers = surrogate(k["value"], k["copies"], k["sizes"])
    met, most, nodes = best_sets(*rules, multipliers, 0.0, nodes_max, found)
    best = found[(met - 1) % len(found)] if met else np.zeros_like(k["copies"])
    return best, most, nodes


@given(knapsacks())
@FEW
def test_the_exact_search_finds_the_best_set(k: dict[str, Any]) -> None:
    best, most, _ = exact(k, ANY)
    assert fits(k, best)
    assert best @ k["value"] == pytest.approx(brute_force(k))
    assert most == pytest.approx(brute_force(k))


@given(knapsacks(), st.integers(0, 3))
@FEW
def test_a_search_cut_short_still_bounds(k: dict[str, Any], nodes: int) -> None:
    _, most, visited = exact(k, nodes)
    assert most >= brute_force(k) - 1e-9
    assert visited == DEADLINE or visited <= nodes


@given(knapsacks())
@FEW
def test_grown_sets_fit(k: dict[str, Any]) -> None:
    items = len(k["value"])
    found = np.zeros((items, items), dtype=np.int64)
    rules = (k["value"], k["copies"], k["sizes"], k["workspace"], k["conflicts"], k["members_max"])
    count, best = grown_sets(*rules, 0.0, 1.0, found)
    assert best <= brute_force(k) + 1e-9
    for taken in found[:count]:
        assert fits(k, taken)
        assert (taken <= k["copies"]).all()


@st.composite
def instances(draw: st.DrawFn) -> PackingInstance:
    dimensions = draw(st.integers(1, 3))
    capacity = tuple(draw(st.sampled_from([7, 10, 99_991])) for _ in range(dimensions))
    sizes = st.tuples(*(st.integers(0, c) for c in capacity))
    return PackingInstance("drawn", capacity, tuple(draw(st.lists(sizes, min_size=1, max_size=6))))


def fewest_bins(instance: PackingInstance) -> int:
    """By trying every assignment."""
    sizes, count = np.array(instance.sizes), len(instance.sizes)
    best = count
    for homes in itertools.product(range(count), repeat=count):
        used = len(set(homes))
        if used < best and all(
            (sizes[np.array(homes) == b].sum(axis=0) <= instance.capacity).all() for b in set(homes)
        ):
            best = used
    return best


@given(instances(), st.data())
@FEW
def test_a_set_fits_a_bin_exactly_if_it_fits_a_gpu(instance: PackingInstance, data: st.DataObject) -> None:
    """A set that fills a bin to the brim, or one unit beyond, is told apart."""
    sizes = [list(size) for size in instance.sizes]
    d = data.draw(st.integers(0, len(instance.capacity) - 1))
    rest = instance.capacity[d] + data.draw(st.integers(0, 1)) - sum(size[d] for size in sizes)
    if 0 <= rest <= instance.capacity[d]:
        sizes.append([rest if at == d else 0 for at in range(len(instance.capacity))])
    whole = PackingInstance("drawn", instance.capacity, tuple(map(tuple, sizes)))
    tables = capacity_tables(problem_of(whole))
    everything = {m: np.ones(len(tables.hours)) for m in range(len(sizes))}
    fits_bin = bool((np.sum(sizes, axis=0) <= whole.capacity).all())
    assert (size_cluster(tables, DraftCluster(0, everything)) is not None) == fits_bin


@given(instances())
@settings(FEW, max_examples=10)
def test_tiny_instances_are_solved(instance: PackingInstance) -> None:
    question = problem_of(instance)
    outcome = solve(question, solver="columns", time_limit_s=20)
    assert outcome.plan is not None
    assert verify(question, outcome.plan) == []
    best = fewest_bins(instance)
    assert outcome.bound <= best + 1e-9
    assert len(outcome.plan.sub_clusters) == best


@pytest.mark.parametrize("name", OPTIMA)
def test_published_optima_are_reached(name: str) -> None:
    result = pack(read_instance(DATA / f"{name}.vbp"), 60.0, 0)
    assert result.bound <= OPTIMA[name] == result.bins


def test_the_bound_says_who_proved_it() -> None:
    question = problem_of(read_instance(DATA / "class1_60_3_0.vbp"))
    plan = solve(question, time_limit_s=60.0).plan
    assert plan is not None
    assert (plan.bound, plan.bound_method) == (25, "columns")
    assert plan.fluid_bound < 25


def test_hardly_any_time_still_gives_an_honest_answer() -> None:
    question = problem_of(read_instance(DATA / "classF_60_3_0.vbp"))
    outcome = solve(question, solver="columns", time_limit_s=1e-9)
    assert outcome.plan is None
    started = time.monotonic()
    short = solve(question, solver="columns", time_limit_s=0.5)
    assert short.runtime_s <= time.monotonic() - started
    assert short.plan is not None
    assert verify(question, short.plan) == []
    assert short.bound <= 20


def test_two_types_with_several_gpus_each() -> None:
    """Loads of 0.4 GPUs: on one GPU with half of it usable one model fits; two GPUs pool their spare part."""
    models = [
        model_json(f"m{i}", [40.0], {"a": one_at_a_time(), "b": one_at_a_time(5.0)}, may_split=False)
        for i in range(6)
    ]
    question = problem(models, pools={"a": 8, "b": 2}, prices={"a": 1.0, "b": 1.9})
    by_columns = solve(question, solver="columns", time_limit_s=30)
    by_highs = solve(question, solver="highs", time_limit_s=30)
    assert by_columns.plan is not None
    assert by_highs.plan is not None
    assert verify(question, by_columns.plan) == []
    assert by_columns.plan.objective == pytest.approx(by_highs.plan.objective)
    assert by_columns.bound <= by_highs.plan.objective + 1e-9


def test_a_model_that_may_not_be_split_is_not() -> None:
    """60 % of a GPU each on GPUs half usable: split it fits two of them, whole it fits none."""
    hot = model_json("hot", [60.0], {"a": one_at_a_time()})
    policy = {"sub_cluster_gpus_max": 1}
    split = solve(problem([hot], pools={"a": 2}, policy=policy), time_limit_s=20).plan
    whole = problem([hot | {"may_split": False}], pools={"a": 2}, policy=policy)
    plan = solve(whole, time_limit_s=20).plan
    assert split is not None
    assert not split.unserved
    assert plan is not None
    assert plan.unserved
    assert len(plan.sub_clusters) <= 1
    assert verify(whole, plan) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("2 10 10 1 11 0 1", "does not fit"),
        ("1 10 2 3 1", "2 lines"),
        ("x", "whole number"),
        ("1 0 0", "within"),
    ],
)
def test_a_file_that_is_no_instance_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "bad.vbp"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=fault):
        read_instance(path)
