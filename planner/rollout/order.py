"""
The order of a rollout: wave by wave whatever is safe, and a way out where nothing is.

A wave first frees what carries no traffic any more, then loads what memory, free GPUs and capacity
allow beside the models that still serve, then switches traffic, each group of models that wait
for one another at one instant, as far as capacity carries it. Safe is a step after which no model
is served less than now, or than the poorer of the two plans serves it. At first nothing is loaded
that the new plan does not hold; where that leads nowhere, it is allowed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

import networkx as nx

from planner.rollout.fleet import (
    LOSS_TOLERANCE,
    SHARE_LEAST,
    Capacity,
    Fleet,
    Group,
    Routes,
    applied,
    switch,
)
from planner.rollout.patched import Patched
from planner.rollout.steps import AddGpus, Load, RemoveGpus, SpareGpus, Step, Switch, Unload, Wave
from profiles.memory import load_time_s

HALVINGS = 6  # of the part of a switch that capacity carries
PART_LEAST = 2.0**-HALVINGS  # where that is too much there is no use in trying more
SWITCH_PASSES = 4


@dataclass(slots=True)
class Ordering:
    """
    One rollout in the making: where the fleet is, the waves so far, the steps of the next.

    ``kept`` are the only GPUs that spares may be opened on; None: any that are free.
    """

    capacity: Capacity
    target: Fleet
    floor: dict[str, float]
    now: Fleet
    load_gib_per_s: float
    eager: bool = False
    kept: Sequence[SpareGpus] | None = None
    spares: list[str] = field(default_factory=list)
    waves: list[Wave] = field(default_factory=list)
    _steps: list[Step] = field(default_factory=list)
    _dirty: set[str] = field(default_factory=set)
    _lost: tuple[Fleet, tuple[tuple[str, float], ...]] | None = None

    @property
    def is_done(self) -> bool:
        return self.now.groups == self.target.groups and not self.changed(self.target.routes)

    def wave(self, forced: Iterable[Step] = ()) -> bool:
        """Add one wave, which begins with the forced steps; whether it loaded or freed anything."""
        forced, began = list(forced), self.now
        for step in forced:
            self._do(step)
        if not forced:
            self._free()
        self._load()
        lost = _worst(self.lost_rps(began), self.lost_rps(self.now))  # GPUs added serve after loading
        for name in sorted(self.target.groups, key=lambda name: (self._missing_gpus(name), name)):
            self._add(name)
        self._switch()
        moved = any(not isinstance(step, Switch) for step in self._steps)
        if self._steps:
            gib, duration_s = self._loading()
            self.waves.append(Wave(tuple(self._steps), duration_s, gib, tuple(sorted(lost.items()))))
            self._steps = []
        return moved

    def is_safe(self, after: Fleet) -> bool:
        """
        Whether nobody is served too little, or less than now.

        ``after`` is now, tried with fewer or more GPUs, more models or other routes: only who has
        other routes, or is served where less is carried, can be worse off.
        """
        if not all(self._is_served(after, model) for model in after.changed_models):
            return False
        poorer = {
            n for n in after.touched if self.capacity.carried(after, n) < self.capacity.carried(self.now, n)
        }
        others = self.capacity.touched((after,), poorer) - after.changed_models
        return all(self._is_served(after, model) for model in others)

    def _is_served(self, after: Fleet, model: str) -> bool:
        least = min(self.floor.get(model, 0.0), self.capacity.served(self.now, model))
        return self.capacity.served(after, model) >= least - LOSS_TOLERANCE

    def lost_rps(self, fleet: Fleet) -> tuple[tuple[str, float], ...]:
        """What is left out of each model's traffic beyond what a plan leaves out itself."""
        models: Set[str] = self.floor.keys()
        known: tuple[tuple[str, float], ...] = ()
        if fleet.base is not None and fleet.base is self.now:
            models = self.capacity.touched((self.now, fleet), fleet.touched) & models
            known = tuple(each for each in self._lost_now() if each[0] not in models)
        lost = list(known)
        for model in models:
            missing = self.floor[model] - self.capacity.served(fleet, model)
            if missing > LOSS_TOLERANCE:
                lost.append((model, missing * self.capacity.rate_rps(model)))
        return tuple(sorted(lost))

    def _lost_now(self) -> tuple[tuple[str, float], ...]:
        if self._lost is None or self._lost[0] is not self.now:
            self._lost = (self.now, self.lost_rps(self.now))
        return self._lost[1]

    def goal(self, name: str) -> Group | None:
        return self.target.groups.get(name)

    def wanted(self, model: str) -> dict[str, float]:
        """Shares as the new plan has them where the model is loaded; the rest stays where it is."""
        aim = self.target.routes.get(model, {})
        have = self.now.routes.get(model, {})
        ready = {
            name: share
            for name, (share, _) in aim.items()
            if name in self.now.groups
            and model in self.now.groups[name].models
            and (name in have or self.capacity.batch(name, self.now.groups[name], model) > 0)
        }
        missing = sum(share for name, (share, _) in sorted(aim.items()) if name not in ready)
        rest = {name: max(0.0, share - ready.get(name, 0.0)) for name, (share, _) in sorted(have.items())}
        part = min(1.0, missing / total) if (total := sum(rest.values())) > 0 else 0.0
        shares = {
            name: ready.get(name, 0.0) + part * rest.get(name, 0.0) for name in ready.keys() | rest.keys()
        }
        return {name: share for name, share in sorted(shares.items()) if share > SHARE_LEAST}

    def _do(self, step: Step | None) -> None:
        if step is None:
            return
        self.now = applied(self.now, step)
        self._steps.append(step)
        if not isinstance(step, Switch):
            self._dirty.add(step.sub_cluster)

    def _to(self, after: Fleet) -> None:
        """Switch to the routes of another state of the same sub-clusters."""
        self._do(switch(self.now, self.changed(after.routes)))

    def changed(self, routes: Mapping[str, Routes]) -> dict[str, Routes]:
        """What is other than now; of a state that was only tried its changes alone are looked at."""
        now = self.now.routes
        names: Set[str]
        if isinstance(routes, Patched) and routes.base is now:
            names = routes.changes.keys()
        else:
            names = routes.keys() | now.keys()
        return {m: routes.get(m, {}) for m in names if routes.get(m, {}) != now.get(m, {})}

    def _free(self) -> None:
        for name in sorted(self.now.groups):
            group, goal, routed = self.now.groups[name], self.goal(name), self.now.routed(name)
            if goal is None and not routed:
                self._do(self.removal(name, group.gpus))
                continue
            for model in sorted(group.models - (goal.models if goal else frozenset()) - routed.keys()):
                gib = group.gpus * self.capacity.weights_gib(model, group.gpu_type)
                self._do(Unload(name, model, group.gpus, gib))
            self._shrink(name, goal.gpus if goal else 1)

    def removal(self, name: str, gpus: int) -> RemoveGpus:
        group = self.now.groups[name]
        gib = gpus * self.capacity.held_gib(group)
        return RemoveGpus(name, group.gpu_type, group.zone, gpus, tuple(sorted(group.models)), gib)

    def _shrink(self, name: str, least: int) -> None:
        """Give back as many GPUs as the sub-cluster can do without."""
        group = self.now.groups[name]
        for gpus in range(least, group.gpus):
            smaller = dataclasses.replace(group, gpus=gpus)
            after = self.capacity.rebatched(self.now.tried({name: smaller}, {}), name)
            if after is not None and self.is_safe(after):
                self._to(after)
                self._do(self.removal(name, group.gpus - gpus))
                return

    def _load(self) -> None:
        for name in sorted(self.target.groups.keys() & self.now.groups.keys()):
            group, goal = self.now.groups[name], self.target.groups[name]
            if group.gpus <= goal.gpus or self.eager:
                missing = goal.models - group.models
                for model in sorted(missing, key=lambda m: (-self._weights(goal, m), m)):
                    after = self.with_load(name, model)
                    if after is not None and self.is_safe(after):
                        self.load(name, model, after)

    def _weights(self, group: Group, model: str) -> float:
        return self.capacity.weights_gib(model, group.gpu_type)

    def _missing_gpus(self, name: str) -> int:
        group = self.now.groups.get(name)
        return self.target.groups[name].gpus - (group.gpus if group else 0)

    def _add(self, name: str) -> None:
        goal, group = self.target.groups[name], self.now.groups.get(name)
        gpus = min(self._missing_gpus(name), self.capacity.free_gpus(self.now, goal.pool))
        if gpus > 0 and (group is None or group.models <= goal.models or self.eager):
            self._do(self.addition(name, group or goal, gpus))

    def addition(self, name: str, group: Group, gpus: int) -> AddGpus:
        gib = gpus * self.capacity.held_gib(group)
        return AddGpus(name, group.gpu_type, group.zone, gpus, tuple(sorted(group.models)), gib)

    def with_load(self, name: str, model: str) -> Fleet | None:
        """The fleet with the model loaded and batches cut to the memory left; None: it does not fit."""
        group = self.now.groups[name]
        fuller = dataclasses.replace(group, models=group.models | {model})
        usable = self.capacity.problem.gpu_types[group.gpu_type].usable_gib
        if self.capacity.held_gib(fuller) > usable + LOSS_TOLERANCE:
            return None
        return self.capacity.rebatched(self.now.tried({name: fuller}, {}), name)

    def load(self, name: str, model: str, after: Fleet) -> None:
        """Switch to the batches of ``after``, then load."""
        for step in self.loading_steps(name, model, after):
            self._do(step)

    def loading_steps(self, name: str, model: str, after: Fleet) -> list[Step]:
        group = self.now.groups[name]
        first = switch(self.now, self.changed(after.routes))
        gib = group.gpus * self._weights(group, model)
        return [*([first] if first else []), Load(name, model, group.gpus, gib)]

    def _switch(self) -> None:
        before = self.now
        for _ in range(SWITCH_PASSES):
            moving = self._moving()
            if not moving or not (self._together(moving) or self._by_group(moving)):
                break
        for name in sorted(self._dirty & self.now.groups.keys()):
            larger = self.capacity.rebatched(self.now, name)
            if larger is not None and self.is_safe(larger):
                self.now = larger.taken
        self._dirty.clear()
        after = self.now
        if self.now.groups == self.target.groups:
            names = self.now.routes.keys() | self.target.routes.keys()
            after = Fleet(after.groups, {m: self.target.routes.get(m, {}) for m in names})
        self.now = before
        self._to(after)

    def _moving(self) -> dict[str, dict[str, float]]:
        """The models whose shares can come nearer to the new plan's, with the shares they could have."""
        moving = {}
        for model in sorted(self.now.routes.keys() | self.target.routes.keys()):
            wanted, have = self.wanted(model), self.now.routes.get(model, {})
            names = wanted.keys() | have.keys()
            if any(abs(wanted.get(n, 0.0) - have.get(n, (0.0, 0))[0]) > SHARE_LEAST for n in names):
                moving[model] = wanted
        return moving

    def _together(self, moving: dict[str, dict[str, float]]) -> bool:
        after = self.routed_as(moving, 1.0)
        if not self.is_safe(after):
            return False
        self.now = after.taken
        return True

    def _by_group(self, moving: dict[str, dict[str, float]]) -> bool:
        """Switch models that wait for one another's place together, those that others wait for first."""
        waits: nx.DiGraph[str] = nx.DiGraph()
        waits.add_nodes_from(moving)
        leaving: dict[str, list[str]] = {}
        for model, shares in moving.items():
            for name, (share, _) in self.now.routes.get(model, {}).items():
                if shares.get(name, 0.0) < share:
                    leaving.setdefault(name, []).append(model)
        for model, shares in moving.items():
            have = self.now.routes.get(model, {})
            for name, share in shares.items():
                if share > have.get(name, (0.0, 0))[0]:
                    waits.add_edges_from((model, other) for other in leaving.get(name, ()) if other != model)
        order = nx.condensation(waits)
        groups = [sorted(order.nodes[n]["members"]) for n in reversed(list(nx.topological_sort(order)))]
        moved = any([self._part({m: moving[m] for m in group}) for group in groups])
        if moved:
            return True
        several = {model for group in groups if len(group) > 1 for model in group}
        for model, shares in moving.items():
            if moved or model in several:  # as a group of its own it was tried just now
                moved |= self._part({model: shares})
        return moved

    def _part(self, moving: dict[str, dict[str, float]]) -> bool:
        """Switch the largest part that is safe, in halvings; whether there is one."""
        best = self.routed_as(moving, 1.0)
        if not self.is_safe(best):
            best = self.routed_as(moving, PART_LEAST)
            if not self.is_safe(best):
                return False
            low, high = 0.0, 1.0
            for _ in range(HALVINGS):
                part = (low + high) / 2
                after = self.routed_as(moving, part)
                if self.is_safe(after):
                    best, low = after, part
                else:
                    high = part
        self.now = best.taken
        return True

    def routed_as(self, moving: dict[str, dict[str, float]], part: float) -> Fleet:
        """The fleet with these models' shares moved by ``part`` of the way."""
        routes: dict[str, Routes] = {}
        for model, shares in moving.items():
            have, own = self.now.routes.get(model, {}), {}
            for name in sorted(shares.keys() | have.keys()):
                was, batch = have.get(name, (0.0, 0))
                share = was + part * (shares.get(name, 0.0) - was)
                if share > SHARE_LEAST:
                    own[name] = (share, batch or self.capacity.batch(name, self.now.groups[name], model))
            routes[model] = own
        return self.now.tried({}, routes)

    def _loading(self) -> tuple[float, float]:
        """GiB that the wave loads, and the seconds of the GPU that loads longest."""
        seconds: dict[str, float] = {}
        gib = 0.0
        for step in self._steps:
            if isinstance(step, Load | AddGpus):
                gib += step.gib
                models = step.models if isinstance(step, AddGpus) else (step.model,)
                kind = self.now.groups[step.sub_cluster].gpu_type
                own = sum(
                    load_time_s(self.capacity.weights_gib(m, kind), self.load_gib_per_s) for m in models
                )
                grown = seconds.get(step.sub_cluster, 0.0)
                seconds[step.sub_cluster] = max(grown, own) if isinstance(step, AddGpus) else grown + own
        return gib, max(seconds.values(), default=0.0)


def _worst(*lost: tuple[tuple[str, float], ...]) -> dict[str, float]:
    found: dict[str, float] = {}
    for model, rate in (pair for state in lost for pair in state):
        found[model] = max(rate, found.get(model, 0.0))
    return found
