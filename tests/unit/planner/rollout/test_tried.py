"""A state that is only tried copies nothing and is worth what the same state is worth in full."""

from __future__ import annotations

import dataclasses
import random

import networkx as nx
import pytest

from planner.problem.parse import parse_problem
from planner.rollout.fleet import Capacity, Fleet, applied, fleet_of, switch, tried
from planner.rollout.order import Ordering
from planner.rollout.patched import Patched
from planner.rollout.steps import AddGpus, Load, RemoveGpus, Step, Unload
from planner.rollout.waits import Pending, knot
from tests.planning import document, model, one_at_a_time
from tests.rollouts import by_hand, sub_cluster

NAMES = ("x", "y", "z")
PROBLEM = parse_problem(
    document(
        [model(name, [90.0], {"a": one_at_a_time(10.0, weights_gib=1.0)}) for name in NAMES], pools={"a": 9}
    )
)
PLAN = by_hand(
    sub_cluster("one", 1, x=1.0, y=0.5), sub_cluster("two", 2, y=0.5, z=1.0), sub_cluster("three", 1)
)


def in_full(fleet: Fleet) -> Fleet:
    """The same state, of which nothing is remembered."""
    routes = {name: dict(fleet.routes[name]) for name in fleet.routes}
    groups = {name: fleet.groups[name] for name in fleet.groups if fleet.groups[name].gpus}
    return Fleet(groups, routes)


def drawn_step(random_: random.Random, fleet: Fleet) -> Step | None:
    name = random_.choice(sorted(fleet.groups))
    group, chosen = fleet.groups[name], random_.choice(NAMES)
    match random_.randrange(5):
        case 0 if chosen not in group.models:
            return Load(name, chosen, group.gpus, 1.0)
        case 1 if chosen in group.models and name not in fleet.routes[chosen]:
            return Unload(name, chosen, group.gpus, 1.0)
        case 2:
            return AddGpus(name, "a", "z", 1, tuple(sorted(group.models)), 1.0)
        case 3 if group.gpus > 1 or not fleet.routed(name):
            return RemoveGpus(name, "a", "z", 1, tuple(sorted(group.models)), 1.0)
        case _:
            holders = [n for n, each in sorted(fleet.groups.items()) if chosen in each.models]
            shares = random_.sample(holders, min(len(holders), 2))
            return switch(fleet, {chosen: {n: (1.0 / len(shares), 1) for n in shares}})


@pytest.mark.parametrize("seed", range(20))
def test_tried_and_taken_are_worth_the_same_as_in_full(seed: int) -> None:
    random_, fleet = random.Random(seed), fleet_of(PLAN, 0)
    capacity, naive = Capacity(PROBLEM, 0), Capacity(PROBLEM, 0)
    floor = dict.fromkeys(NAMES, 1.0)
    ordering = Ordering(capacity, fleet, floor, fleet, 1.0)
    for _ in range(30):
        step = drawn_step(random_, ordering.now)
        if step is None:
            continue
        maybe = tried(ordering.now, step)
        full = in_full(maybe)
        assert [capacity.served(maybe, m) for m in NAMES] == [naive.served(full, m) for m in NAMES]
        assert ordering.lost_rps(maybe) == ordering.lost_rps(full)
        if random_.random() < 0.7:
            ordering.now = applied(ordering.now, step)
            assert (ordering.now.groups, ordering.now.routes) == (full.groups, full.routes)
            assert [capacity.served(ordering.now, m) for m in NAMES] == [naive.served(full, m) for m in NAMES]
            again = tried(tried(ordering.now), *(s for s in [drawn_step(random_, ordering.now)] if s))
            assert [capacity.served(again, m) for m in NAMES] == [
                naive.served(in_full(again), m) for m in NAMES
            ]


def test_a_state_that_was_tried_leaves_the_one_before_as_it_is() -> None:
    fleet = fleet_of(PLAN, 0)
    groups, routes = dict(fleet.groups), {name: dict(own) for name, own in fleet.routes.items()}
    smaller = dataclasses.replace(fleet.groups["two"], gpus=1)
    after = fleet.tried({"two": smaller}, {"z": {}}).tried({}, {"y": {"one": (1.0, 1)}})
    assert after.groups["two"].gpus == 1
    assert (after.routes["z"], after.routes["y"]) == ({}, {"one": (1.0, 1)})
    assert after.touched == {"one", "two"}
    assert (fleet.groups, fleet.routes) == (groups, routes)


def test_a_patched_mapping_reads_as_if_it_were_copied() -> None:
    base = {"a": 1, "b": 2}
    patched = Patched(base, {"b": 3, "c": 4})
    assert dict(patched) == {"a": 1, "b": 3, "c": 4}
    assert (len(patched), "c" in patched, "d" in patched, patched.get("d")) == (3, True, False, None)
    with pytest.raises(KeyError):
        patched["d"]


@pytest.mark.parametrize("seed", range(10))
def test_a_knot_is_every_cycle_that_reaches_no_other(seed: int) -> None:
    random_ = random.Random(seed)
    nodes = [Pending("switch", "", f"m{n}") for n in range(12)]
    graph: nx.DiGraph[Pending] = nx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from(random_.sample(nodes, 2) for _ in range(random_.choice([8, 14, 20])))
    cycles = [part for part in nx.strongly_connected_components(graph) if len(part) > 1]
    last = [
        part
        for part in cycles
        if not any(nx.has_path(graph, min(part, key=str), min(o, key=str)) for o in cycles if o != part)
    ]
    assert knot(graph) == (set().union(*last) or set(nodes))
