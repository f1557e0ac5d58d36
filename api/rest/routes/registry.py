"""GPU types, pools, models, profiles."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query
from pydantic import PlainValidator

from api.rest.bodies import one_or_many
from api.rest.dependencies import ANONYMOUS, Actor, StoreDep, problems
from api.rest.schemas.common import UpsertedOut
from api.rest.schemas.registry import (
    GpuTypeBody,
    GpuTypeOut,
    ModelBody,
    ModelOut,
    PoolBody,
    PoolOut,
    ProfileBody,
    ProfileOut,
)
from planner.problem.problem import GpuType, Pool
from planner.service import registry
from planner.service.submission import Submission
from planner.store.records import RegisteredModel, RegisteredProfile

router = APIRouter()

GpuTypes = Annotated[
    Submission[GpuType],
    PlainValidator(one_or_many(GpuTypeBody), json_schema_input_type=GpuTypeBody | list[GpuTypeBody]),
    Body(),
]
Pools = Annotated[
    Submission[Pool],
    PlainValidator(one_or_many(PoolBody), json_schema_input_type=PoolBody | list[PoolBody]),
    Body(),
]
Models = Annotated[
    Submission[RegisteredModel],
    PlainValidator(one_or_many(ModelBody), json_schema_input_type=ModelBody | list[ModelBody]),
    Body(),
]
Profiles = Annotated[
    Submission[RegisteredProfile],
    PlainValidator(one_or_many(ProfileBody), json_schema_input_type=ProfileBody | list[ProfileBody]),
    Body(),
]
Named = Annotated[str, Path(max_length=200)]
Filter = Annotated[str | None, Query(max_length=200)]


@router.post("/gpu-types", status_code=201, tags=["registry"], responses=problems(409, 413))
def submit_gpu_types(store: StoreDep, body: GpuTypes, actor: Actor = ANONYMOUS) -> UpsertedOut:
    """Create or replace GPU types: one, or an array of which all are stored or none."""
    return UpsertedOut.model_validate(registry.submit_gpu_types(store, body, actor=actor))


@router.get("/gpu-types", tags=["registry"], responses=problems())
def list_gpu_types(store: StoreDep) -> list[GpuTypeOut]:
    """All GPU types, by id."""
    return [GpuTypeOut.model_validate(found) for found in registry.gpu_types(store)]


@router.get("/gpu-types/{gpu_type}", tags=["registry"], responses=problems(404))
def get_gpu_type(store: StoreDep, gpu_type: Named) -> GpuTypeOut:
    """One GPU type."""
    return GpuTypeOut.model_validate(registry.gpu_type(store, gpu_type))


@router.post("/pools", status_code=201, tags=["registry"], responses=problems(409, 413))
def submit_pools(store: StoreDep, body: Pools, actor: Actor = ANONYMOUS) -> UpsertedOut:
    """Create or replace pools; their GPU types must be registered."""
    return UpsertedOut.model_validate(registry.submit_pools(store, body, actor=actor))


@router.get("/pools", tags=["registry"], responses=problems())
def list_pools(store: StoreDep) -> list[PoolOut]:
    """All pools, by GPU type and zone."""
    return [PoolOut.model_validate(found) for found in registry.pools(store)]


@router.get("/pools/{gpu_type}/{zone}", tags=["registry"], responses=problems(404))
def get_pool(store: StoreDep, gpu_type: Named, zone: Named) -> PoolOut:
    """One pool."""
    return PoolOut.model_validate(registry.pool(store, gpu_type, zone))


@router.post("/models", status_code=201, tags=["registry"], responses=problems(409, 413))
def submit_models(store: StoreDep, body: Models, actor: Actor = ANONYMOUS) -> UpsertedOut:
    """Create or replace models."""
    return UpsertedOut.model_validate(registry.submit_models(store, body, actor=actor))


@router.get("/models", tags=["registry"], responses=problems())
def list_models(store: StoreDep) -> list[ModelOut]:
    """All models, by id."""
    return [ModelOut.model_validate(found) for found in registry.models(store)]


@router.get("/models/{model}", tags=["registry"], responses=problems(404))
def get_model(store: StoreDep, model: Named) -> ModelOut:
    """One model."""
    return ModelOut.model_validate(registry.model(store, model))


@router.post("/profiles", status_code=201, tags=["registry"], responses=problems(409, 413))
def submit_profiles(store: StoreDep, body: Profiles, actor: Actor = ANONYMOUS) -> UpsertedOut:
    """Create or replace profiles; their models and GPU types must be registered."""
    return UpsertedOut.model_validate(registry.submit_profiles(store, body, actor=actor))


@router.get("/profiles", tags=["registry"], responses=problems(), response_model_exclude_none=True)
def list_profiles(store: StoreDep, model: Filter = None, gpu_type: Filter = None) -> list[ProfileOut]:
    """All profiles, or those of one model or GPU type."""
    found = registry.profiles(store, model_id=model, gpu_type_id=gpu_type)
    return [ProfileOut.of(profile) for profile in found]


@router.get(
    "/profiles/{model}/{gpu_type}",
    tags=["registry"],
    responses=problems(404),
    response_model_exclude_none=True,
)
def get_profile(store: StoreDep, model: Named, gpu_type: Named) -> ProfileOut:
    """One profile."""
    return ProfileOut.of(registry.profile(store, model, gpu_type))
