r"""
The fleet between two plans: GPUs, models held, routes, and what it can carry.

A sub-cluster of n GPUs whose models need :math:`\nu` carries :math:`\min(1, n/\nu)` of what is sent there
(:math:`\nu` is ``need_gpus``; the dispatcher's rate limits it likewise). A batch in force is the
largest that latency allows with n GPUs and memory beside all the weights held, and no larger than
one of the two plans promises.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import TypeVar

from planner.plan.plan import Plan
from planner.problem.capacity import batch_law, need_gpus
from planner.problem.problem import ModelProfile, PlanningProblem
from planner.rollout.patched import Patched
from planner.rollout.steps import AddGpus, Load, RemoveGpus, Route, RouteChange, Step, Switch, Unload

ROUNDING_GIB = 1e-9
ROUNDING_GPUS = 1e-6
SHARE_LEAST = 1e-9
LOSS_TOLERANCE = 1e-6  # of a model's traffic

Routes = dict[str, tuple[float, int]]  # sub-cluster -> share, batch

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Group:
    """A sub-cluster as it stands: GPUs that serve, each of which holds all the models."""

    gpu_type: str
    zone: str
    gpus: int
    models: frozenset[str]

    @property
    def pool(self) -> tuple[str, str]:
        return self.gpu_type, self.zone


@dataclass(slots=True, eq=False)
class Traffic:
    """What is sent to one sub-cluster; the GPUs it needs and the part carried, once they are worked out."""

    routed: dict[str, tuple[float, int]]
    needs: dict[str, float] | None = None
    carried: float | None = None


@dataclass(slots=True, eq=False)
class Fleet:
    """
    A state; replaced, never changed. ``routes`` maps model to sub-cluster to share and batch.

    One that is only tried is the ``base`` but for the sub-clusters ``touched``: it copies nothing, and
    of those alone the traffic is worked out anew, by the one ``Capacity`` that judges it.
    """

    groups: Mapping[str, Group]
    routes: Mapping[str, Routes]
    base: Fleet | None = None
    touched: frozenset[str] = frozenset()
    _traffic: dict[str, Traffic] = field(default_factory=dict)

    def traffic(self, name: str) -> Traffic:
        if self.base is not None and name not in self.touched:
            return self.base.traffic(name)
        found = self._traffic.get(name)
        if found is None:
            found = self._traffic[name] = Traffic(self._routed(name))
        return found

    def routed(self, name: str) -> dict[str, tuple[float, int]]:
        """The models with a route to the sub-cluster, their share and batch there."""
        return self.traffic(name).routed

    def _routed(self, name: str) -> dict[str, tuple[float, int]]:
        group = self.groups.get(name)
        held = sorted(group.models) if group is not None else ()
        own = ((m, self.routes[m].get(name)) for m in held if m in self.routes)
        return {m: route for m, route in own if route is not None}

    def tried(self, groups: dict[str, Group], routes: dict[str, Routes]) -> Fleet:
        """The fleet with these sub-clusters and these models' routes in the place of its own."""
        base = self.base or self
        touched = self.touched.union(groups, *(_differing(self.routes.get(m, {}), routes[m]) for m in routes))
        changed_groups, changed_routes = _changes(self.groups) | groups, _changes(self.routes) | routes
        return Fleet(
            Patched(base.groups, changed_groups), Patched(base.routes, changed_routes), base, touched
        )

    @property
    def changed_models(self) -> Set[str]:
        """Those whose routes are other than in the base."""
        return _changes(self.routes).keys()

    @property
    def taken(self) -> Fleet:
        """The same, no longer only tried: sub-clusters without GPUs are gone."""
        if self.base is None:
            return self
        groups = {**self.base.groups, **_changes(self.groups)}
        for name in _changes(self.groups):
            if groups[name].gpus == 0:
                del groups[name]
        routes = {**self.base.routes, **_changes(self.routes)}
        traffic = self.base._traffic | dict.fromkeys(self.touched) | self._traffic
        return Fleet(groups, routes, _traffic={n: known for n, known in traffic.items() if known is not None})


def _changes(mapping: Mapping[str, V]) -> dict[str, V]:
    return mapping.changes if isinstance(mapping, Patched) else {}


def _differing(now: Routes, then: Routes) -> set[str]:
    """The sub-clusters where a model's routes are other."""
    return {name for name, _ in now.items() ^ then.items()}


def fleet_of(plan: Plan, epoch: int) -> Fleet:
    """The fleet as the plan has it in one epoch."""
    groups: dict[str, Group] = {}
    routes: dict[str, Routes] = {}
    for cluster in plan.sub_clusters:
        models = frozenset(p.model for p in cluster.placements)
        groups[cluster.id] = Group(cluster.gpu_type, cluster.zone, cluster.gpus[epoch], models)
        for p in cluster.placements:
            own = routes.setdefault(p.model, {})
            if p.share[epoch] > SHARE_LEAST:
                own[cluster.id] = (p.share[epoch], p.batch_size)
    return Fleet(groups, routes)


def applied(fleet: Fleet, step: Step) -> Fleet:
    """The fleet after one step."""
    return tried(fleet, step).taken


def tried(fleet: Fleet, *steps: Step) -> Fleet:
    """What the fleet would be after these steps."""
    for step in steps:
        if isinstance(step, Switch):
            routes = {
                c.model: {r.sub_cluster: (r.share, r.batch_size) for r in c.after} for c in step.changes
            }
            fleet = fleet.tried({}, routes)
        else:
            fleet = fleet.tried({step.sub_cluster: _group_after(fleet, step)}, {})
    return fleet


def _group_after(fleet: Fleet, step: Load | Unload | AddGpus | RemoveGpus) -> Group:
    if isinstance(step, AddGpus) and step.sub_cluster not in fleet.groups:
        return Group(step.gpu_type, step.zone, step.gpus, frozenset(step.models))
    group = fleet.groups[step.sub_cluster]
    match step:
        case AddGpus():
            return dataclasses.replace(group, gpus=group.gpus + step.gpus)
        case RemoveGpus():
            return dataclasses.replace(group, gpus=group.gpus - step.gpus)
        case Load():
            return dataclasses.replace(group, models=group.models | {step.model})
        case Unload():
            return dataclasses.replace(group, models=group.models - {step.model})


def switch(before: Fleet, routes: dict[str, Routes]) -> Switch | None:
    """The switch that gives the models named these routes; None where nothing changes."""
    changes = []
    for model in sorted(routes):
        now, then = before.routes.get(model, {}), routes[model]
        if now != then:
            changes.append(RouteChange(model, _listed(now), _listed(then)))
    return Switch(tuple(changes)) if changes else None


def _listed(routes: Routes) -> tuple[Route, ...]:
    return tuple(Route(name, share, batch) for name, (share, batch) in sorted(routes.items()))


@dataclass(slots=True)
class Capacity:
    """What fleets hold and carry under the demand of one epoch; remembers what it worked out."""

    problem: PlanningProblem
    epoch: int
    caps: dict[tuple[str, str], int] = field(default_factory=dict)
    set_apart: frozenset[str] = frozenset()  # sub-clusters on GPUs that are no pool's
    _need: dict[tuple[str, str, float, int, int], float] = field(default_factory=dict)
    _held_gib: dict[tuple[str, frozenset[str]], float] = field(default_factory=dict)
    _batches: dict[tuple[str, str, int], int] = field(default_factory=dict)

    def rate_rps(self, model: str) -> float:
        known = self.problem.models.get(model)
        return known.demand_rps[self.epoch] if known else 0.0

    def profile(self, model: str, gpu_type: str) -> ModelProfile | None:
        known = self.problem.models.get(model)
        return known.profiles.get(gpu_type) if known else None

    def weights_gib(self, model: str, gpu_type: str) -> float:
        """0 for what the problem does not know any more: it is only ever unloaded."""
        profile = self.profile(model, gpu_type)
        return profile.weights_gib if profile else 0.0

    def held_gib(self, group: Group) -> float:
        """Weights on each GPU of a sub-cluster."""
        key = (group.gpu_type, group.models)
        if key not in self._held_gib:
            self._held_gib[key] = sum(self.weights_gib(m, group.gpu_type) for m in sorted(group.models))
        return self._held_gib[key]

    def free_gpus(self, fleet: Fleet, pool: tuple[str, str]) -> int:
        available = sum(p.available for p in self.problem.pools if (p.gpu_type, p.zone) == pool)
        taken = (g.gpus for n, g in fleet.groups.items() if g.pool == pool and n not in self.set_apart)
        return max(0, available - sum(taken))

    def batch(self, name: str, group: Group, model: str) -> int:
        """The largest batch that may be in force; 0 where not even one request can be run."""
        profile = self.profile(model, group.gpu_type)
        if profile is None or group.gpus < 1:
            return 0
        free = self.problem.gpu_types[group.gpu_type].usable_gib - self.held_gib(group) + ROUNDING_GIB
        if free < 0:
            return 0
        largest = min(self._in_time(model, group), profile.batch_size_max)
        if profile.workspace_gib_per_item * largest > free:
            largest = int(free / profile.workspace_gib_per_item)
        return min(largest, self.caps.get((name, model), largest))

    def _in_time(self, model: str, group: Group) -> int:
        """The largest batch that keeps the SLO on so many GPUs."""
        key = (model, group.gpu_type, group.gpus)
        if key not in self._batches:
            law = batch_law(self.problem.models[model], group.gpu_type, self.problem.policy.delays)
            self._batches[key] = int(law.batch_sizes(group.gpus))
        return self._batches[key]

    def rebatched(self, fleet: Fleet, name: str) -> Fleet | None:
        """The fleet with the batches that fit in a sub-cluster of it; None where some model fits none."""
        routes: dict[str, Routes] = {}
        group = fleet.groups[name]
        for model, (share, _) in fleet.routed(name).items():
            batch = self.batch(name, group, model)
            if batch >= 1:
                routes[model] = fleet.routes[model] | {name: (share, batch)}
            elif self.profile(model, group.gpu_type) is not None:
                return None
        return fleet.tried({}, routes)

    def carried(self, fleet: Fleet, name: str) -> float:
        """Part of what is sent to a sub-cluster that it carries, 0 to 1."""
        traffic = fleet.traffic(name)
        if traffic.carried is None:
            group = fleet.groups.get(name)
            is_there = group is not None and group.gpus >= 1
            traffic.carried = self._part(group, fleet, traffic, name) if group and is_there else 0.0
        return traffic.carried

    def _part(self, group: Group, fleet: Fleet, traffic: Traffic, name: str) -> float:
        traffic.needs = self._needs(group, fleet, traffic, name)
        need = sum(traffic.needs.values())
        part = 1.0 if need <= group.gpus * (1 + ROUNDING_GPUS) else group.gpus / need
        limit = self.problem.policy.scheduler_rate_rps_max
        if limit is None:
            return part
        rate = sum(self.rate_rps(m) * share for m, (share, _) in traffic.routed.items())
        return part if rate <= limit * (1 + ROUNDING_GPUS) else min(part, limit / rate)

    def _needs(self, group: Group, fleet: Fleet, traffic: Traffic, name: str) -> dict[str, float]:
        """GPUs that each model needs there; of what is as it was in the base that is known."""
        known: dict[str, float] = {}
        was: dict[str, tuple[float, int]] = {}
        if fleet.base is not None and fleet.base.groups.get(name) is group:
            before = fleet.base.traffic(name)
            known, was = before.needs or {}, before.routed
        return {
            m: known[m] if m in known and was[m] is own else self._gpus(m, group.gpu_type, *own, group.gpus)
            for m, own in traffic.routed.items()
        }

    def _gpus(self, model: str, gpu_type: str, share: float, batch: int, gpus: int) -> float:
        if self.profile(model, gpu_type) is None:
            return 0.0
        key = (model, gpu_type, share, batch, gpus)
        if key not in self._need:
            known = self.problem.models[model]
            rate = [known.demand_rps[self.epoch] * share]
            found = need_gpus(known, gpu_type, rate, batch, gpus, self.problem.policy.delays)
            self._need[key] = float(found[0])
        return self._need[key]

    def served(self, fleet: Fleet, model: str) -> float:
        """Part of the model's traffic that is carried, 0 to 1."""
        part = 0.0
        for name, (share, _) in sorted(fleet.routes.get(model, {}).items()):
            group = fleet.groups.get(name)
            if (
                group is not None
                and model in group.models
                and self.profile(model, group.gpu_type) is not None
            ):
                part += share * self.carried(fleet, name)
        return part

    def touched(self, fleets: tuple[Fleet, ...], names: Set[str]) -> set[str]:
        """The models with a route to any of these sub-clusters."""
        return {m for fleet in fleets for name in names for m in fleet.routed(name)}
