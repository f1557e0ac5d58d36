"""Profiles that measurements contradict: proposals, decisions, versions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query
from pydantic import PlainValidator

from api.rest.bodies import just_one
from api.rest.dependencies import (
    ANONYMOUS,
    INTEGER_MAX,
    PAGE_SIZE,
    Actor,
    Before,
    Limit,
    StoreDep,
    Version,
    problems,
)
from api.rest.schemas.common import Page
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


@router.get("/profile-proposals", responses=problems(), response_model_exclude_none=True)
def list_profile_proposals(
    store: StoreDep,
    state: Annotated[ProposalState | None, Query(description="Only those in this state.")] = None,
    limit: Limit = PAGE_SIZE,
    before: Before = None,
) -> Page[ProfileProposalOut]:
    """Proposed corrections of profiles, the newest first."""
    found = profile_drift.proposals(store, limit=limit, before=before, state=state)
    items = [ProfileProposalOut.of(proposal) for proposal in found]
    return Page(items=items, next_before=items[-1].id if len(items) == limit else None)


@router.post("/profile-proposals/search", status_code=201, responses=problems(409))
def look_for_profile_drift(store: StoreDep) -> list[ProfileProposalOut]:
    """
    Look for profiles that the last day's measurements contradict, now and not within the hour; what is new.
    """
    return [ProfileProposalOut.of(proposal) for proposal in profile_drift.propose(store)]


@router.get("/profile-proposals/{proposal_id}", responses=problems(404), response_model_exclude_none=True)
def get_profile_proposal(store: StoreDep, proposal_id: ProposalId) -> ProfileProposalOut:
    """One proposal and its evidence."""
    return ProfileProposalOut.of(profile_drift.proposal(store, proposal_id))


@router.post(
    "/profile-proposals/{proposal_id}/acceptance",
    responses=problems(404, 409, 413),
    response_model_exclude_none=True,
)
def accept_profile_proposal(
    store: StoreDep, proposal_id: ProposalId, body: Decision, actor: Actor = ANONYMOUS
) -> ProfileProposalOut:
    """Make the proposed curve the profile's next version. Refused when the profile has changed meanwhile."""
    (note,) = body.accepted({})
    return ProfileProposalOut.of(profile_drift.accept(store, proposal_id, actor=actor, note=note))


@router.post(
    "/profile-proposals/{proposal_id}/rejection",
    responses=problems(404, 409, 413),
    response_model_exclude_none=True,
)
def reject_profile_proposal(
    store: StoreDep, proposal_id: ProposalId, body: Decision, actor: Actor = ANONYMOUS
) -> ProfileProposalOut:
    """Leave the profile as it is; the same is not proposed again."""
    (note,) = body.accepted({})
    return ProfileProposalOut.of(profile_drift.reject(store, proposal_id, actor=actor, note=note))


@router.get(
    "/profiles/{model}/{gpu_type}/versions", responses=problems(404), response_model_exclude_none=True
)
def list_profile_versions(store: StoreDep, model: Named, gpu_type: Named) -> list[ProfileVersionOut]:
    """Every version of a profile, the newest first; the first of the list is the registered one."""
    return [ProfileVersionOut.of(version) for version in profile_drift.versions(store, model, gpu_type)]


@router.get("/plans/{version}/profiles", responses=problems(404))
def list_planned_profiles(store: StoreDep, version: Version) -> list[PlannedProfileOut]:
    """Which version of each profile a plan counted on."""
    found = profile_drift.planned_profiles(store, version)
    return [PlannedProfileOut.model_validate(planned) for planned in found]
