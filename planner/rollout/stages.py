"""
What every sub-cluster holds after each wave of a rollout, for those who carry it out.

A rollout between the sub-clusters that nodes know: under their own ids, with every sub-cluster's most GPUs,
for that is what nodes run, and through no spares but those that nodes keep. A *stage* is the whole
fleet after a wave; stage 0 is where it starts, the last is the new plan.

Who takes a sub-cluster from one stage to the next first lets go of what leaves it and cuts its batches (what
it holds ``in_passing``), then loads: a wave takes nothing away that still carries traffic.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from planner.plan.plan import Placement, Plan, SubCluster
from planner.plan.verify import Violation
from planner.problem.problem import ModelProfile, PlanningProblem
from planner.rollout.check import GIB_TOLERANCE, SHARE_NOISE
from planner.rollout.fleet import Capacity, Fleet, applied, fleet_of
from planner.rollout.rollout import rollout
from planner.rollout.steps import Rollout, SpareGpus


@dataclass(frozen=True, slots=True)
class Held:
    """The largest batch of a model in one sub-cluster, and its share of the model's traffic."""

    batch_size: int
    share: float


@dataclass(frozen=True, slots=True)
class Holding:
    """A sub-cluster in one stage: GPUs, each of which holds all of ``models``; ``is_spare``: kept ones."""

    gpu_type: str
    zone: str
    gpus: int
    models: Mapping[str, Held]
    is_spare: bool = False


Stage: TypeAlias = dict[str, Holding]
Routes: TypeAlias = dict[str, dict[str, float]]  # model -> sub-cluster -> share


@dataclass(frozen=True, slots=True)
class Stages:
    """A rollout to carry out: ``stages[k]`` is the fleet after wave k, which states what it loses."""

    stages: tuple[Stage, ...]
    lost_rps: tuple[tuple[tuple[str, float], ...], ...]

    @property
    def spares(self) -> tuple[str, ...]:
        """Sub-clusters on GPUs that nodes keep for rollouts; they exist only on the way."""
        return tuple(sorted({name for stage in self.stages for name in open_spares(stage)}))


def plan_stage(plan: Plan, epoch: int = 0) -> Stage:
    """The fleet as the plan has it: the most GPUs, shares of one epoch."""
    return {
        cluster.id: Holding(
            cluster.gpu_type,
            cluster.zone,
            cluster.gpus_max,
            {p.model: Held(p.batch_size, p.share[epoch]) for p in cluster.placements},
        )
        for cluster in plan.sub_clusters
        if cluster.gpus_max
    }


def open_spares(stage: Stage) -> frozenset[str]:
    return frozenset(name for name, holding in stage.items() if holding.is_spare)


def stages_between(
    problem: PlanningProblem,
    start: Stage,
    after: Plan,
    *,
    epoch: int = 0,
    spares: Sequence[SpareGpus] = (),
) -> Stages:
    """
    The stages from ``start`` to a plan, under the demand of one of the plan's epochs.

    ``spares`` are GPUs that nodes keep, beside those of the pools; where one is open in ``start`` already, it
    can be opened again once it is closed. Where nothing else goes on, a wave loses something for a time, and
    says what. Raises ``RolloutRefused``, and ``ValueError`` where a sub-cluster's id means another place in
    the plan.
    """
    target = plan_stage(after, epoch)
    plans = [
        dataclasses.replace(after, sub_clusters=tuple(_cluster(name, stage[name]) for name in sorted(stage)))
        for stage in (start, target)
    ]
    roomy = _with_room(_at_epoch(problem, epoch), start, target)
    kept = open_spares(start)
    found = rollout(roomy, *plans, spares=spares, set_apart=kept, relabel=False)
    stages = (start, *_after_waves(roomy, start, found, kept.union(found.spares)))
    return Stages((*stages[:-1], target), tuple(wave.lost_rps for wave in found.waves))


def in_passing(now: Holding, then: Holding) -> Holding:
    """What a sub-cluster holds while it loads what ``then`` adds."""
    kept = {
        model: Held(min(held.batch_size, then.models[model].batch_size), held.share)
        for model, held in now.models.items()
        if model in then.models
    }
    return dataclasses.replace(now, models=kept)


def routes(now: Stage, opening: Stage | None = None) -> Routes:
    """
    Where each model's traffic goes in a stage, shares by sub-cluster.

    While the wave to another stage is open, not where that wave lets the model go.
    """
    found: Routes = {}
    for name, holding in sorted(now.items()):
        later = opening.get(name) if opening is not None else holding
        for model, held in sorted(holding.models.items()):
            if held.share > SHARE_NOISE and later is not None and model in later.models:
                found.setdefault(model, {})[name] = held.share
    return found


def changed(now: Stage, then: Stage) -> list[str]:
    """The sub-clusters that a wave concerns."""
    return sorted(name for name in now.keys() | then.keys() if _content(now, name) != _content(then, name))


def breaches(
    problem: PlanningProblem, stages: tuple[Stage, ...], spares: Sequence[SpareGpus] = ()
) -> Iterator[Violation]:
    """
    What stages must not do: exceed memory, send more than all, use GPUs that nobody has.

    What a GPU holds before, during or after a load fits its memory, or is no more than at the start. What is
    opened on the way is on one of the ``spares``, in its place and on no more GPUs; the last stage has none.
    """
    yield from _strangers(stages, {spare.id: spare for spare in spares})
    first = {name: _gib(problem, holding) for name, holding in stages[0].items()}
    for number, (now, then) in enumerate(itertools.pairwise(stages), start=1):
        for name, holding in sorted(then.items()):
            limit = max(problem.gpu_types[holding.gpu_type].usable_gib, first.get(name, 0.0))
            was = now.get(name, dataclasses.replace(holding, models={}))
            weights = _weights(problem, holding)
            loading = weights + _workspace(problem, in_passing(was, holding))
            if (gib := max(loading, _gib(problem, holding))) > limit + GIB_TOLERANCE:
                text = f"wave {number}: {name} needs {gib:.3f} of {limit:.3f} GiB"
                yield Violation("memory", text, gib - limit)
    for number, stage in enumerate(stages):
        for model, shares in routes(stage).items():
            if (total := sum(shares.values())) > 1 + SHARE_NOISE * len(shares) + GIB_TOLERANCE:
                yield Violation("placed", f"stage {number}: shares of {model} sum to {total:.6f}", total - 1)


def _strangers(stages: tuple[Stage, ...], spares: Mapping[str, SpareGpus]) -> Iterator[Violation]:
    planned = stages[0].keys() | stages[-1].keys()
    for number, stage in enumerate(stages):
        before = stages[number - 1] if number else stage
        for name, own in sorted(stage.items()):
            where = f"stage {number}: {name} on {own.gpus} GPUs of {own.gpu_type}/{own.zone}"
            if not own.is_spare:
                if name not in planned:
                    yield Violation("spare", f"{where} is in neither plan and no spare", own.gpus)
                continue
            has_grown = name not in before or own.gpus > before[name].gpus
            if has_grown and not _fits(own, spares.get(name)):
                yield Violation("spare", f"{where}, kept is {spares.get(name)}", own.gpus)
            if number == len(stages) - 1:
                yield Violation("spare", f"{where} is open when all is done", own.gpus)


def _fits(own: Holding, spare: SpareGpus | None) -> bool:
    place = (own.gpu_type, own.zone)
    return spare is not None and place == (spare.gpu_type, spare.zone) and own.gpus <= spare.gpus


def _content(stage: Stage, name: str) -> tuple[object, ...] | None:
    holding = stage.get(name)
    if holding is None:
        return None
    return holding.gpus, {model: held.batch_size for model, held in holding.models.items()}


def _cluster(name: str, holding: Holding) -> SubCluster:
    placements = tuple(
        Placement(model, (held.share,), held.batch_size) for model, held in sorted(holding.models.items())
    )
    return SubCluster(name, holding.gpu_type, holding.zone, (holding.gpus,), placements)


def _at_epoch(problem: PlanningProblem, epoch: int) -> PlanningProblem:
    """The problem of that epoch alone."""
    models = {
        name: dataclasses.replace(model, demand_rps=model.demand_rps[epoch : epoch + 1])
        for name, model in problem.models.items()
    }
    return dataclasses.replace(problem, models=models, epochs=problem.epochs[epoch : epoch + 1])


def _with_room(problem: PlanningProblem, *stages: Stage) -> PlanningProblem:
    """Pools with the GPUs of either side at once: node files give a device to one sub-cluster alone."""
    used: list[dict[tuple[str, str], int]] = []
    for stage in stages:
        own: dict[tuple[str, str], int] = {}
        for holding in stage.values():
            if holding.is_spare:
                continue
            place = (holding.gpu_type, holding.zone)
            own[place] = own.get(place, 0) + holding.gpus
        used.append(own)
    pools = tuple(
        dataclasses.replace(
            pool, available=max(pool.available, *(own.get((pool.gpu_type, pool.zone), 0) for own in used))
        )
        for pool in problem.pools
    )
    return dataclasses.replace(problem, pools=pools)


def _after_waves(
    problem: PlanningProblem, stage: Stage, found: Rollout, spares: frozenset[str]
) -> Iterator[Stage]:
    capacity = Capacity(problem, 0)
    fleet = fleet_of(found.before, 0)
    for wave in found.waves:
        for step in wave.steps:
            fleet = applied(fleet, step)
        stage = _stage(capacity, fleet, stage, spares)
        yield stage


def _stage(capacity: Capacity, fleet: Fleet, before: Stage, spares: frozenset[str]) -> Stage:
    """
    A fleet as sub-clusters can run it.

    A model without traffic keeps its batches as far as memory goes, for callers who come late; one that
    could not run a single request beside the others is loaded with the wave that sends it traffic.
    """
    stage: Stage = {}
    for name, group in sorted(fleet.groups.items()):
        models: dict[str, Held] = {}
        routed = fleet.routed(name)
        for model in sorted(group.models):
            share, batch_size = routed.get(model, (0.0, 0))
            held = before[name].models.get(model) if name in before else None
            if not batch_size and capacity.profile(model, group.gpu_type) is not None:
                most = capacity.batch(name, group, model)
                batch_size = min(most, held.batch_size) if held is not None else most
            elif not batch_size and held is not None:
                batch_size = held.batch_size
            if batch_size:
                models[model] = Held(batch_size, share)
        if models:
            stage[name] = Holding(group.gpu_type, group.zone, group.gpus, models, name in spares)
    return stage


def _gib(problem: PlanningProblem, holding: Holding) -> float:
    return _weights(problem, holding) + _workspace(problem, holding)


def _weights(problem: PlanningProblem, holding: Holding) -> float:
    return sum(profile.weights_gib for _, profile in _profiles(problem, holding))


def _workspace(problem: PlanningProblem, holding: Holding) -> float:
    own = (held.batch_size * profile.workspace_gib_per_item for held, profile in _profiles(problem, holding))
    return max(own, default=0.0)


def _profiles(problem: PlanningProblem, holding: Holding) -> Iterator[tuple[Held, ModelProfile]]:
    for model, held in sorted(holding.models.items()):
        known = problem.models.get(model)
        profile = known.profiles.get(holding.gpu_type) if known else None
        if profile is not None:
            yield held, profile
