"""
A way out of a rollout that is stuck: through spare GPUs, else with the least temporary loss.

A spare is a sub-cluster on free GPUs, or on such as are kept for that, which holds what stands in the way
until its new place is ready. Without one, of the moves that would go on, the one that leaves out the fewest
requests per second at that moment is taken; it is the least of single moves, not proven so of sequences.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass

from planner.plan.relabel import fresh_ids
from planner.rollout.fleet import Fleet, Group, applied, switch, tried
from planner.rollout.order import Ordering
from planner.rollout.steps import SpareGpus, Step, Switch, Unload
from planner.rollout.waits import Pending, cycle_text, knot, waits

Models = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SpareNeed:
    """What a way out through spares lacks: GPUs in a pool."""

    pool: tuple[str, str]
    gpus: int
    free: int
    models: Models
    sub_cluster: str

    def __str__(self) -> str:
        free = "none is free" if self.free == 0 else f"{self.free} free"
        gpus = "GPU" if self.gpus == 1 else "GPUs"
        held = ", ".join(self.models)
        where = "/".join(self.pool)
        return f"needs {self.gpus} spare {gpus} in {where} to hold {held} of {self.sub_cluster}: {free}"


@dataclass(frozen=True, slots=True)
class _Spare:
    place: SpareGpus
    gib: float
    gpus: int
    pool: tuple[str, str]
    models: Models
    sub_cluster: str
    group: Group


def in_the_way(ordering: Ordering, blocked: set[Pending]) -> list[tuple[str, Models]]:
    """Sub-clusters and models of theirs whose traffic, sent elsewhere, lets memory or a GPU go."""
    found: list[tuple[str, Models]] = []
    for name in sorted({node.sub_cluster for node in blocked if node.kind in ("unload", "remove")}):
        routed = ordering.now.routed(name)
        goal = ordering.goal(name)
        leaving = tuple(m for m in routed if goal is None or m not in goal.models)
        shrinking = ordering.now.groups[name].gpus > (goal.gpus if goal else 0)
        single = tuple(routed) if shrinking else leaving
        found += [(name, (m,)) for m in single]
        if len(leaving) > 1:
            found.append((name, leaving))
        if shrinking and len(routed) > max(1, len(leaving)):
            found.append((name, tuple(routed)))
    return found


def spare_steps(ordering: Ordering, used: set[tuple[str, Models]]) -> list[Step]:
    """Open the cheapest spare (GiB loaded) and send it traffic that stands in the way; empty: none fits."""
    blocked, places = knot(waits(ordering)), _places(ordering)
    options = [s for s in _spares(ordering, blocked, places) if (s.sub_cluster, s.models) not in used]
    if not options:
        return []
    best = min(options, key=lambda s: (s.gib, s.gpus, s.pool, s.sub_cluster, s.models, s.place.gpus))
    used.add((best.sub_cluster, best.models))
    name = best.place.id
    if name not in ordering.spares:
        ordering.spares.append(name)
    add = ordering.addition(name, best.group, best.gpus)
    sent = _sent(ordering, applied(ordering.now, add), best.sub_cluster, best.models, name)
    change = switch(ordering.now, {m: sent.routes[m] for m in best.models})
    return [add, *([change] if change else [])]


def spare_needs(ordering: Ordering) -> list[str]:
    """Why nothing goes on: the cycle, and the smallest spare of each pool that would help."""
    graph = waits(ordering)
    limit, name = ordering.capacity.problem.policy.sub_cluster_gpus_max, _spare_name(ordering)
    pools = [SpareGpus(name, p.gpu_type, p.zone, limit) for p in ordering.capacity.problem.pools]
    free: dict[tuple[str, str], int] = {}
    for place in _places(ordering):
        pool = place.gpu_type, place.zone
        free[pool] = max(place.gpus, free.get(pool, 0))
    least: dict[tuple[str, str], SpareNeed] = {}
    for spare in _spares(ordering, knot(graph), pools):
        have = free.get(spare.pool, 0)
        need = SpareNeed(spare.pool, spare.gpus, have, spare.models, spare.sub_cluster)
        if have < spare.gpus and (spare.pool not in least or spare.gpus < least[spare.pool].gpus):
            least[spare.pool] = need
    reasons = [str(need) for _, need in sorted(least.items())]
    text = cycle_text(graph)
    return [*([text] if text else []), *reasons] or ["no spare of any size would help"]


def least_loss_steps(ordering: Ordering) -> list[Step]:
    """The steps that go on with the fewest requests per second left out, then the least GiB; may be empty."""
    best: tuple[float, int, float] | None = None
    chosen: list[Step] = []
    for steps in _losing(ordering):
        lost = ordering.lost_rps(tried(ordering.now, *steps))
        gib = sum(step.gib for step in steps if not isinstance(step, Switch))
        cost = (round(sum(rate for _, rate in lost), 6), len(lost), gib)
        if best is None or cost < best:
            best, chosen = cost, steps
    return chosen


def _places(ordering: Ordering) -> list[SpareGpus]:
    """
    Where a spare could be opened now: kept GPUs whose spare is closed, or the free ones of each pool.

    Of kept places that are alike, the first by id.
    """
    if ordering.kept is not None:
        closed = sorted((p for p in ordering.kept if p.id not in ordering.now.groups), key=astuple)
        return list({(p.gpu_type, p.zone, p.gpus): p for p in reversed(closed)}.values())
    name, capacity = _spare_name(ordering), ordering.capacity
    pools = sorted({(pool.gpu_type, pool.zone) for pool in capacity.problem.pools})
    return [SpareGpus(name, *pool, capacity.free_gpus(ordering.now, pool)) for pool in pools]


def _spares(ordering: Ordering, blocked: set[Pending], places: Iterable[SpareGpus]) -> Iterator[_Spare]:
    """In each place the fewest GPUs on which these models' traffic would be carried."""
    policy, ordered = ordering.capacity.problem.policy, sorted(places, key=astuple)
    for name, models in in_the_way(ordering, blocked):
        for place in ordered:
            if any(ordering.capacity.profile(m, place.gpu_type) is None for m in models):
                continue
            for gpus in range(1, min(place.gpus, policy.sub_cluster_gpus_max) + 1):
                group = Group(place.gpu_type, place.zone, gpus, frozenset(models))
                if _carries(ordering, group, name, models, place.id):
                    gib = gpus * ordering.capacity.held_gib(group)
                    yield _Spare(place, gib, gpus, group.pool, models, name, group)
                    break


def _carries(ordering: Ordering, group: Group, name: str, models: Models, spare: str) -> bool:
    usable = ordering.capacity.problem.gpu_types[group.gpu_type].usable_gib
    if ordering.capacity.held_gib(group) > usable:
        return False
    if any(ordering.capacity.batch(spare, group, m) < 1 for m in models):
        return False
    opened = ordering.now.tried({spare: group}, {})
    sent = _sent(ordering, opened, name, models, spare)
    return ordering.capacity.carried(sent, spare) >= 1.0


def _sent(ordering: Ordering, fleet: Fleet, name: str, models: Models, spare: str) -> Fleet:
    """The fleet with what these models have at ``name`` sent to the spare."""
    routes = {}
    for model in models:
        own = dict(fleet.routes[model])
        share, _ = own.pop(name)
        routes[model] = own | {spare: (share, ordering.capacity.batch(spare, fleet.groups[spare], model))}
    return fleet.tried({}, routes)


def _spare_name(ordering: Ordering) -> str:
    taken = {*ordering.now.groups, *ordering.target.groups, *ordering.spares}
    names = (f"spare-{n.removeprefix('sc-')}" for n in fresh_ids(()))
    return next(name for name in names if name not in taken)


def _losing(ordering: Ordering) -> Iterator[list[Step]]:
    """Every single move that goes on at the price of capacity."""
    now, capacity = ordering.now, ordering.capacity
    blocked = knot(waits(ordering))
    for name, models in in_the_way(ordering, blocked):
        group, goal = now.groups[name], ordering.goal(name)
        routes = {m: {k: r for k, r in now.routes[m].items() if k != name} for m in models}
        dropped = switch(now, routes)
        steps: list[Step] = [dropped] if dropped else []
        leaving = [m for m in models if goal is None or m not in goal.models]
        if goal is None and len(models) == len(now.routed(name)):
            yield [*steps, ordering.removal(name, group.gpus)]
        elif len(leaving) == len(models):
            frees = [capacity.weights_gib(m, group.gpu_type) * group.gpus for m in leaving]
            yield [
                *steps,
                *(Unload(name, m, group.gpus, gib) for m, gib in zip(leaving, frees, strict=True)),
            ]
    for name in sorted(now.groups):
        group, goal = now.groups[name], ordering.goal(name)
        if group.gpus > max(1, goal.gpus if goal else 0):
            smaller = dataclasses.replace(group, gpus=group.gpus - 1)
            after = capacity.rebatched(now.tried({name: smaller}, {}), name)
            if after is not None:
                change = switch(now, ordering.changed(after.routes))
                yield [*([change] if change else []), ordering.removal(name, 1)]
        for model in sorted(goal.models - group.models) if goal else ():
            fuller = ordering.with_load(name, model)
            if fuller is not None:
                yield ordering.loading_steps(name, model, fuller)
