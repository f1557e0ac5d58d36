"""Profiles: what a model costs on a GPU type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from api.rest.bodies import Entry, Id, Strict, Text, reference
from api.rest.faults import path_of
from api.rest.schemas.common import example
from dispatcher.contract.reading import shown
from planner.problem.parse import (
    BATCH_SIZE_DEFAULT,
    BATCH_SIZE_LIMIT,
    GIB_LIMIT,
    MILLISECONDS_LEAST,
    MILLISECONDS_LIMIT,
)
from planner.service.submission import Reference
from planner.store.records import RegisteredProfile
from planner.store.registry import profile_id
from profiles.faults import Fault

Gib = Annotated[float, Field(ge=0, le=GIB_LIMIT)]
Milliseconds = Annotated[float, Field(ge=MILLISECONDS_LEAST, le=MILLISECONDS_LIMIT)]
BatchSize = Annotated[int, Field(ge=1, le=BATCH_SIZE_LIMIT)]
Knot = Annotated[tuple[BatchSize, Milliseconds], Field(strict=False)]

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


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class ModelProfileBody(Strict):
    """
    What a model costs on one GPU type.

    The latency of a batch of b is `alpha_ms * b + beta_ms`, or a table `latency_ms` of pairs
    [batch size, milliseconds], linear between them.
    """

    model_config = example({name: value for name, value in PROFILE_EXAMPLE.items() if name != "model"})

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

    def of_model(self, model: str) -> RegisteredProfile:
        curve: dict[str, Any] = {"alpha_ms": self.alpha_ms, "beta_ms": self.beta_ms}
        largest = BATCH_SIZE_DEFAULT
        if self.latency_ms:
            curve = {"latency_ms": [list(knot) for knot in self.latency_ms]}
            largest = self.latency_ms[-1][0]
        return RegisteredProfile(
            model=model,
            gpu_type=self.gpu_type,
            curve=curve,
            weights_gib=self.weights_gib,
            workspace_gib_per_item=self.workspace_gib_per_item,
            batch_size_max=self.batch_size_max or largest,
            source=self.source,
        )


class ProfileBody(ModelProfileBody, Entry[RegisteredProfile]):
    """A profile by itself, with the model that it is of."""

    model_config = example(PROFILE_EXAMPLE)
    subject: ClassVar[str] = "profiles"

    model: Id

    def to_record(self) -> RegisteredProfile:
        return self.of_model(self.model)

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
        return curve_faults(raw, path)


def curve_faults(raw: Mapping[str, Any], path: str) -> Iterator[Fault]:
    """What is wrong between the fields of a profile's curve."""
    tabulated = raw.get("latency_ms") is not None
    for name in ("alpha_ms", "beta_ms"):
        if tabulated and raw.get(name) is not None:
            yield Fault(path_of([name], path), shown(raw[name]), "must be absent beside latency_ms")
        if not tabulated and raw.get(name) is None:
            yield Fault(path_of([name], path), "nothing", "is required, or latency_ms instead of both")
    if tabulated and isinstance(raw["latency_ms"], list):
        yield from _table_faults(raw["latency_ms"], raw.get("batch_size_max"), path_of(["latency_ms"], path))


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


class ProfileOut(BaseModel):
    """A registered profile: `alpha_ms` and `beta_ms`, or `latency_ms`."""

    model_config = ConfigDict(json_schema_extra={"examples": [PROFILE_EXAMPLE | {"version": 1}]})

    model: str
    gpu_type: str
    alpha_ms: float | None = None
    beta_ms: float | None = None
    latency_ms: list[Annotated[list[int | float], Field(min_length=2, max_length=2)]] | None = None
    weights_gib: float
    workspace_gib_per_item: float
    batch_size_max: int
    source: str | None = None
    version: int = Field(description="1 for the first that was registered, then 2 and so on.")

    @classmethod
    def of(cls, record: RegisteredProfile) -> ProfileOut:
        sourced = {} if record.source is None else {"source": record.source}
        return cls.model_validate(
            {
                "model": record.model,
                "gpu_type": record.gpu_type,
                **record.curve,
                "weights_gib": record.weights_gib,
                "workspace_gib_per_item": record.workspace_gib_per_item,
                "batch_size_max": record.batch_size_max,
                "version": record.version,
                **sourced,
            }
        )
