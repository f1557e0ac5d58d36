"""Profiles: what a model costs on a GPU type."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response

from api.rest.bodies import submitted
from api.rest.dependencies import ANONYMOUS, PAGE_SIZE, Actor, AfterPair, Limit, StoreDep, problems
from api.rest.etags import CONDITIONAL, NOT_MODIFIED, Given, fresh, record_etag, tagged
from api.rest.paging import named_page, pair
from api.rest.routes.registry import CHANGED, DELETED, Filter, Named, created
from api.rest.schemas.common import NamedPage, UpsertedOut
from api.rest.schemas.profiles import ProfileBody, ProfileOut
from planner.service import registry
from planner.service.submission import Submission
from planner.store.records import RegisteredProfile

router = APIRouter(tags=["registry"])

Profiles = Annotated[Submission[RegisteredProfile], submitted(ProfileBody)]
OneProfile = Annotated[
    Submission[RegisteredProfile],
    submitted(ProfileBody, many=False, in_path={"model": "model", "gpu_type": "gpu_type"}),
]


@router.post("/profiles", status_code=201, responses=problems(409, 412, 413, 428))
def submit_profiles(store: StoreDep, body: Profiles, given: Given, actor: Actor = ANONYMOUS) -> UpsertedOut:
    """Create or replace profiles; their models and GPU types must be registered."""
    return UpsertedOut.model_validate(registry.submit_profiles(store, body, actor=actor, given=given))


@router.get("/profiles", responses=problems(), response_model_exclude_unset=True)
def list_profiles(
    store: StoreDep,
    model: Filter = None,
    gpu_type: Filter = None,
    limit: Limit = PAGE_SIZE,
    after: AfterPair = None,
) -> NamedPage[ProfileOut]:
    """Profiles, by model and GPU type; or those of one model or GPU type."""
    found = registry.profiles(store, model_id=model, gpu_type_id=gpu_type, after=pair(after), limit=limit + 1)
    shown = [ProfileOut.of(profile) for profile in found]
    return named_page(NamedPage[ProfileOut], shown, limit, lambda each: f"{each.model}/{each.gpu_type}")


@router.get(
    "/profiles/{model}/{gpu_type}",
    response_model=ProfileOut,
    response_model_exclude_unset=True,
    responses=NOT_MODIFIED | problems(404),
    dependencies=[CONDITIONAL],
)
def get_profile(store: StoreDep, model: Named, gpu_type: Named, request: Request, response: Response) -> Any:
    """One profile."""
    found = registry.profile(store, model, gpu_type)
    return fresh(request, response, record_etag(found)) or ProfileOut.of(found)


@router.put(
    "/profiles/{model}/{gpu_type}",
    response_model=ProfileOut,
    response_model_exclude_unset=True,
    responses=created(ProfileOut) | CHANGED,
)
def put_profile(
    store: StoreDep,
    model: Named,
    gpu_type: Named,
    body: OneProfile,
    given: Given,
    response: Response,
    actor: Actor = ANONYMOUS,
) -> Any:
    """Create or replace one profile; its model and GPU type in the body are those of the path."""
    stored, is_new = registry.put_profile(store, body, actor=actor, given=given)
    response.status_code = 201 if is_new else 200
    return ProfileOut.of(tagged(response, stored))


@router.delete(
    "/profiles/{model}/{gpu_type}",
    status_code=204,
    responses=DELETED,
    response_model=None,
)
def delete_profile(
    store: StoreDep, model: Named, gpu_type: Named, given: Given, actor: Actor = ANONYMOUS
) -> None:
    """Delete a profile that no active plan rests on."""
    registry.delete_profile(store, model, gpu_type, actor=actor, given=given)
