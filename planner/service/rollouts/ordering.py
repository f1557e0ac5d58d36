"""
The waves of the active plan, from where each sub-cluster is: computed once, kept with the activation.
They go through the spares that nodes announced lately, and through no other.

Ordering takes minutes for large fleets, so it is done in a process of its own after the activation;
nodes keep what they hold meanwhile. Of many servers one keeps its answer; they would all find the same.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from planner.plan.codec import parse_plan
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.rollout.stages import (
    Held,
    Holding,
    Stage,
    changed,
    open_spares,
    plan_stage,
    stages_between,
)
from planner.rollout.steps import SpareGpus
from planner.service.apart import apart
from planner.service.plan_errors import PlanQuestionBusy, PlanQuestionTooLong
from planner.service.rollouts.announced import announced
from planner.service.rollouts.confirming import is_confirmed, parts_by_sub_cluster
from planner.service.rollouts.document import (
    document_at_once,
    document_of,
    stage_from_json,
    stage_to_json,
    stages_of,
)
from planner.service.serving import heard_lately
from planner.store.records import Activation, HeardNode, PlanDocuments, RolloutRecord
from planner.store.store import Store, UnitOfWork
from profiles.faults import InputInvalid

ORDERING_S_MAX = 600.0

log = logging.getLogger(__name__)
_turn = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Start:
    """What sub-clusters hold, and the plans whose problems know those models, the latest first."""

    stage: Stage
    versions: tuple[int, ...]


def order(store: Store, stopping: threading.Event | None = None) -> bool:
    """
    Order the waves of the fleet's active plan; whether that was done, here or by another server.

    Once ``stopping`` is set it is left to another.
    """
    with store.reading() as work:
        current = work.plans.current_activation()
    if current is None:
        return False
    try:
        document = _document(store, current, stopping)
    except PlanQuestionBusy:
        return False
    except InputInvalid as error:  # a problem of a version long ago
        document = document_at_once([str(error)])
    with store.writing() as work:
        if work.rollouts.add(current.id, document, waves=len(document.get("waves", ()))):
            told = {"fleet": store.fleet, "plan_version": current.plan_version}
            log.info("rollout ordered: %s", told | {"waves": len(document.get("waves", ()))})
    return True


def _document(store: Store, current: Activation, stopping: threading.Event | None) -> dict[str, Any]:
    with store.reading() as work:
        start = _start(work, current)
        documents = work.plans.documents(current.plan_version)
        now, heard = work.now, heard_lately(work)
    assert documents is not None
    return document_at_once() if start is None else _ordered(start, documents, heard, now, stopping)


def epoch_at(problem: PlanningProblem, now: datetime) -> int:
    """The number of the epoch that holds at an instant; the first before and after all of them."""
    for number, epoch in enumerate(problem.epochs):
        try:
            begins = datetime.fromisoformat(epoch.start)
            if begins <= now < begins + timedelta(hours=epoch.hours):
                return number
        except (ValueError, TypeError):  # a start that is no instant with a time zone
            continue
    return 0


def _start(work: UnitOfWork, current: Activation) -> _Start | None:
    """Where the fleet is; None where nothing ran before."""
    record = work.rollouts.newest_before(current.id)
    earlier = [a for a in work.plans.activations(limit=2, before=current.id) if a.id != current.id]
    if record is None:
        return _of_plan(work, earlier[0].plan_version) if earlier else None
    of_record = work.plans.activation(record.activation_id)
    assert of_record is not None
    if record.is_done:
        return _of_plan(work, of_record.plan_version)
    document = work.rollouts.document(record.activation_id)
    versions = (of_record.plan_version, *document["problem_versions"])
    return _Start(_on_the_way(record, document, work), versions)


def _of_plan(work: UnitOfWork, version: int) -> _Start:
    documents = work.plans.documents(version)
    assert documents is not None
    epoch = epoch_at(parse_problem(documents.problem), work.now)
    return _Start(plan_stage(parse_plan(documents.plan), epoch), (version,))


def _on_the_way(record: RolloutRecord, document: dict[str, Any], work: UnitOfWork) -> Stage:
    """The stage of the waves that are done; of the open one, what those hold that have done their part."""
    stages = stages_of(document).stages
    stage = dict(stages[record.done])
    if record.wave == record.done:
        return stage
    then, parts = stages[record.wave], parts_by_sub_cluster(heard_lately(work))
    for name in changed(stage, then):
        own = parts.get(name, ())
        if own and is_confirmed(then.get(name), own, record.activation_id, record.wave):
            holding = stage.pop(name, None)
            if name in then:
                stage[name] = _with_traffic_of(holding, then[name])
    return stage


def _with_traffic_of(now: Holding | None, then: Holding) -> Holding:
    """What is held then, with the traffic of now: routes change once the whole wave is done."""
    shares = {model: held.share for model, held in now.models.items()} if now is not None else {}
    models = {model: Held(held.batch_size, shares.get(model, 0.0)) for model, held in then.models.items()}
    return dataclasses.replace(then, models=models)


def _ordered(
    start: _Start,
    documents: PlanDocuments,
    heard: Sequence[HeardNode],
    now: datetime,
    stopping: threading.Event | None,
) -> dict[str, Any]:
    problem = parse_problem(documents.problem)
    epoch = epoch_at(problem, now)
    target = plan_stage(parse_plan(documents.plan), epoch)
    if not changed(start.stage, target):
        return document_at_once()
    planned = (start.stage.keys() - open_spares(start.stage)) | target.keys()
    kept = announced(heard, planned, {(pool.gpu_type, pool.zone) for pool in problem.pools})
    for reason in kept.left_out:
        log.warning("plan %s: %s", documents.summary.version, reason)
    content = (
        documents.problem,
        stage_to_json(start.stage),
        documents.plan,
        epoch,
        start.versions,
        kept.spares,
    )
    try:
        reasons, document = apart(
            _ordered_apart, *content, within_s=ORDERING_S_MAX, turn=_turn, stopping=stopping
        )
    except PlanQuestionTooLong as error:
        reasons, document = [error.message], {}
    except RuntimeError:
        log.exception("the waves of plan %s cannot be ordered", documents.summary.version)
        reasons, document = ["ordering failed; see the server's log"], {}
    if reasons:
        log.warning("no waves lead to plan %s: %s", documents.summary.version, "; ".join(reasons))
        return document_at_once(reasons)
    return dict(document)


def _ordered_apart(
    problem: dict[str, Any],
    start: dict[str, Any],
    plan: dict[str, Any],
    epoch: int,
    versions: Sequence[int],
    spares: Sequence[SpareGpus],
) -> tuple[list[str], dict[str, Any]]:
    """Elsewhere: why there are no waves, else their document."""
    from planner.rollout.rollout import RolloutRefused

    question = parse_problem(problem)
    try:
        found = stages_between(question, stage_from_json(start), parse_plan(plan), epoch=epoch, spares=spares)
    except RolloutRefused as refused:
        return list(refused.reasons), {}
    except ValueError as error:
        return [str(error)], {}
    return [], document_of(found, versions)
