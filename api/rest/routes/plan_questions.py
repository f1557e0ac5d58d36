"""Why a plan is as it is, and the way to it from another."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from api.rest.bodies import Id
from api.rest.dependencies import INTEGER_MAX, StoreDep, Version, problems
from api.rest.schemas.plan_questions import ExplanationOut, RolloutOut
from planner.problem.parse import EPOCHS_LIMIT
from planner.service import plan_questions
from planner.service.plan_questions import RolloutRequest

router = APIRouter(tags=["plans"])

EXPLAINED_S_MAX = 60.0
Epoch = Annotated[int, Query(ge=0, lt=EPOCHS_LIMIT, description="Of this plan: its demand is carried.")]


@router.get("/plans/{version}/explanation", responses=problems(404, 409))
def get_explanation(
    store: StoreDep,
    version: Version,
    model: Annotated[
        list[Id] | None,
        Query(max_length=100, description="List the alternatives refused for these; by default the largest."),
    ] = None,
    time_limit_s: Annotated[
        float, Query(gt=0, le=EXPLAINED_S_MAX, description="For what is solved again.")
    ] = 10.0,
    seed: Annotated[int, Query(ge=0, le=INTEGER_MAX)] = 0,
) -> ExplanationOut:
    """
    Why the plan is as it is: what clashes and would help, what binds, what was refused, what rules cost.

    Problems are solved again to find out, for as long as `time_limit_s` says, one such question at a time on
    a server; another is answered 409.
    """
    found = plan_questions.explanation(
        store, version, models=model or (), time_limit_s=time_limit_s, seed=seed
    )
    return ExplanationOut(plan_version=version, **found)


@router.get("/plans/{version}/rollout", responses=problems(404, 409), response_model_exclude_unset=True)
def get_rollout(
    store: StoreDep,
    version: Version,
    against: Annotated[int | None, Query(ge=1, le=INTEGER_MAX, description="The version that runs.")] = None,
    epoch: Epoch = 0,
    epoch_before: Annotated[
        int | None,
        Query(ge=0, lt=EPOCHS_LIMIT, description="Of the other plan, that is running; the same by default."),
    ] = None,
    load_gib_per_s: Annotated[float, Query(gt=0, le=1e6, description="How fast a GPU loads weights.")] = 1.0,
    loss_allowed: Annotated[
        bool, Query(description="Whether demand may be left out for a while where there is no other way.")
    ] = True,
    spares: Annotated[
        Literal["free", "kept"],
        Query(description="On which GPUs spares may be opened: any that are free, or those that nodes keep."),
    ] = "free",
) -> RolloutOut:
    """
    The order of loads, unloads and switches to this plan: by default from the active one, or from the one
    before it.

    Where there is no such order the answer is 409 and names what is missing. What nodes would carry out now
    opens spares on kept GPUs only.
    """
    request = RolloutRequest(against, epoch, epoch_before, load_gib_per_s, loss_allowed, spares == "kept")
    before, found = plan_questions.rollout(store, version, request)
    return RolloutOut.model_validate({"before": before, "after": version, **found})
