"""
Questions about a stored plan that take work: why it is as it is, and how to get there from another.

Both are answered by the functions behind ``fermata plan explain`` and ``fermata plan rollout``, in a process
of their own, one at a time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from planner.plan.codec import parse_plan
from planner.problem.names import nearest
from planner.problem.parse import parse_problem
from planner.rollout.steps import SpareGpus
from planner.service.apart import apart
from planner.service.plan_errors import PlanBreaksRules, RolloutImpossible
from planner.service.plans import StoredPlan, plan, predecessor
from planner.service.rollouts.announced import announced
from planner.service.serving import heard_lately
from planner.store.store import Store
from profiles.faults import Fault, InputInvalid

BEYOND_SOLVING_S = 45.0
"""For what is not solving: to begin a process, read the plan, and look at all that binds and was refused."""
ROLLOUT_S_MAX = 60.0
VIOLATIONS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class RolloutRequest:
    """
    From plan version ``against`` to another; None: from the active one, or the one active before it.

    ``epoch`` is of the plan to go to, ``epoch_before`` of the other, the same number if None. Spares are on
    any free GPUs of the pools; with ``kept_spares_only`` on those that nodes announce, as when nodes carry
    it out.
    """

    against: int | None = None
    epoch: int = 0
    epoch_before: int | None = None
    load_gib_per_s: float = 1.0
    loss_allowed: bool = True
    kept_spares_only: bool = False


def explanation(
    store: Store, version: int, *, models: Sequence[str] = (), time_limit_s: float, seed: int = 0
) -> dict[str, Any]:
    """
    Why the plan is as it is, as ``planner.explain.codec`` writes it.

    ``models`` are those whose refused alternatives are listed; by default unserved ones and the largest.
    Raises ``PlanNotFound``, ``InputInvalid``, ``PlanBreaksRules``, ``PlanQuestionBusy``,
    ``PlanQuestionTooLong``.
    """
    found = plan(store, version)
    faults = [
        Fault(
            "model", repr(name), f"must be a model of the plan's problem{nearest(name, found.problem.models)}"
        )
        for name in models
        if name not in found.problem.models
    ]
    if faults:
        raise InputInvalid("request", faults)
    documents = (found.problem_document, found.plan_document)
    broken, answer = apart(
        _explained,
        *documents,
        tuple(models),
        time_limit_s,
        seed,
        within_s=time_limit_s + BEYOND_SOLVING_S,
    )
    if broken:
        raise PlanBreaksRules(version, broken)
    explained: dict[str, Any] = answer
    return explained


def rollout(store: Store, version: int, request: RolloutRequest) -> tuple[int | None, dict[str, Any]]:
    """
    The version that the way to the plan starts from, and its waves, as ``planner.rollout.codec`` writes them.

    Where there is none to start from, everything is loaded. Raises ``PlanNotFound``, ``InputInvalid``,
    ``RolloutImpossible``, ``PlanQuestionBusy``, ``PlanQuestionTooLong``.
    """
    after = plan(store, version)
    other = request.against if request.against is not None else predecessor(store, version)
    before = None if other is None else plan(store, other)
    _require_epochs(after, before, request)
    spares = _kept_spares(store, after, before) if request.kept_spares_only else None
    reasons, answer = apart(
        _rolled_out,
        after.problem_document,
        None if before is None else before.plan_document,
        after.plan_document,
        request,
        spares,
        within_s=ROLLOUT_S_MAX,
    )
    if reasons:
        raise RolloutImpossible(version, other, reasons)
    return other, answer


def _kept_spares(store: Store, after: StoredPlan, before: StoredPlan | None) -> tuple[SpareGpus, ...]:
    with store.reading() as work:
        heard = heard_lately(work)
    plans = (after.plan,) if before is None else (after.plan, before.plan)
    planned = {cluster.id for plan in plans for cluster in plan.sub_clusters}
    return announced(heard, planned, {(pool.gpu_type, pool.zone) for pool in after.problem.pools}).spares


def _require_epochs(after: StoredPlan, before: StoredPlan | None, request: RolloutRequest) -> None:
    first = request.epoch if request.epoch_before is None else request.epoch_before
    asked = [("epoch", request.epoch, after)]
    asked += [] if before is None else [("epoch_before", first, before)]
    faults = [
        Fault(field, str(number), f"must be 0 to {len(of.problem.epochs) - 1}, the epochs of plan {name}")
        for field, number, of in asked
        for name in [of.summary.version]
        if not number < len(of.problem.epochs)
    ]
    if faults:
        raise InputInvalid("request", faults)


def _explained(
    problem: dict[str, Any], plan: dict[str, Any], models: tuple[str, ...], time_limit_s: float, seed: int
) -> tuple[list[str], dict[str, Any]]:
    """Elsewhere: the rules that the plan breaks, else its explanation."""
    from planner.explain.codec import explanation_to_json
    from planner.explain.explanation import explain
    from planner.plan.verify import verify

    question, answer = parse_problem(problem), parse_plan(plan)
    if broken := [str(one) for one in verify(question, answer)[:VIOLATIONS_SHOWN]]:
        return broken, {}
    found = explain(question, answer, models=models, time_limit_s=time_limit_s, seed=seed)
    return [], explanation_to_json(found)


def _rolled_out(
    problem: dict[str, Any],
    before: dict[str, Any] | None,
    after: dict[str, Any],
    request: RolloutRequest,
    spares: tuple[SpareGpus, ...] | None,
) -> tuple[list[str], dict[str, Any]]:
    """Elsewhere: why there is no way, else the way."""
    from planner.rollout.codec import rollout_to_json
    from planner.rollout.rollout import RolloutRefused
    from planner.rollout.rollout import rollout as ordered

    following = parse_plan(after)
    running = dataclasses.replace(following, sub_clusters=()) if before is None else parse_plan(before)
    try:
        found = ordered(
            parse_problem(problem),
            running,
            following,
            epoch=request.epoch,
            epoch_before=request.epoch_before,
            loss_allowed=request.loss_allowed,
            load_gib_per_s=request.load_gib_per_s,
            spares=spares,
        )
    except RolloutRefused as refused:
        return list(refused.reasons), {}
    return [], rollout_to_json(found)
