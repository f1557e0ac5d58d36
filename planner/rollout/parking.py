"""
A way out of a rollout that is stuck, without a free GPU: a model that stands in the way waits elsewhere.

A sub-cluster that has all it is to have, and room and capacity besides, holds the model until its new place
is ready, and lets it go again. Of all such moves the one that loads the fewest GiB is taken.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Iterator

from planner.rollout.breaking import in_the_way
from planner.rollout.fleet import LOSS_TOLERANCE, switch, tried
from planner.rollout.order import Ordering
from planner.rollout.steps import Step
from planner.rollout.waits import knot, waits

ROOM_TOLERANCE = 2 * LOSS_TOLERANCE  # GiB; whether a place has room is judged again before it is taken

Parking = tuple[str, str, str]  # model, from, to


def parking_steps(ordering: Ordering, used: set[Parking]) -> list[Step]:
    """Load the model where it is to wait, then send its traffic there; empty: there is no such place."""
    places = [place for place in _places(ordering) if place[1] not in used]
    heapq.heapify(places)
    while places:
        _, parking = heapq.heappop(places)
        steps = _parked(ordering, *parking)
        if steps:
            used.add(parking)
            return steps
    return []


def _places(ordering: Ordering) -> Iterator[tuple[float, Parking]]:
    """Where each model that stands in the way could wait as far as memory goes, and the GiB to load there."""
    now, capacity = ordering.now, ordering.capacity
    hosts: dict[str, list[tuple[float, str]]] = {}
    for host, group in now.groups.items():
        goal = ordering.goal(host)
        if goal is not None and goal.models <= group.models and goal.gpus <= group.gpus:
            usable = capacity.problem.gpu_types[group.gpu_type].usable_gib
            hosts.setdefault(group.gpu_type, []).append((usable - capacity.held_gib(group), host))
    for own in hosts.values():
        own.sort()
    for name, models in in_the_way(ordering, knot(waits(ordering))):
        goal = ordering.goal(name)
        if len(models) != 1 or (goal is not None and models[0] in goal.models):
            continue
        for gpu_type, own in hosts.items():
            if capacity.profile(models[0], gpu_type) is None:
                continue
            weights = capacity.weights_gib(models[0], gpu_type)
            for _, host in own[bisect_left(own, (weights - ROOM_TOLERANCE, "")) :]:
                yield now.groups[host].gpus * weights, (models[0], name, host)


def _parked(ordering: Ordering, model: str, name: str, host: str) -> list[Step]:
    if host == name or model in ordering.now.groups[host].models:
        return []
    fuller = ordering.with_load(host, model)
    if fuller is None or not ordering.is_safe(fuller):
        return []
    batch = ordering.capacity.batch(host, fuller.groups[host], model)
    own = dict(fuller.routes[model])
    share, _ = own.pop(name)
    sent = fuller.tried({}, {model: own | {host: (share, batch)}})
    if batch < 1 or not ordering.is_safe(sent):
        return []
    steps = ordering.loading_steps(host, model, fuller)
    change = switch(tried(ordering.now, *steps), {model: sent.routes[model]})
    return [*steps, *([change] if change else [])]
