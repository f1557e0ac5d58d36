"""
Replay a rollout step by step, there and back, and name every invariant that it breaks.

Knows the steps and the capacity mathematics, nothing of how the order was found. After every step:
weights and workspace fit each GPU, source and destination both counted; no pool gives more GPUs than
it has; batches in force keep the SLO; traffic goes only where the model is loaded; no model is served
less than the poorer of the two plans serves it, but for the loss that the wave states. What the
fleet broke before the first step may stay broken and never gets worse.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from planner.plan.plan import Plan
from planner.plan.verify import Violation
from planner.problem.capacity import latency_feasible, need_gpus
from planner.problem.problem import PlanningProblem
from planner.rollout.steps import AddGpus, Load, RemoveGpus, Rollout, SpareGpus, Step, Switch, Unload, Wave
from profiles.memory import load_time_s

GIB_TOLERANCE = 1e-6
SHARE_TOLERANCE = 1e-5
SHARE_NOISE = 1e-9
RELATIVE_TOLERANCE = 1e-6


@dataclass(slots=True)
class _World:
    """Counts by sub-cluster and routes by model and sub-cluster; changed in place as steps are replayed."""

    kind: dict[str, tuple[str, str]] = field(default_factory=dict)
    gpus: dict[str, int] = field(default_factory=dict)
    held: dict[str, set[str]] = field(default_factory=dict)
    routes: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)

    @staticmethod
    def of(plan: Plan, epoch: int) -> _World:
        world = _World()
        for s in plan.sub_clusters:
            world.kind[s.id] = (s.gpu_type, s.zone)
            world.gpus[s.id] = s.gpus[epoch]
            world.held[s.id] = {p.model for p in s.placements}
            for p in s.placements:
                if p.share[epoch] > SHARE_NOISE:
                    world.routes[p.model, s.id] = (p.share[epoch], p.batch_size)
        return world

    def sent(self) -> dict[str, list[tuple[str, float, int]]]:
        """Model, share and batch of each route, by sub-cluster."""
        found: dict[str, list[tuple[str, float, int]]] = {}
        for (model, name), (share, batch) in sorted(self.routes.items()):
            found.setdefault(name, []).append((model, share, batch))
        return found

    def difference(self, other: _World) -> list[str]:
        names = ("kind", "gpus", "held", "routes")
        return [name for name in names if getattr(self, name) != getattr(other, name)]


def check(
    problem: PlanningProblem, rollout: Rollout, spares: Sequence[SpareGpus] | None = None
) -> list[Violation]:
    """
    Everything that the rollout breaks, on the way there and on the way back; empty when it is sound.

    Sub-clusters that exist only on the way are on ``spares``, which no pool counts; None: on GPUs of pools.
    """
    start = _World.of(rollout.before, rollout.epoch_before)
    end = _World.of(rollout.after, rollout.epoch)
    judge = _Judge(problem, rollout.epoch, start, end, spares)
    there = [(wave, wave.steps) for wave in rollout.waves]
    back = [(wave, wave.back) for wave in reversed(rollout.waves)]
    return [
        *judge.replay(_World.of(rollout.before, rollout.epoch_before), there, end, "there"),
        *judge.replay(_World.of(rollout.after, rollout.epoch), back, start, "back"),
        *(v for n, wave in enumerate(rollout.waves) for v in judge.claims(rollout, wave, f"wave {n + 1}")),
    ]


class _Judge:
    def __init__(
        self,
        problem: PlanningProblem,
        epoch: int,
        start: _World,
        end: _World,
        spares: Sequence[SpareGpus] | None,
    ) -> None:
        self.problem = problem
        self.epoch = epoch
        self.start = start
        self.planned = start.gpus.keys() | end.gpus.keys()
        self.spares = None if spares is None else {spare.id: spare for spare in spares}
        self.needs: dict[tuple[str, str, float, int, int], float] = {}
        first, last = self.served(start), self.served(end)
        self.floor = {m: min(first[m], last[m]) for m in sorted(first.keys() & last.keys())}
        self.gib_before = self.gib(start)
        used = self.used(start)
        self.stock = {(p.gpu_type, p.zone): p.available for p in problem.pools}
        self.stock = {p: max(n, used[p]) for p, n in self.stock.items()}

    def replay(
        self, world: _World, waves: Iterable[tuple[Wave, tuple[Step, ...]]], end: _World, way: str
    ) -> Iterator[Violation]:
        for number, (wave, steps) in enumerate(waves, start=1):
            allowed = dict(wave.lost_rps)
            for place, step in enumerate(steps, start=1):
                where = f"{way}, wave {number}, step {place}"
                yield from self.before_step(world, step, where)
                _apply(world, step)
                yield from self.state(world, allowed, where)
        for name in world.difference(end):
            yield Violation("target", f"{way}: {name} differ from the plan's at the end", 1)

    def before_step(self, world: _World, step: Step, where: str) -> Iterator[Violation]:
        """What must be so for the step to be possible at all."""
        if isinstance(step, Switch):
            for change in step.changes:
                now = {s: r for (m, s), r in world.routes.items() if m == change.model}
                if now != {r.sub_cluster: (r.share, r.batch_size) for r in change.before}:
                    yield Violation("step", f"{where}: {change.model} is not routed as the step says", 1)
            return
        name = step.sub_cluster
        has, held = world.gpus.get(name, 0), world.held.get(name, set())
        if isinstance(step, AddGpus | RemoveGpus):
            if has and (set(step.models) != held or (step.gpu_type, step.zone) != world.kind[name]):
                yield Violation("step", f"{where}: {name} holds other models or is of another kind", 1)
            if step.gpus < 1 or (isinstance(step, RemoveGpus) and step.gpus > has):
                yield Violation("step", f"{where}: {step.gpus} GPUs for {name}, which has {has}", step.gpus)
            return
        if step.gpus != has:
            yield Violation("step", f"{where}: {name} has {has} GPUs, the step says {step.gpus}", 1)
        if (step.model in held) != isinstance(step, Unload):
            yield Violation("step", f"{where}: {step.model} on {name} is already so", 1)

    def state(self, world: _World, allowed: dict[str, float], where: str) -> Iterator[Violation]:
        """Memory, inventory, routes, latency and capacity of one state."""
        for pool, gpus in sorted(self.used(world).items()):
            if gpus > self.stock.get(pool, 0):
                text = f"{where}: {gpus} GPUs of {'/'.join(pool)}, {self.stock.get(pool, 0)} are there"
                yield Violation("inventory", text, gpus - self.stock.get(pool, 0))
        for name, gib in sorted(self.gib(world).items()):
            usable = self.problem.gpu_types[world.kind[name][0]].usable_gib
            limit = max(usable, self.gib_before.get(name, 0.0)) + GIB_TOLERANCE
            if gib > limit:
                yield Violation("memory", f"{where}: {name} needs {gib:.3f} of {limit:.3f} GiB", gib - limit)
        yield from self.only_spares(world, where)
        yield from self.routes(world, where)
        served = self.served(world)
        for model, floor in self.floor.items():
            rate = self.problem.models[model].demand_rps[self.epoch] if model in self.problem.models else 0.0
            missing = floor - served.get(model, 0.0)
            stated = allowed.get(model)
            over = missing * rate - (stated or 0.0) * (1 + RELATIVE_TOLERANCE)
            if missing > SHARE_TOLERANCE and (stated is None or over > SHARE_TOLERANCE * max(1.0, rate)):
                yield Violation("capacity", f"{where}: {missing:.4%} of {model} is not carried", missing)

    def only_spares(self, world: _World, where: str) -> Iterator[Violation]:
        """Where GPUs are kept for it, nothing else is opened on the way, and no more of them is used."""
        if self.spares is None:
            return
        for name in sorted(world.gpus.keys() - self.planned):
            spare, gpus = self.spares.get(name), world.gpus[name]
            if spare is None or (spare.gpu_type, spare.zone) != world.kind[name] or gpus > spare.gpus:
                text = f"{where}: {name} has {gpus} GPUs of {'/'.join(world.kind[name])}, kept is {spare}"
                yield Violation("spare", text, gpus)

    def routes(self, world: _World, where: str) -> Iterator[Violation]:
        total: dict[str, float] = {}
        for (model, name), (share, batch) in sorted(world.routes.items()):
            total[model] = total.get(model, 0.0) + share
            if model not in world.held.get(name, set()):
                yield Violation("loaded", f"{where}: {model} is sent to {name}, which does not hold it", 1)
                continue
            known = self.problem.models.get(model)
            gpu_type = world.kind[name][0]
            if known is None or gpu_type not in known.profiles:
                continue
            was = self.start.routes.get((model, name), (0.0, 0))[1]
            as_before = batch == was and world.gpus[name] >= self.start.gpus.get(name, 0)
            delays = self.problem.policy.delays
            possible = 1 <= batch <= known.profiles[gpu_type].batch_size_max
            if not as_before and not (
                possible and latency_feasible(known, gpu_type, batch, world.gpus[name], delays)
            ):
                text = (
                    f"{where}: a batch of {batch} of {model} is late on {world.gpus[name]} GPU(s) of {name}"
                )
                yield Violation("latency", text, batch)
        for model, share in total.items():
            if share > 1 + SHARE_TOLERANCE:
                yield Violation("placed", f"{where}: shares of {model} sum to {share:.6f}", share - 1)

    def claims(self, rollout: Rollout, wave: Wave, where: str) -> Iterator[Violation]:
        """What the wave says of its GiB and seconds."""
        kinds = {s.id: s.gpu_type for s in (*rollout.before.sub_clusters, *rollout.after.sub_clusters)}
        kinds |= {s.sub_cluster: s.gpu_type for w in rollout.waves for s in w.steps if isinstance(s, AddGpus)}
        gib = 0.0
        loading: dict[tuple[type[Step], str], float] = {}
        for step in wave.steps:
            if isinstance(step, Switch):
                continue
            models = step.models if isinstance(step, AddGpus | RemoveGpus) else (step.model,)
            weights = [self.weights(m, kinds[step.sub_cluster]) for m in models]
            if abs(step.gib - step.gpus * sum(weights)) > GIB_TOLERANCE * max(1.0, step.gib):
                yield Violation("claims", f"{where}: {step} is {step.gpus * sum(weights):.6f} GiB", step.gib)
            if isinstance(step, Load | AddGpus):
                gib += step.gib
                seconds = sum(load_time_s(w, rollout.load_gib_per_s) for w in weights)
                key = (type(step), step.sub_cluster)
                loading[key] = loading.get(key, 0.0) + seconds
        duration_s = max(loading.values(), default=0.0)
        for name, stated, right in (("gib", wave.gib, gib), ("duration_s", wave.duration_s, duration_s)):
            if abs(stated - right) > RELATIVE_TOLERANCE * max(1.0, right):
                yield Violation("claims", f"{where}: {name} is stated {stated:g}, it is {right:g}", stated)

    def weights(self, model: str, gpu_type: str) -> float:
        known = self.problem.models.get(model)
        return known.profiles[gpu_type].weights_gib if known and gpu_type in known.profiles else 0.0

    def used(self, world: _World) -> Counter[tuple[str, str]]:
        used: Counter[tuple[str, str]] = Counter()
        for name, gpus in world.gpus.items():
            if name not in (self.spares or ()):
                used[world.kind[name]] += gpus
        return used

    def gib(self, world: _World) -> dict[str, float]:
        """By sub-cluster, on each GPU: weights held or being loaded, and the largest workspace in force."""
        sent, found = world.sent(), {}
        for name, (gpu_type, _) in world.kind.items():
            workspaces = (
                batch * self.problem.models[model].profiles[gpu_type].workspace_gib_per_item
                for model, _, batch in sent.get(name, ())
                if self.known(model, gpu_type)
            )
            weights = sum(self.weights(model, gpu_type) for model in sorted(world.held[name]))
            found[name] = weights + max(workspaces, default=0.0)
        return found

    def served(self, world: _World) -> dict[str, float]:
        """Part of each routed model's traffic that is carried, 0 to 1."""
        sent = world.sent()
        carried = {name: self.carried(world, name, sent[name]) for name in sent if name in world.kind}
        total: dict[str, float] = {}
        for name, routes in sent.items():
            for model, share, _ in routes:
                here = (
                    name in carried and model in world.held[name] and self.known(model, world.kind[name][0])
                )
                total[model] = total.get(model, 0.0) + (share * carried[name] if here else 0.0)
        return total

    def carried(self, world: _World, name: str, routes: list[tuple[str, float, int]]) -> float:
        gpu_type, gpus = world.kind[name][0], world.gpus[name]
        here = [route for route in routes if self.known(route[0], gpu_type)]
        need = sum(self.need(model, gpu_type, share, batch, gpus) for model, share, batch in here)
        rate = sum(self.problem.models[model].demand_rps[self.epoch] * share for model, share, _ in here)
        limit = self.problem.policy.scheduler_rate_rps_max
        part = min(1.0, gpus / need) if need > 0 else 1.0
        return part if limit is None or rate <= 0 else min(part, limit / rate)

    def need(self, model: str, gpu_type: str, share: float, batch: int, gpus: int) -> float:
        key = (model, gpu_type, share, batch, gpus)
        if key not in self.needs:
            known = self.problem.models[model]
            rate = [known.demand_rps[self.epoch] * share]
            found = need_gpus(known, gpu_type, rate, batch, gpus, self.problem.policy.delays)
            self.needs[key] = float(found[0])
        return self.needs[key]

    def known(self, model: str, gpu_type: str) -> bool:
        return model in self.problem.models and gpu_type in self.problem.models[model].profiles


def _apply(world: _World, step: Step) -> None:
    if isinstance(step, Switch):
        for change in step.changes:
            for key in [key for key in world.routes if key[0] == change.model]:
                del world.routes[key]
            for route in change.after:
                world.routes[change.model, route.sub_cluster] = (route.share, route.batch_size)
        return
    name = step.sub_cluster
    if isinstance(step, AddGpus):
        world.kind.setdefault(name, (step.gpu_type, step.zone))
        world.held.setdefault(name, set(step.models))
        world.gpus[name] = world.gpus.get(name, 0) + step.gpus
    elif isinstance(step, RemoveGpus):
        world.gpus[name] = world.gpus.get(name, 0) - step.gpus
        if world.gpus[name] <= 0:
            for facts in (world.kind, world.gpus, world.held):
                facts.pop(name, None)
    elif name in world.held:
        (world.held[name].add if isinstance(step, Load) else world.held[name].discard)(step.model)
