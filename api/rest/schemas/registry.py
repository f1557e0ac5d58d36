"""GPU types, pools, models, profiles."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.rest.bodies import Entry, Id, Strict, Text, reference
from api.rest.faults import path_of
from api.rest.schemas.common import example
from api.rest.schemas.profiles import PROFILE_EXAMPLE, ModelProfileBody, curve_faults
from dispatcher.contract.datatypes import NUMPY_BY_DATATYPE
from dispatcher.contract.reading import shown
from dispatcher.contract.strings import BYTES
from dispatcher.contract.sub_cluster_file import elements_max
from planner.problem.parse import (
    BATCH_SIZE_LIMIT,
    COUNT_LIMIT,
    GIB_LIMIT,
    MILLISECONDS_LEAST,
    MILLISECONDS_LIMIT,
    USD_LIMIT,
)
from planner.problem.problem import GpuType, Pool
from planner.service.registry import ModelEntry
from planner.service.submission import Reference
from planner.store.records import RegisteredModel
from profiles.faults import Fault

Gib = Annotated[float, Field(ge=0, le=GIB_LIMIT)]
Milliseconds = Annotated[float, Field(ge=MILLISECONDS_LEAST, le=MILLISECONDS_LIMIT)]
BatchSize = Annotated[int, Field(ge=1, le=BATCH_SIZE_LIMIT)]
Extent = Annotated[int, Field(ge=1, le=2**20)]
Knot = Annotated[tuple[BatchSize, Milliseconds], Field(strict=False)]

GPU_TYPE_EXAMPLE: dict[str, Any] = {
    "id": "A100-40GB",
    "memory_gib": 40.0,
    "reserve_gib": 1.5,
    "price_usd_per_hour": 3.67,
}
POOL_EXAMPLE: dict[str, Any] = {"gpu_type": "A100-40GB", "zone": "zone-a", "available": 16}
MODEL_EXAMPLE: dict[str, Any] = {"id": "resnet50", "slo_ms": 25.0, "priority": 1}
MODEL_WITH_PROFILE_EXAMPLE: dict[str, Any] = {
    **MODEL_EXAMPLE,
    "profiles": [{name: value for name, value in PROFILE_EXAMPLE.items() if name != "model"}],
}


class GpuTypeBody(Entry[GpuType]):
    """A kind of GPU: its memory, what of it is kept back, its price."""

    model_config = example(GPU_TYPE_EXAMPLE)
    subject: ClassVar[str] = "gpu-types"

    id: Id
    memory_gib: float = Field(gt=0, le=GIB_LIMIT, description="Memory of one GPU, in GiB.")
    reserve_gib: float = Field(
        default=0.0, ge=0, le=GIB_LIMIT, description="Memory that models may not use, in GiB."
    )
    price_usd_per_hour: float = Field(
        ge=0, le=USD_LIMIT, description="Price of one GPU, in dollars per hour."
    )

    def to_record(self) -> GpuType:
        return GpuType(self.id, self.memory_gib, self.reserve_gib, self.price_usd_per_hour)

    @classmethod
    def identity(cls, raw: Mapping[str, Any]) -> str | None:
        return raw["id"] if isinstance(raw.get("id"), str) else None

    @classmethod
    def faults_between(cls, raw: Mapping[str, Any], path: str) -> Iterator[Fault]:
        memory, reserve = raw.get("memory_gib"), raw.get("reserve_gib", 0.0)
        if isinstance(memory, int | float) and isinstance(reserve, int | float) and reserve >= memory > 0:
            yield Fault(
                path_of(["reserve_gib"], path), shown(reserve), f"must be below memory_gib {memory:g}"
            )


class PoolBody(Entry[Pool]):
    """GPUs of one type in one zone."""

    model_config = example(POOL_EXAMPLE)
    subject: ClassVar[str] = "pools"

    gpu_type: Id
    zone: Id
    available: int = Field(ge=0, le=COUNT_LIMIT, description="How many GPUs there are.")

    def to_record(self) -> Pool:
        return Pool(self.gpu_type, self.zone, self.available)

    @classmethod
    def identity(cls, raw: Mapping[str, Any]) -> str | None:
        parts = raw.get("gpu_type"), raw.get("zone")
        return "/".join(str(part) for part in parts) if all(isinstance(p, str) for p in parts) else None

    @classmethod
    def references(cls, raw: Mapping[str, Any], path: str) -> Iterator[Reference]:
        return reference(raw, "gpu_type", "gpu_type", path)


class TensorBody(Strict):
    """One input or output; the shape leaves out the batch dimension."""

    name: Text
    datatype: Literal[tuple(NUMPY_BY_DATATYPE)] = Field(description="As in the Open Inference Protocol.")  # type: ignore[valid-type]
    shape: list[Extent] = Field(max_length=16)


class BackendBody(Strict):
    """What executes the model: `emulated` takes its curve's time, `onnx` and `torch` compute `path`."""

    kind: Literal["emulated", "onnx", "torch"] = "emulated"
    path: Annotated[str, Field(min_length=1, max_length=4_096, pattern=r"^[^\x00-\x1f\x7f]+$")] | None = None
    batch_sizes: list[Annotated[int, Field(ge=1, le=COUNT_LIMIT)]] | None = Field(
        default=None,
        min_length=1,
        max_length=64,
        description="The only ones it runs at: others are filled up.",
    )


class ModelBody(Entry[ModelEntry]):
    """A served network: its promise, how it is served, and what it costs on GPU types."""

    model_config = ConfigDict(json_schema_extra={"examples": [MODEL_EXAMPLE, MODEL_WITH_PROFILE_EXAMPLE]})
    subject: ClassVar[str] = "models"

    id: Id
    slo_ms: float = Field(
        gt=0, le=MILLISECONDS_LIMIT, description="The answer is due this long after the request, in ms."
    )
    priority: int = Field(
        default=1, ge=1, le=COUNT_LIMIT, description="1 is most important; larger go unserved first."
    )
    inputs: list[TensorBody] | None = Field(default=None, min_length=1, max_length=64)
    outputs: list[TensorBody] | None = Field(default=None, min_length=1, max_length=64)
    backend: BackendBody | None = None
    profiles: list[ModelProfileBody] | None = Field(
        default=None,
        max_length=1_000,
        description="Created or replaced along with the model; profiles that are not listed stay.",
    )

    def to_record(self) -> ModelEntry:
        serving = self.model_dump(include={"inputs", "outputs", "backend"}, exclude_none=True)
        model = RegisteredModel(self.id, self.slo_ms, self.priority, serving)
        return ModelEntry(model, tuple(profile.of_model(self.id) for profile in self.profiles or ()))

    @classmethod
    def identity(cls, raw: Mapping[str, Any]) -> str | None:
        return raw["id"] if isinstance(raw.get("id"), str) else None

    @classmethod
    def references(cls, raw: Mapping[str, Any], path: str) -> Iterator[Reference]:
        for place, profile in _profiles(raw, path):
            yield from reference(profile, "gpu_type", "gpu_type", place)

    @classmethod
    def faults_between(cls, raw: Mapping[str, Any], path: str) -> Iterator[Fault]:
        seen: set[str] = set()
        for place, profile in _profiles(raw, path):
            yield from curve_faults(profile, place)
            gpu_type = profile.get("gpu_type")
            if isinstance(gpu_type, str) and gpu_type in seen:
                yield Fault(
                    path_of(["gpu_type"], place), shown(gpu_type), "must be unique among the model's profiles"
                )
            if isinstance(gpu_type, str):
                seen.add(gpu_type)
        tensors = list(_tensors(raw, path))
        for place, tensor in tensors:
            yield from _tensor_faults(tensor, place)
        backend = raw.get("backend")
        if not isinstance(backend, dict):
            return
        if backend.get("kind") == "torch" and any(each.get("datatype") == BYTES for _, each in tensors):
            limit = "must be emulated or onnx for tensors of BYTES"
            yield Fault(path_of(["backend", "kind"], path), shown("torch"), limit)
        kind, sizes = backend.get("kind"), backend.get("batch_sizes")
        if kind in ("onnx", "torch") and backend.get("path") is None:
            yield Fault(path_of(["backend", "path"], path), "nothing", f"is required by the backend {kind}")
        if (
            isinstance(sizes, list)
            and all(isinstance(size, int) for size in sizes)
            and sizes != sorted(set(sizes))
        ):
            yield Fault(path_of(["backend", "batch_sizes"], path), repr(sizes), "must ascend")


def _tensors(raw: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The inputs and outputs that a model declares, each with its path."""
    for side in ("inputs", "outputs"):
        listed = raw.get(side)
        for index, tensor in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(tensor, dict):
                yield path_of([side, index], path), tensor


def _tensor_faults(tensor: Mapping[str, Any], path: str) -> Iterator[Fault]:
    shape, datatype = tensor.get("shape"), tensor.get("datatype")
    if isinstance(shape, list) and all(isinstance(extent, int) for extent in shape):
        most = elements_max(str(datatype))
        if math.prod(shape) > most:
            yield Fault(path_of(["shape"], path), shown(shape), f"must hold at most {most} elements")


def _profiles(raw: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The profiles that come with a model, each with its path."""
    listed = raw.get("profiles")
    for index, profile in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(profile, dict):
            yield path_of(["profiles", index], path), profile


class GpuTypeOut(BaseModel):
    """A registered GPU type."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [GPU_TYPE_EXAMPLE]})

    id: str
    memory_gib: float
    reserve_gib: float
    price_usd_per_hour: float


class PoolOut(BaseModel):
    """A registered pool."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [POOL_EXAMPLE]})

    gpu_type: str
    zone: str
    available: int


class ModelOut(BaseModel):
    """A registered model; `serving` holds tensors and backend where they were stated."""

    model_config = ConfigDict(
        from_attributes=True, json_schema_extra={"examples": [{**MODEL_EXAMPLE, "serving": {}}]}
    )

    id: str
    slo_ms: float
    priority: int
    serving: dict[str, Any]
