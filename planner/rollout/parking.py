"""
A way out of a rollout that is stuck, without a free GPU: a model that stands in the way waits elsewhere.

A sub-cluster that has all it is to have, and room and capacity besides, holds the model until its new place
is ready, and lets it go again. Of all such moves the one that loads the fewest GiB is taken.
"""

from __future__ import annotations

from planner.rollout.breaking import in_the_way
from planner.rollout.fleet import Fleet, applied, switch
from planner.rollout.order import Ordering
from planner.rollout.steps import Load, Step
from planner.rollout.waits import knot, waits

Parking = tuple[str, str, str]  # model, from, to


def parking_steps(ordering: Ordering, used: set[Parking]) -> list[Step]:
    """Load the model where it is to wait, then send its traffic there; empty: there is no such place."""
    best: tuple[float, Parking] | None = None
    chosen: list[Step] = []
    for name, models in in_the_way(ordering, knot(waits(ordering))):
        goal = ordering.goal(name)
        if len(models) != 1 or (goal is not None and models[0] in goal.models):
            continue
        for host in sorted(ordering.now.groups):
            parking = (models[0], name, host)
            steps = _parked(ordering, *parking) if parking not in used else []
            cost = (sum(step.gib for step in steps if isinstance(step, Load)), parking)
            if steps and (best is None or cost < best):
                best, chosen = cost, steps
    if best is not None:
        used.add(best[1])
    return chosen


def _parked(ordering: Ordering, model: str, name: str, host: str) -> list[Step]:
    group, goal = ordering.now.groups[host], ordering.goal(host)
    is_complete = goal is not None and goal.models <= group.models and goal.gpus <= group.gpus
    if host == name or model in group.models or not is_complete:
        return []
    fuller = ordering.with_load(host, model)
    if fuller is None or not ordering.is_safe(fuller, {host}):
        return []
    batch = ordering.capacity.batch(host, fuller.groups[host], model)
    own = dict(fuller.routes[model])
    share, _ = own.pop(name)
    sent = Fleet(fuller.groups, fuller.routes | {model: own | {host: (share, batch)}})
    if batch < 1 or not ordering.is_safe(sent, {name, host}):
        return []
    steps = ordering.loading_steps(host, model, fuller)
    loaded = ordering.now
    for step in steps:
        loaded = applied(loaded, step)
    change = switch(loaded, {model: sent.routes[model]})
    return [*steps, *([change] if change else [])]
