"""Plan versions and activations."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import PlainValidator

from api.rest.bodies import just_one
from api.rest.dependencies import (
    ANONYMOUS,
    INTEGER_MAX,
    PAGE_SIZE,
    Actor,
    Before,
    Limit,
    SettingsDep,
    StoreDep,
    Version,
    problems,
)
from api.rest.etags import (
    CONDITIONAL,
    NOT_MODIFIED,
    Wished,
    etag_of,
    is_current,
    not_modified,
    record_etag,
)
from api.rest.filters import ActorFilter, CreatedSince, CreatedUntil, ForecastFilter
from api.rest.paging import page
from api.rest.schemas.common import Page
from api.rest.schemas.plans import (
    ActivationBody,
    ActivationOut,
    CertificateOut,
    DifferenceOut,
    PlanOut,
    PlanSummaryOut,
    ServingOut,
    SubClusterServingOut,
)
from api.rest.schemas.problem import PROBLEM_EXAMPLE
from api.rest.schemas.runs import RunOut
from api.rest.schemas.sub_cluster import SubClusterSpecOut
from api.rest.waiting import WaitS, until_news
from planner.plan.difference import difference_to_json
from planner.service import plans
from planner.service.activation import ActivationRequest, activate, in_force
from planner.service.serving import plan_serving
from planner.service.sub_clusters import sub_cluster_spec
from planner.service.submission import Submission
from planner.store.records import DEFAULT_FLEET, Activation, PlanState
from planner.store.store import Store

router = APIRouter(tags=["plans"])

Activate = Annotated[
    Submission[ActivationRequest],
    PlainValidator(just_one(ActivationBody), json_schema_input_type=ActivationBody),
    Body(),
]
CERTIFIED_FIRST: dict[int | str, dict[str, Any]] = {
    202: {"model": RunOut, "description": "It is certified again first: follow the run."}
}


@router.get("/plans", responses=problems())
def list_plans(
    store: StoreDep,
    limit: Limit = PAGE_SIZE,
    before: Before = None,
    state: Annotated[PlanState | None, Query(description="Only plans in this state.")] = None,
    forecast_id: ForecastFilter = None,
    since: CreatedSince = None,
    until: CreatedUntil = None,
) -> Page[PlanSummaryOut]:
    """Plan versions, the newest first."""
    wanted = {"state": state, "forecast_id": forecast_id, "since": since, "until": until}
    found = plans.plans(store, limit=limit + 1, before=before, **wanted)
    return page(Page[PlanSummaryOut], found, limit, lambda each: each.version)


@router.get(
    "/plans/{version}",
    response_model=PlanOut,
    dependencies=[CONDITIONAL],
    responses=NOT_MODIFIED | problems(404),
)
def get_plan(store: StoreDep, version: Version, request: Request, response: Response) -> Any:
    """One plan version, whole. Only its state ever changes, and the ETag with it."""
    if "if-none-match" in request.headers:
        etag = record_etag(plans.standing(plans.summary(store, version)))
        if is_current(request, etag):
            return not_modified(etag)
    found = plans.documents(store, version)
    response.headers["ETag"] = record_etag(plans.standing(found.summary))
    return PlanOut.model_validate({**asdict(found.summary), "plan": found.plan})


@router.get(
    "/plans/{version}/problem",
    responses={200: {"content": {"application/json": {"example": PROBLEM_EXAMPLE}}}, **problems(404)},
)
def get_problem(store: StoreDep, version: Version) -> dict[str, Any]:
    """The planning problem that the plan answers, in its file format (docs/reference/problem.schema.json)."""
    return plans.documents(store, version).problem


@router.get("/plans/{version}/certificate", responses=problems(404))
def get_certificate(store: StoreDep, version: Version) -> CertificateOut:
    """The simulated evidence that the plan keeps its SLOs."""
    found = plans.documents(store, version)
    return CertificateOut(
        plan_version=version,
        passed=bool(found.summary.certificate_passed),
        bad_rate=found.summary.certificate_bad_rate,
        certificate=found.certificate or {},
    )


@router.get("/plans/{version}/difference", responses=problems(404))
def get_difference(
    store: StoreDep,
    version: Version,
    against: Annotated[
        int | None, Query(ge=1, le=INTEGER_MAX, description="The version to compare with.")
    ] = None,
) -> DifferenceOut:
    """What moves from another plan to this one: by default from the active one, or the one before it."""
    before, difference = plans.plan_difference(store, version, against=against)
    return DifferenceOut(before=before, after=version, difference=difference_to_json(difference))


@router.get(
    "/plans/{version}/sub-clusters/{sub_cluster:path}",
    response_model=SubClusterSpecOut,
    dependencies=[CONDITIONAL],
    responses=NOT_MODIFIED | problems(404),
)
def get_sub_cluster(
    store: StoreDep,
    settings: SettingsDep,
    version: Version,
    sub_cluster: Annotated[str, Path(max_length=200)],
    request: Request,
    response: Response,
    epoch: Annotated[
        int | None, Query(ge=0, le=9_999, description="Which epoch's GPUs; default: the most.")
    ] = None,
) -> Any:
    """A sub-cluster as its dispatcher runs it, its load reports addressed to this server."""
    url = settings.public_url or str(request.base_url).rstrip("/")
    spec = sub_cluster_spec(store, version, sub_cluster, epoch=epoch, reporting_url=url)
    content = msgspec.to_builtins(spec)
    etag = etag_of("sub-cluster", content)
    if is_current(request, etag):
        return not_modified(etag)
    response.headers["ETag"] = etag
    return content


@router.get("/plans/{version}/serving", responses=problems(404))
def get_serving(store: StoreDep, version: Version) -> ServingOut:
    """Where a plan is served already: its sub-clusters, as their nodes said within the last minute."""
    found = [SubClusterServingOut.model_validate(each) for each in plan_serving(store, version)]
    return ServingOut(plan_version=version, sub_clusters=found)


@router.post(
    "/activations",
    status_code=201,
    response_model=ActivationOut,
    tags=["activations"],
    responses=CERTIFIED_FIRST | problems(404, 409, 412, 413),
)
def activate_plan(
    store: StoreDep, body: Activate, given: Wished, response: Response, actor: Actor = ANONYMOUS
) -> Any:
    """
    Make an approved plan the active one.

    A superseded plan becomes active again (a roll back) once it is certified against the newest demand: the
    answer is 202 and the run that does so, which ends with the activation of a new version that repeats the
    old one. With `certify: "skip"` and a reason it becomes active at once, and the audit log says so.

    If-Match is compared with the ETag of the activation in force, `GET /v1/activations/current`.
    """
    (request,) = body.accepted({})
    done = activate(store, request, actor=actor, given=given)
    if isinstance(done, Activation):
        response.headers["ETag"] = record_etag(in_force(done))
        return ActivationOut.model_validate(done)
    location = f"/v1/runs/{done.id}" + ("" if store.fleet == DEFAULT_FLEET else f"?fleet={store.fleet}")
    run = RunOut.model_validate(done)
    return JSONResponse(run.model_dump(mode="json"), status_code=202, headers={"Location": location})


@router.get("/activations", tags=["activations"], responses=problems())
def list_activations(
    store: StoreDep,
    limit: Limit = PAGE_SIZE,
    before: Before = None,
    plan_version: Annotated[int | None, Query(ge=1, le=INTEGER_MAX)] = None,
    kind: Annotated[str | None, Query(max_length=16, description="activate or roll_back.")] = None,
    actor: ActorFilter = None,
    since: CreatedSince = None,
    until: CreatedUntil = None,
) -> Page[ActivationOut]:
    """Activations, the newest first."""
    wanted = {"plan_version": plan_version, "kind": kind, "actor": actor, "since": since, "until": until}
    found = plans.activations(store, limit=limit + 1, before=before, **wanted)
    return page(Page[ActivationOut], found, limit, lambda each: each.id)


@router.get(
    "/activations/current",
    response_model=ActivationOut,
    tags=["activations"],
    dependencies=[CONDITIONAL],
    responses=NOT_MODIFIED | problems(404),
)
async def get_current_activation(
    store: StoreDep, request: Request, response: Response, wait_s: WaitS = 0.0
) -> Any:
    """The activation in force; who asks with If-None-Match may wait until there is another."""
    current, etag = await until_news(request, wait_s, partial(_current, store))
    if current is None:
        return not_modified(etag)
    response.headers["ETag"] = etag
    return ActivationOut.model_validate(current)


def _current(store: Store) -> tuple[Activation, str]:
    found = plans.current_activation(store)
    return found, record_etag(in_force(found))
