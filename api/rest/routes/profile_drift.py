"""Profiles that measurements contradict: proposals, decisions, versions."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request, Response
from pydantic import PlainValidator

from api.rest.bodies import just_one
from api.rest.dependencies import (
    ANONYMOUS,
    INTEGER_MAX,
    PAGE_SIZE,
    Actor,
    AfterPair,
    Before,
    Limit,
    StoreDep,
    Version,
    problems,
)
from api.rest.etags import CONDITIONAL, NOT_MODIFIED, Wished, fresh, record_etag, tagged
from api.rest.paging import named_page, page, pair
from api.rest.schemas.common import NamedPage, Page
from api.rest.schemas.profile_drift import (
    DecisionBody,
    PlannedProfileOut,
    ProfileProposalOut,
    ProfileVersionOut,
)
from planner.service import profile_drift
from planner.service.submission import Submission
from planner.store.records import ProposalState

router = APIRouter(tags=["profiles"])

Decision = Annotated[
    Submission[str | None],
    PlainValidator(just_one(DecisionBody), json_schema_input_type=DecisionBody),
    Body(),
]
ProposalId = Annotated[int, Path(ge=1, le=INTEGER_MAX, description="The proposal's id.")]
Named = Annotated[str, Path(max_length=200)]


@router.get("/profile-proposals", responses=problems(), response_model_exclude_unset=True)
def list_profile_proposals(
    store: StoreDep,
    state: Annotated[ProposalState | None, Query(description="Only those in this state.")] = None,
    limit: Limit = PAGE_SIZE,
    before: Before = None,
) -> Page[ProfileProposalOut]:
    """Proposed corrections of profiles, the newest first."""
    found = profile_drift.proposals(store, limit=limit + 1, before=before, state=state)
    shown = [ProfileProposalOut.of(proposal) for proposal in found]
    return page(Page[ProfileProposalOut], shown, limit, lambda each: each.id)


@router.post("/profile-proposals/search", status_code=201, responses=problems(409))
def look_for_profile_drift(store: StoreDep) -> list[ProfileProposalOut]:
    """
    Look for profiles that the last day's measurements contradict, now and not within the hour; what is new.
    """
    return [ProfileProposalOut.of(proposal) for proposal in profile_drift.propose(store)]


@router.get(
    "/profile-proposals/{proposal_id}",
    response_model=ProfileProposalOut,
    responses=NOT_MODIFIED | problems(404),
    response_model_exclude_unset=True,
    dependencies=[CONDITIONAL],
)
def get_profile_proposal(
    store: StoreDep, proposal_id: ProposalId, request: Request, response: Response
) -> Any:
    """One proposal and its evidence."""
    found = profile_drift.proposal(store, proposal_id)
    return fresh(request, response, record_etag(found)) or ProfileProposalOut.of(found)


@router.post(
    "/profile-proposals/{proposal_id}/acceptance",
    responses=problems(404, 409, 412, 413),
    response_model_exclude_unset=True,
)
def accept_profile_proposal(
    store: StoreDep,
    proposal_id: ProposalId,
    body: Decision,
    given: Wished,
    response: Response,
    actor: Actor = ANONYMOUS,
) -> ProfileProposalOut:
    """Make the proposed curve the profile's next version. Refused when the profile has changed meanwhile."""
    (note,) = body.accepted({})
    done = profile_drift.accept(store, proposal_id, actor=actor, note=note, given=given)
    return ProfileProposalOut.of(tagged(response, done))


@router.post(
    "/profile-proposals/{proposal_id}/rejection",
    responses=problems(404, 409, 412, 413),
    response_model_exclude_unset=True,
)
def reject_profile_proposal(
    store: StoreDep,
    proposal_id: ProposalId,
    body: Decision,
    given: Wished,
    response: Response,
    actor: Actor = ANONYMOUS,
) -> ProfileProposalOut:
    """Leave the profile as it is; the same is not proposed again."""
    (note,) = body.accepted({})
    done = profile_drift.reject(store, proposal_id, actor=actor, note=note, given=given)
    return ProfileProposalOut.of(tagged(response, done))


@router.get(
    "/profiles/{model}/{gpu_type}/versions", responses=problems(404), response_model_exclude_unset=True
)
def list_profile_versions(
    store: StoreDep, model: Named, gpu_type: Named, limit: Limit = PAGE_SIZE, before: Before = None
) -> Page[ProfileVersionOut]:
    """Versions of a profile, the newest first; the first of all is the registered one."""
    found = [
        ProfileVersionOut.of(version)
        for version in profile_drift.versions(store, model, gpu_type)
        if before is None or version.version < before
    ]
    return page(Page[ProfileVersionOut], found, limit, lambda each: each.version)


@router.get("/plans/{version}/profiles", responses=problems(404))
def list_planned_profiles(
    store: StoreDep, version: Version, limit: Limit = PAGE_SIZE, after: AfterPair = None
) -> NamedPage[PlannedProfileOut]:
    """Which version of each profile a plan counted on, by model and GPU type."""
    planned = sorted(profile_drift.planned_profiles(store, version), key=lambda p: (p.model, p.gpu_type))
    since = pair(after) or ("", "")
    found = [each for each in planned if (each.model, each.gpu_type) > since]
    return named_page(
        NamedPage[PlannedProfileOut], found, limit, lambda each: f"{each.model}/{each.gpu_type}"
    )
