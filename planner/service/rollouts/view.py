"""How far a rollout is, what a sub-cluster holds in a wave, and where traffic goes meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from dispatcher.contract.sub_cluster import LIVE_RULES, LoadReporting, ServedModel, SubClusterSpec
from planner.problem.problem import PlanningProblem
from planner.rollout.stages import Holding, Routes, plan_stage, routes
from planner.service.errors import NoActivePlan, SubClusterNotFound, WaveNotFound
from planner.service.rollouts.announced import announced, any_announced
from planner.service.rollouts.confirming import unconfirmed
from planner.service.rollouts.kept import stored_plan, waves
from planner.service.rollouts.ordering import epoch_at
from planner.service.serving import heard_lately
from planner.service.sub_clusters import served_model, sub_cluster_spec
from planner.store.records import Activation, HeardNode, RegisteredModel, RolloutRecord
from planner.store.store import Store, UnitOfWork


class RolloutState(StrEnum):
    """How nodes get to the active plan."""

    ORDERING = "ordering"  # its waves are being computed: keep what is held
    WAVES = "waves"  # hold what the open wave says
    AT_ONCE = "at_once"  # there are no waves
    DONE = "done"  # hold what the plan says


@dataclass(frozen=True, slots=True)
class Progress:
    """
    How far the fleet is on its way to the active plan.

    ``wave`` of ``waves`` is open, or was the last; ``waves_done`` are confirmed.
    """

    activation_id: int
    plan_version: int
    state: RolloutState
    wave: int
    waves: int
    waves_done: int
    moved_at: datetime | None


@dataclass(frozen=True, slots=True)
class Details:
    """
    What is known of it besides.

    ``waits_for`` are the sub-clusters that have not done their part of the open wave, ``lost_rps`` is what it
    leaves out, by model; ``reasons`` say why there are no waves. ``spares`` are the sub-clusters on kept GPUs
    that the waves go through, ``spares_left_out`` says of others that nodes announce why they are not used.
    """

    waits_for: tuple[str, ...] = ()
    lost_rps: dict[str, float] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    spares: tuple[str, ...] = ()
    spares_left_out: tuple[str, ...] = ()


def progress(store: Store) -> Progress:
    """Raises ``NoActivePlan``."""
    with store.reading() as work:
        current, record = _current(work)
    if record is None:
        return Progress(current.id, current.plan_version, RolloutState.ORDERING, 0, 0, 0, None)
    state = RolloutState.DONE if record.is_done else RolloutState.WAVES
    return Progress(
        activation_id=current.id,
        plan_version=current.plan_version,
        state=state if record.waves else RolloutState.AT_ONCE,
        wave=record.wave,
        waves=record.waves,
        waves_done=record.done,
        moved_at=record.moved_at,
    )


def details(store: Store, activation_id: int) -> Details:
    with store.reading() as work:
        record, activation = work.rollouts.of(activation_id), work.plans.activation(activation_id)
        reasons = () if record is None else tuple(work.rollouts.document(activation_id).get("reasons", ()))
        heard = heard_lately(work)
    left_out = () if activation is None else _left_out(store, activation.plan_version, heard)
    if record is None or record.is_done:
        return Details(reasons=reasons, spares_left_out=left_out)
    found = waves(store, activation_id)
    if record.wave == record.done:
        return Details(spares=found.spares, spares_left_out=left_out)
    now, then = found.stages[record.done], found.stages[record.wave]
    waits_for = unconfirmed(now, then, activation_id, record.wave, heard)
    lost_rps = dict(found.lost_rps[record.wave - 1])
    return Details(tuple(waits_for), lost_rps, spares=found.spares, spares_left_out=left_out)


def _left_out(store: Store, version: int, heard: Sequence[HeardNode]) -> tuple[str, ...]:
    if not any_announced(heard):
        return ()
    found = stored_plan(store, version)
    planned = {cluster.id for cluster in found.plan.sub_clusters}
    pools = {(pool.gpu_type, pool.zone) for pool in found.problem.pools}
    return announced(heard, planned, pools).left_out


def routes_now(store: Store) -> tuple[int, Routes]:
    """The active plan's version, and where its models' requests are to go now. Raises ``NoActivePlan``."""
    with store.reading() as work:
        current, record = _current(work)
        version, now = current.plan_version, work.now
        if record is None:  # as before, until the waves are ordered
            record = work.rollouts.newest_before(current.id)
            before = None if record is None else work.plans.activation(record.activation_id)
            version = before.plan_version if before else version
    if record is None or record.is_done:
        found = stored_plan(store, version)
        return current.plan_version, routes(plan_stage(found.plan, epoch_at(found.problem, now)))
    stages = waves(store, record.activation_id).stages
    opening = stages[record.wave] if record.wave > record.done else None
    return current.plan_version, routes(stages[record.done], opening)


def spec_at(
    store: Store, activation_id: int, wave: int, sub_cluster: str, *, reporting_url: str | None = None
) -> SubClusterSpec:
    """
    What a sub-cluster's dispatcher is to run from the opening of a wave on.

    Raises ``WaveNotFound``, and ``SubClusterNotFound`` where the wave leaves nothing of it.
    """
    with store.reading() as work:
        record, activation = work.rollouts.of(activation_id), work.plans.activation(activation_id)
        if record is None or activation is None or not 0 <= wave <= record.waves:
            raise WaveNotFound(activation_id, wave)
        registered = {model.id: model for model in work.registry.models()}
    version = activation.plan_version
    if wave == record.waves:
        found = stored_plan(store, version)
        return sub_cluster_spec(store, version, sub_cluster, reporting_url=reporting_url, found=found)
    ordered = waves(store, activation_id)
    holding = ordered.stages[wave].get(sub_cluster)
    if holding is None or not holding.models:
        raise SubClusterNotFound(version, sub_cluster)
    versions = (version, *ordered.problem_versions)
    problems = [stored_plan(store, number).problem for number in versions]
    return SubClusterSpec(
        id=sub_cluster,
        plan_version=version,
        gpus=holding.gpus,
        models=_served(holding, problems, registered, _in_order(store, version, sub_cluster, holding)),
        rules=LIVE_RULES,
        delays=problems[0].policy.delays,
        reporting=LoadReporting(reporting_url, fleet=store.fleet) if reporting_url else None,
    )


def _current(work: UnitOfWork) -> tuple[Activation, RolloutRecord | None]:
    current = work.plans.current_activation()
    if current is None:
        raise NoActivePlan
    return current, work.rollouts.of(current.id)


def _in_order(store: Store, version: int, sub_cluster: str, holding: Holding) -> list[str]:
    """The models in the plan's own order, so that nothing changes where nothing is to change."""
    planned = stored_plan(store, version).plan.sub_clusters
    own = [p.model for each in planned if each.id == sub_cluster for p in each.placements]
    return [*(m for m in own if m in holding.models), *sorted(holding.models.keys() - set(own))]


def _served(
    holding: Holding,
    problems: list[PlanningProblem],
    registered: dict[str, RegisteredModel],
    names: list[str],
) -> tuple[ServedModel, ...]:
    """Each model as the first problem that knows it there has it."""
    models = []
    for name in names:
        for problem in problems:
            known = problem.models.get(name)
            if known is not None and holding.gpu_type in known.profiles:
                most = known.profiles[holding.gpu_type].batch_size_max
                batch_size = min(holding.models[name].batch_size, most)
                models.append(served_model(known, holding.gpu_type, batch_size, registered.get(name)))
                break
    return tuple(models)
