"""GPU types, pools, models, profiles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.rest.bodies import Entry, Id, Strict, Text, reference
from api.rest.faults import path_of
from dispatcher.contract.datatypes import NUMPY_BY_DATATYPE
from dispatcher.contract.reading import shown
from planner.problem.parse import (
    BATCH_SIZE_DEFAULT,
    BATCH_SIZE_LIMIT,
    COUNT_LIMIT,
    GIB_LIMIT,
    MILLISECONDS_LEAST,
    MILLISECONDS_LIMIT,
    USD_LIMIT,
)
from planner.problem.problem import GpuType, Pool
from planner.service.submission import Reference
from planner.store.records import RegisteredModel, RegisteredProfile
from planner.store.registry import profile_id
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
PROFILE_EXAMPLE: dict[str, Any] = {
    "model": "resnet50",
    "gpu_type": "A100-40GB",
    "alpha_ms": 0.35,
    "beta_ms": 2.1,
    "weights_gib": 0.1,
    "workspace_gib_per_item": 0.02,
    "batch_size_max": 64,
    "source": "measured with fermata profile measure, 2026-10-01",
}


def example(value: Mapping[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [dict(value)]})


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


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


class ModelBody(Entry[RegisteredModel]):
    """A served network: its promise, and how it is served."""

    model_config = example(MODEL_EXAMPLE)
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

    def to_record(self) -> RegisteredModel:
        serving = self.model_dump(include={"inputs", "outputs", "backend"}, exclude_none=True)
        return RegisteredModel(self.id, self.slo_ms, self.priority, serving)

    @classmethod
    def identity(cls, raw: Mapping[str, Any]) -> str | None:
        return raw["id"] if isinstance(raw.get("id"), str) else None

    @classmethod
    def faults_between(cls, raw: Mapping[str, Any], path: str) -> Iterator[Fault]:
        backend = raw.get("backend")
        if not isinstance(backend, dict):
            return
        kind, sizes = backend.get("kind"), backend.get("batch_sizes")
        if kind in ("onnx", "torch") and backend.get("path") is None:
            yield Fault(path_of(["backend", "path"], path), "nothing", f"is required by the backend {kind}")
        if (
            isinstance(sizes, list)
            and all(isinstance(size, int) for size in sizes)
            and sizes != sorted(set(sizes))
        ):
            yield Fault(path_of(["backend", "batch_sizes"], path), repr(sizes), "must ascend")


class ProfileBody(Entry[RegisteredProfile]):
    """
    What one model costs on one GPU type.

    The latency of a batch of b is `alpha_ms * b + beta_ms`, or a table `latency_ms` of pairs
    [batch size, milliseconds], linear between them.
    """

    model_config = example(PROFILE_EXAMPLE)
    subject: ClassVar[str] = "profiles"

    model: Id
    gpu_type: Id
    alpha_ms: Milliseconds | None = Field(
        default=None, description="Cost of one more request in the batch, in ms."
    )
    beta_ms: Annotated[float, Field(ge=0, le=MILLISECONDS_LIMIT)] | None = Field(
        default=None, description="Fixed cost of a batch, in ms."
    )
    latency_ms: list[Knot] | None = Field(
        default=None,
        min_length=1,
        max_length=4_096,
        description="Pairs [batch size, ms]; sizes rise, latencies do not fall.",
    )
    weights_gib: Gib = Field(description="Memory of the weights, in GiB.")
    workspace_gib_per_item: Gib = Field(
        default=0.0, description="Further memory for each request of a batch, in GiB."
    )
    batch_size_max: BatchSize | None = Field(
        default=None,
        description=f"Largest batch; the table's last, or {BATCH_SIZE_DEFAULT} for an affine curve.",
    )
    source: Text | None = Field(default=None, description="Where the numbers come from.")

    def to_record(self) -> RegisteredProfile:
        curve: dict[str, Any] = {"alpha_ms": self.alpha_ms, "beta_ms": self.beta_ms}
        largest = BATCH_SIZE_DEFAULT
        if self.latency_ms:
            curve = {"latency_ms": [list(knot) for knot in self.latency_ms]}
            largest = self.latency_ms[-1][0]
        return RegisteredProfile(
            model=self.model,
            gpu_type=self.gpu_type,
            curve=curve,
            weights_gib=self.weights_gib,
            workspace_gib_per_item=self.workspace_gib_per_item,
            batch_size_max=self.batch_size_max or largest,
            source=self.source,
        )

    @classmethod
    def identity(cls, raw: Mapping[str, Any]) -> str | None:
        model, gpu_type = raw.get("model"), raw.get("gpu_type")
        return profile_id(model, gpu_type) if isinstance(model, str) and isinstance(gpu_type, str) else None

    @classmethod
    def references(cls, raw: Mapping[str, Any], path: str) -> Iterator[Reference]:
        yield from reference(raw, "model", "model", path)
        yield from reference(raw, "gpu_type", "gpu_type", path)

    @classmethod
    def faults_between(cls, raw: Mapping[str, Any], path: str) -> Iterator[Fault]:
        tabulated = raw.get("latency_ms") is not None
        for name in ("alpha_ms", "beta_ms"):
            if tabulated and raw.get(name) is not None:
                yield Fault(path_of([name], path), shown(raw[name]), "must be absent beside latency_ms")
            if not tabulated and raw.get(name) is None:
                yield Fault(path_of([name], path), "nothing", "is required, or latency_ms instead of both")
        if tabulated and isinstance(raw["latency_ms"], list):
            yield from _table_faults(
                raw["latency_ms"], raw.get("batch_size_max"), path_of(["latency_ms"], path)
            )


def _table_faults(table: list[Any], batch_size_max: Any, path: str) -> Iterator[Fault]:
    """Batch sizes rise, latencies do not fall, and the largest batch is in the table."""
    sound = [k for k in table if isinstance(k, list) and len(k) == 2 and all(_is_number(x) for x in k)]
    if len(sound) != len(table) or not table:
        return
    for index, (before, after) in enumerate(pairwise(table), start=1):
        if after[0] <= before[0]:
            yield Fault(
                f"{path}[{index}][0]", shown(after[0]), f"must be above the size before it, {before[0]}"
            )
        if after[1] < before[1]:
            yield Fault(
                f"{path}[{index}][1]",
                shown(after[1]),
                f"must not be below the latency before it, {before[1]}",
            )
    if _is_number(batch_size_max) and batch_size_max > table[-1][0]:
        field = path.removesuffix("latency_ms") + "batch_size_max"
        yield Fault(
            field, shown(batch_size_max), f"must not exceed the table's last batch size, {table[-1][0]}"
        )


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


class ProfileOut(BaseModel):
    """A registered profile: `alpha_ms` and `beta_ms`, or `latency_ms`."""

    model_config = ConfigDict(json_schema_extra={"examples": [PROFILE_EXAMPLE | {"version": 1}]})

    model: str
    gpu_type: str
    alpha_ms: float | None = None
    beta_ms: float | None = None
    latency_ms: list[tuple[int, float]] | None = None
    weights_gib: float
    workspace_gib_per_item: float
    batch_size_max: int
    source: str | None = None
    version: int = Field(description="1 for the first that was registered, then 2 and so on.")

    @classmethod
    def of(cls, record: RegisteredProfile) -> ProfileOut:
        return cls(
            version=record.version,
            model=record.model,
            gpu_type=record.gpu_type,
            **record.curve,
            weights_gib=record.weights_gib,
            workspace_gib_per_item=record.workspace_gib_per_item,
            batch_size_max=record.batch_size_max,
            source=record.source,
        )
