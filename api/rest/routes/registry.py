"""GPU types, pools, models."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel

from api.rest.bodies import submitted
from api.rest.dependencies import (
    ANONYMOUS,
    PAGE_SIZE,
    Actor,
    After,
    AfterPair,
    Limit,
    NameFilter,
    StoreDep,
    problems,
)
from api.rest.etags import CONDITIONAL, NOT_MODIFIED, Given, fresh, record_etag, tagged
from api.rest.paging import named_page, pair
from api.rest.schemas.common import ModelsUpsertedOut, NamedPage, UpsertedOut
from api.rest.schemas.registry import (
    GpuTypeBody,
    GpuTypeOut,
    ModelBody,
    ModelOut,
    PoolBody,
    PoolOut,
)
from planner.problem.problem import GpuType, Pool
from planner.service import registry
from planner.service.registry import ModelEntry
from planner.service.submission import Submission

router = APIRouter(tags=["registry"])

GpuTypes = Annotated[Submission[GpuType], submitted(GpuTypeBody)]
OneGpuType = Annotated[Submission[GpuType], submitted(GpuTypeBody, many=False, in_path={"id": "gpu_type"})]
Pools = Annotated[Submission[Pool], submitted(PoolBody)]
OnePool = Annotated[
    Submission[Pool], submitted(PoolBody, many=False, in_path={"gpu_type": "gpu_type", "zone": "zone"})
]
Models = Annotated[Submission[ModelEntry], submitted(ModelBody)]
OneModel = Annotated[Submission[ModelEntry], submitted(ModelBody, many=False, in_path={"id": "model"})]
Named = Annotated[str, Path(max_length=200)]
Filter = Annotated[str | None, Query(max_length=200)]
CHANGED = problems(404, 409, 412, 413, 428)
"""What a PUT may be refused with."""
DELETED = problems(404, 409, 412, 428)


def created(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """Documentation of what a PUT answers with where there was nothing."""
    return {201: {"model": model, "description": "It did not exist before."}}


@router.post("/gpu-types", status_code=201, responses=problems(409, 412, 413, 428))
def submit_gpu_types(store: StoreDep, body: GpuTypes, given: Given, actor: Actor = ANONYMOUS) -> UpsertedOut:
    """Create or replace GPU types: one, or an array of which all are stored or none."""
    return UpsertedOut.model_validate(registry.submit_gpu_types(store, body, actor=actor, given=given))


@router.get("/gpu-types", responses=problems())
def list_gpu_types(
    store: StoreDep, name: NameFilter = None, limit: Limit = PAGE_SIZE, after: After = None
) -> NamedPage[GpuTypeOut]:
    """GPU types, by id."""
    found = registry.gpu_types(store, name=name, after=after, limit=limit + 1)
    return named_page(NamedPage[GpuTypeOut], found, limit, lambda each: each.id)


@router.get(
    "/gpu-types/{gpu_type}",
    response_model=GpuTypeOut,
    responses=NOT_MODIFIED | problems(404),
    dependencies=[CONDITIONAL],
)
def get_gpu_type(store: StoreDep, gpu_type: Named, request: Request, response: Response) -> Any:
    """One GPU type."""
    found = registry.gpu_type(store, gpu_type)
    return fresh(request, response, record_etag(found)) or found


@router.put(
    "/gpu-types/{gpu_type}",
    response_model=GpuTypeOut,
    responses=created(GpuTypeOut) | CHANGED,
)
def put_gpu_type(
    store: StoreDep,
    gpu_type: Named,
    body: OneGpuType,
    given: Given,
    response: Response,
    actor: Actor = ANONYMOUS,
) -> Any:
    """Create or replace one GPU type; its id in the body is that of the path."""
    done = registry.submit_gpu_types(store, body, actor=actor, given=given)
    response.status_code = 201 if done.created else 200
    return tagged(response, body.entries[0])


@router.delete("/gpu-types/{gpu_type}", status_code=204, responses=DELETED, response_model=None)
def delete_gpu_type(store: StoreDep, gpu_type: Named, given: Given, actor: Actor = ANONYMOUS) -> None:
    """Delete a GPU type that no pool and no profile names."""
    registry.delete_gpu_type(store, gpu_type, actor=actor, given=given)


@router.post("/pools", status_code=201, responses=problems(409, 412, 413, 428))
def submit_pools(store: StoreDep, body: Pools, given: Given, actor: Actor = ANONYMOUS) -> UpsertedOut:
    """Create or replace pools; their GPU types must be registered."""
    return UpsertedOut.model_validate(registry.submit_pools(store, body, actor=actor, given=given))


@router.get("/pools", responses=problems())
def list_pools(
    store: StoreDep,
    gpu_type: Filter = None,
    zone: Filter = None,
    limit: Limit = PAGE_SIZE,
    after: AfterPair = None,
) -> NamedPage[PoolOut]:
    """Pools, by GPU type and zone."""
    found = registry.pools(store, gpu_type=gpu_type, zone=zone, after=pair(after), limit=limit + 1)
    return named_page(NamedPage[PoolOut], found, limit, lambda each: f"{each.gpu_type}/{each.zone}")


@router.get(
    "/pools/{gpu_type}/{zone}",
    response_model=PoolOut,
    responses=NOT_MODIFIED | problems(404),
    dependencies=[CONDITIONAL],
)
def get_pool(store: StoreDep, gpu_type: Named, zone: Named, request: Request, response: Response) -> Any:
    """One pool."""
    found = registry.pool(store, gpu_type, zone)
    return fresh(request, response, record_etag(found)) or found


@router.put(
    "/pools/{gpu_type}/{zone}",
    response_model=PoolOut,
    responses=created(PoolOut) | CHANGED,
)
def put_pool(
    store: StoreDep,
    gpu_type: Named,
    zone: Named,
    body: OnePool,
    given: Given,
    response: Response,
    actor: Actor = ANONYMOUS,
) -> Any:
    """Create or replace one pool; its GPU type and zone in the body are those of the path."""
    done = registry.submit_pools(store, body, actor=actor, given=given)
    response.status_code = 201 if done.created else 200
    return tagged(response, body.entries[0])


@router.delete("/pools/{gpu_type}/{zone}", status_code=204, responses=DELETED, response_model=None)
def delete_pool(
    store: StoreDep, gpu_type: Named, zone: Named, given: Given, actor: Actor = ANONYMOUS
) -> None:
    """Delete a pool that the active plan has no GPUs in."""
    registry.delete_pool(store, gpu_type, zone, actor=actor, given=given)


@router.post("/models", status_code=201, responses=problems(409, 412, 413, 428))
def submit_models(store: StoreDep, body: Models, given: Given, actor: Actor = ANONYMOUS) -> ModelsUpsertedOut:
    """Create or replace models, and those of their profiles that come with them."""
    done = registry.submit_models(store, body, actor=actor, given=given)
    return ModelsUpsertedOut(
        created=list(done.models.created),
        updated=list(done.models.updated),
        profiles_created=list(done.profiles.created),
        profiles_updated=list(done.profiles.updated),
    )


@router.get("/models", responses=problems())
def list_models(
    store: StoreDep, name: NameFilter = None, limit: Limit = PAGE_SIZE, after: After = None
) -> NamedPage[ModelOut]:
    """Models, by id."""
    found = registry.models(store, name=name, after=after, limit=limit + 1)
    return named_page(NamedPage[ModelOut], found, limit, lambda each: each.id)


@router.get(
    "/models/{model}",
    response_model=ModelOut,
    responses=NOT_MODIFIED | problems(404),
    dependencies=[CONDITIONAL],
)
def get_model(store: StoreDep, model: Named, request: Request, response: Response) -> Any:
    """One model."""
    found = registry.model(store, model)
    return fresh(request, response, record_etag(found)) or found


@router.put(
    "/models/{model}",
    response_model=ModelOut,
    responses=created(ModelOut) | CHANGED,
)
def put_model(
    store: StoreDep,
    model: Named,
    body: OneModel,
    given: Given,
    response: Response,
    actor: Actor = ANONYMOUS,
) -> Any:
    """Create or replace one model; its id in the body is that of the path."""
    done = registry.submit_models(store, body, actor=actor, given=given)
    response.status_code = 201 if done.models.created else 200
    return tagged(response, body.entries[0].model)


@router.delete("/models/{model}", status_code=204, responses=DELETED, response_model=None)
def delete_model(store: StoreDep, model: Named, given: Given, actor: Actor = ANONYMOUS) -> None:
    """Delete a model that no profile, no forecast and no active plan names."""
    registry.delete_model(store, model, actor=actor, given=given)
