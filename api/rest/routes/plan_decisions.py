"""What becomes of a plan: approval, rejection, its history; plans handed in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Response
from pydantic import PlainValidator

from api.rest.bodies import just_one
from api.rest.dependencies import ANONYMOUS, Actor, StoreDep, Version, problems
from api.rest.etags import Wished, record_etag
from api.rest.schemas.plan_decisions import (
    ApprovalBody,
    HistoryOut,
    ImportBody,
    ImportedOut,
    RejectionBody,
)
from api.rest.schemas.plans import PlanSummaryOut
from planner.service import plans
from planner.service.plan_import import NewImport, import_plan
from planner.service.submission import Submission
from planner.store.records import PlanSummary

router = APIRouter(tags=["plans"])

Import = Annotated[
    Submission[NewImport], PlainValidator(just_one(ImportBody), json_schema_input_type=ImportBody), Body()
]


@router.post("/plans/imported", status_code=201, responses=problems(404, 409, 413))
def post_imported_plan(store: StoreDep, body: Import, actor: Actor = ANONYMOUS) -> ImportedOut:
    """Hand in what the fleet runs by other means: plans are compared with it; it is never activated."""
    made, violations = import_plan(store, body, actor=actor)
    return ImportedOut(plan=PlanSummaryOut.model_validate(made), violations=violations)


@router.post("/plans/{version}/approval", responses=problems(404, 409, 412, 413))
def approve_plan(
    store: StoreDep,
    version: Version,
    body: ApprovalBody,
    given: Wished,
    response: Response,
    actor: Actor = ANONYMOUS,
) -> PlanSummaryOut:
    """Approve a certified plan, for the content that `plan_id` names; again by the same one is harmless."""
    done = plans.approve(store, version, plan_id=body.plan_id, actor=actor, reason=body.reason, given=given)
    return _tagged(response, done)


@router.post("/plans/{version}/rejection", responses=problems(404, 409, 412, 413))
def reject_plan(
    store: StoreDep,
    version: Version,
    body: RejectionBody,
    given: Wished,
    response: Response,
    actor: Actor = ANONYMOUS,
) -> PlanSummaryOut:
    """Reject a plan that is not active, for good."""
    done = plans.reject(store, version, plan_id=body.plan_id, actor=actor, reason=body.reason, given=given)
    return _tagged(response, done)


def _tagged(response: Response, done: PlanSummary) -> PlanSummaryOut:
    response.headers["ETag"] = record_etag(plans.standing(done))
    return PlanSummaryOut.model_validate(done)


@router.get("/plans/{version}/history", responses=problems(404))
def get_plan_history(store: StoreDep, version: Version) -> HistoryOut:
    """Who decided what of the plan, when and why."""
    return HistoryOut.model_validate(plans.history(store, version))
