r"""
The fleet between two plans: GPUs, models held, routes, and what it can carry.

A sub-cluster of n GPUs whose models need :math:`\nu` carries :math:`\min(1, n/\nu)` of what is sent there
(:math:`\nu` is ``need_gpus``; the dispatcher's rate limits it likewise). A batch in force is the
largest that latency allows with n GPUs and memory beside all the weights held, and no larger than
one of the two plans promises.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from planner.plan.plan import Plan
from planner.problem.capacity import batch_law, need_gpus
from planner.problem.problem import ModelProfile, PlanningProblem
from planner.rollout.steps import AddGpus, Load, RemoveGpus, Route, RouteChange, Step, Switch

ROUNDING_GIB = 1e-9
ROUNDING_GPUS = 1e-6
SHARE_LEAST = 1e-9
LOSS_TOLERANCE = 1e-6  # of a model's traffic

Routes = dict[str, tuple[float, int]]  # sub-cluster -> share, batch
Key = tuple[str, str, int, tuple[tuple[str, float, int], ...]]


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


@dataclass(frozen=True, slots=True)
class Fleet:
    """A state; replaced, never changed. ``routes`` maps model to sub-cluster to share and batch."""

    groups: dict[str, Group]
    routes: dict[str, Routes]

    def routed(self, name: str) -> dict[str, tuple[float, int]]:
        """The models with a route to the sub-cluster, their share and batch there."""
        held = sorted(self.groups[name].models) if name in self.groups else ()
        return {m: self.routes[m][name] for m in held if name in self.routes.get(m, ())}


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
    if isinstance(step, Switch):
        changed = {c.model: {r.sub_cluster: (r.share, r.batch_size) for r in c.after} for c in step.changes}
        return Fleet(fleet.groups, fleet.routes | changed)
    group = fleet.groups.get(step.sub_cluster)
    if isinstance(step, AddGpus):
        models = frozenset(step.models)
        group = group or Group(step.gpu_type, step.zone, 0, models)
        after = dataclasses.replace(group, gpus=group.gpus + step.gpus)
    elif group is None:
        raise KeyError(step.sub_cluster)
    elif isinstance(step, RemoveGpus):
        after = dataclasses.replace(group, gpus=group.gpus - step.gpus)
    elif isinstance(step, Load):
        after = dataclasses.replace(group, models=group.models | {step.model})
    else:
        after = dataclasses.replace(group, models=group.models - {step.model})
    groups = fleet.groups | {step.sub_cluster: after}
    if after.gpus == 0:
        del groups[step.sub_cluster]
    return Fleet(groups, fleet.routes)


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
    _carried: dict[Key, float] = field(default_factory=dict)

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
        return sum(self.weights_gib(m, group.gpu_type) for m in sorted(group.models))

    def free_gpus(self, fleet: Fleet, pool: tuple[str, str]) -> int:
        available = sum(p.available for p in self.problem.pools if (p.gpu_type, p.zone) == pool)
        taken = (g.gpus for n, g in fleet.groups.items() if g.pool == pool and n not in self.set_apart)
        return max(0, available - sum(taken))

    def batch(self, name: str, group: Group, model: str) -> int:
        """The largest batch that may be in force; 0 where not even one request can be run."""
        profile = self.profile(model, group.gpu_type)
        if profile is None or group.gpus < 1:
            return 0
        law = batch_law(self.problem.models[model], group.gpu_type, self.problem.policy.delays)
        free = self.problem.gpu_types[group.gpu_type].usable_gib - self.held_gib(group) + ROUNDING_GIB
        if free < 0:
            return 0
        largest = min(int(law.batch_sizes(group.gpus)), profile.batch_size_max)
        if profile.workspace_gib_per_item * largest > free:
            largest = int(free / profile.workspace_gib_per_item)
        return min(largest, self.caps.get((name, model), largest))

    def rebatched(self, fleet: Fleet, names: set[str]) -> Fleet | None:
        """The fleet with the batches that fit in these sub-clusters; None where some model fits none."""
        routes = dict(fleet.routes)
        for name in sorted(names & fleet.groups.keys()):
            for model, (share, _) in fleet.routed(name).items():
                batch = self.batch(name, fleet.groups[name], model)
                if batch >= 1:
                    routes[model] = routes[model] | {name: (share, batch)}
                elif self.profile(model, fleet.groups[name].gpu_type) is not None:
                    return None
        return Fleet(fleet.groups, routes)

    def carried(self, fleet: Fleet, name: str) -> float:
        """Part of what is sent to a sub-cluster that it carries, 0 to 1."""
        group = fleet.groups.get(name)
        if group is None or group.gpus < 1:
            return 0.0
        routed = tuple((m, share, batch) for m, (share, batch) in fleet.routed(name).items())
        key = (group.gpu_type, group.zone, group.gpus, routed)
        if key not in self._carried:
            self._carried[key] = self._part(group, routed)
        return self._carried[key]

    def _part(self, group: Group, routed: tuple[tuple[str, float, int], ...]) -> float:
        need = sum(self._gpus(m, group.gpu_type, share, batch, group.gpus) for m, share, batch in routed)
        rate = sum(self.rate_rps(m) * share for m, share, _ in routed)
        limit = self.problem.policy.scheduler_rate_rps_max
        part = 1.0 if need <= group.gpus * (1 + ROUNDING_GPUS) else group.gpus / need
        return part if limit is None or rate <= limit * (1 + ROUNDING_GPUS) else min(part, limit / rate)

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
        routes = fleet.routes.get(model, {})
        return sum(
            share * self.carried(fleet, name)
            for name, (share, _) in sorted(routes.items())
            if name in fleet.groups
            and model in fleet.groups[name].models
            and self.profile(model, fleet.groups[name].gpu_type) is not None
        )

    def touched(self, fleets: tuple[Fleet, ...], names: set[str]) -> set[str]:
        """The models with a route to any of these sub-clusters."""
        return {m for fleet in fleets for name in names for m in fleet.routed(name)}
