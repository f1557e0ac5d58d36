"""Forecasts and observed load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from api.rest.bodies import Entry, Id, Strict, Text
from api.rest.faults import path_of
from api.rest.schemas.common import Instant, Out, example
from dispatcher.contract.load_report import LoadReport, ModelLoad
from dispatcher.contract.reading import shown
from planner.demand.forecast import Forecast, ForecastEpoch, ModelForecast, forecast_faults
from planner.problem.parse import (
    BATCH_SIZE_LIMIT,
    CV_LIMIT,
    EPOCHS_LIMIT,
    HOURS_LIMIT,
    MILLISECONDS_LIMIT,
    RPS_LIMIT,
)
from planner.service.submission import Reference
from profiles.faults import Fault

Rate = Annotated[float, Field(ge=0, le=RPS_LIMIT)]
Variation = Annotated[float, Field(ge=0, le=CV_LIMIT)]
Count = Annotated[int, Field(ge=0, le=2**53)]
Seconds = Annotated[float, Field(ge=0, le=1e9)]

FORECAST_EXAMPLE: dict[str, Any] = {
    "name": "next two hours",
    "epochs": [
        {"start": "2026-11-23T08:00:00Z", "hours": 1.0},
        {"start": "2026-11-23T09:00:00Z", "hours": 1.0},
    ],
    "models": [{"model": "resnet50", "demand_rps": [120.0, 180.0], "arrival_cv": [1.0, 1.3]}],
}
LOAD_REPORT_EXAMPLE: dict[str, Any] = {
    "sub_cluster": "A100-40GB/zone-a/1",
    "plan_version": 1,
    "interval_start": "2026-11-23T08:00:05Z",
    "interval_s": 5.0,
    "gpus": 2,
    "gpu_busy_share": 0.61,
    "models": [
        {
            "model": "resnet50",
            "arrived": 612,
            "served_in_time": 608,
            "late": 1,
            "dropped": 3,
            "rejected": 0,
            "arrival_cv": 1.1,
            "batches": 77,
            "batch_size_mean": 7.9,
            "busy_s": 3.8,
            "latency_ms_by_batch": [[7, 41, 4.6], [9, 36, 5.3]],
        }
    ],
}


class EpochBody(Strict):
    """One interval of the horizon."""

    start: Instant
    hours: float = Field(gt=0, le=HOURS_LIMIT, description="Its length, in hours.")


class ModelForecastBody(Strict):
    """One model's demand, one value for each epoch."""

    model: Id
    demand_rps: list[Rate] = Field(max_length=EPOCHS_LIMIT, description="Requests per second.")
    arrival_cv: list[Variation] | None = Field(
        default=None,
        max_length=EPOCHS_LIMIT,
        description="Coefficient of variation of inter-arrival times; 1 (Poisson) where left out.",
    )


class ForecastBody(Entry[Forecast]):
    """A prediction of demand: one rate and one burstiness for each model and epoch."""

    model_config = example(FORECAST_EXAMPLE)
    subject: ClassVar[str] = "forecast"

    name: Text
    epochs: list[EpochBody] = Field(
        min_length=1, max_length=EPOCHS_LIMIT, description="In the order of time."
    )
    models: list[ModelForecastBody] = Field(min_length=1, max_length=100_000)

    def to_record(self) -> Forecast:
        return Forecast(
            name=self.name,
            epochs=tuple(ForecastEpoch(epoch.start, epoch.hours) for epoch in self.epochs),
            models=tuple(
                ModelForecast(
                    row.model, tuple(row.demand_rps), tuple(row.arrival_cv or [1.0] * len(self.epochs))
                )
                for row in self.models
            ),
        )

    @classmethod
    def references(cls, raw: Mapping[str, Any], path: str) -> Iterator[Reference]:
        for index, row in _objects(raw.get("models")):
            if isinstance(row.get("model"), str):
                yield Reference(path_of(["models", index, "model"], path), "model", row["model"])

    @classmethod
    def faults_between(cls, raw: Mapping[str, Any], path: str) -> Iterator[Fault]:
        epochs, models = raw.get("epochs"), raw.get("models")
        if not (isinstance(epochs, list) and epochs and isinstance(models, list)):
            return
        for fault in forecast_faults(_readable_part(raw)):
            yield Fault(path_of([fault.field], path), fault.value, fault.limit)


def _readable_part(raw: Mapping[str, Any]) -> Forecast:
    """The forecast with a harmless stand-in for whatever is at fault by itself."""
    epochs: list[ForecastEpoch] = []
    for value in raw["epochs"]:
        follows = epochs[-1].end if epochs else datetime(1970, 1, 1, tzinfo=UTC)
        epochs.append(_epoch(value) or ForecastEpoch(follows, 0.0))
    stand_in = (0.0,) * len(epochs)
    rows = []
    for index, value in enumerate(raw["models"]):
        row = value if isinstance(value, dict) else {}
        name = row.get("model")
        values = [row.get(field) for field in ("demand_rps", "arrival_cv")]
        rates, cvs = (tuple(v) if isinstance(v, list) else stand_in for v in values)
        rows.append(ModelForecast(name if isinstance(name, str) else f"[{index}]", rates, cvs))
    return Forecast("", tuple(epochs), tuple(rows))


_EPOCH = TypeAdapter(EpochBody)


def _epoch(value: object) -> ForecastEpoch | None:
    try:
        epoch = _EPOCH.validate_python(value)
    except ValidationError:
        return None
    return ForecastEpoch(epoch.start, epoch.hours)


def _objects(values: object) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if isinstance(values, list):
        yield from ((index, value) for index, value in enumerate(values) if isinstance(value, dict))


class ModelLoadBody(Strict):
    """One model over one interval; `arrived` counts the refused as well."""

    model: Text
    arrived: Count
    served_in_time: Count
    late: Count
    dropped: Count
    rejected: Count
    arrival_cv: Variation | None = Field(description="null below three arrivals.")
    batches: Count
    batch_size_mean: float = Field(ge=0, le=BATCH_SIZE_LIMIT)
    busy_s: Seconds = Field(description="GPU time spent, in seconds.")
    latency_ms_by_batch: list[
        Annotated[
            tuple[
                Annotated[int, Field(ge=1, le=BATCH_SIZE_LIMIT)],
                Count,
                Annotated[float, Field(ge=0, le=MILLISECONDS_LIMIT)],
            ],
            Field(strict=False),
        ]
    ] = Field(default=[], max_length=BATCH_SIZE_LIMIT, description="Triples [batch size, batches, mean ms].")


class LoadReportBody(Entry[LoadReport]):
    """What a dispatcher measured over one interval; sending it twice counts once."""

    model_config = example(LOAD_REPORT_EXAMPLE)
    subject: ClassVar[str] = "load report"

    sub_cluster: Text
    plan_version: int = Field(ge=0, le=2**31 - 1)
    interval_start: Instant
    interval_s: float = Field(gt=0, le=86_400 * 31, description="Length of the interval, in seconds.")
    gpus: int = Field(ge=0, le=1_000_000)
    gpu_busy_share: float = Field(ge=0, le=2, description="Share of the GPUs' time spent executing.")
    models: list[ModelLoadBody] = Field(max_length=100_000)

    def to_record(self) -> LoadReport:
        fields = self.model_dump(exclude={"models", "interval_start"})
        return LoadReport(
            **fields,
            interval_start=self.interval_start.isoformat(),
            models=tuple(
                ModelLoad(
                    **load.model_dump(exclude={"latency_ms_by_batch"}),
                    latency_ms_by_batch=tuple(load.latency_ms_by_batch),
                )
                for load in self.models
            ),
        )

    @classmethod
    def faults_between(cls, raw: Mapping[str, Any], path: str) -> Iterator[Fault]:
        seen: set[str] = set()
        for index, load in _objects(raw.get("models")):
            name = load.get("model")
            if isinstance(name, str) and name in seen:
                field = path_of(["models", index, "model"], path)
                yield Fault(field, shown(name), "must be unique within the report")
            if isinstance(name, str):
                seen.add(name)


class ForecastSummaryOut(Out):
    """A stored forecast without its rows."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": 1,
                    "name": "next two hours",
                    "created_at": "2026-11-23T07:00:00Z",
                    "epoch_count": 2,
                    "model_count": 1,
                }
            ]
        },
    )

    id: int
    name: str
    created_at: datetime
    epoch_count: int
    model_count: int


class EpochOut(Out):
    start: datetime
    hours: float


class ModelForecastOut(Out):
    model: str
    demand_rps: list[float]
    arrival_cv: list[float]


class ForecastOut(ForecastSummaryOut):
    """A stored forecast, whole."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": 1,
                    "created_at": "2026-11-23T07:00:00Z",
                    "epoch_count": 2,
                    "model_count": 1,
                    **FORECAST_EXAMPLE,
                }
            ]
        },
    )

    epochs: list[EpochOut]
    models: list[ModelForecastOut]


class ReceivedOut(Out):
    """How many reports were new, and how many had been sent before."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"new": 1, "known": 0}]})

    new: int
    known: int


class MeasuredLatencyOut(Out):
    batch_size: int
    batches: int
    latency_ms_mean: float


class ObservedModelOut(Out):
    """One model over all reports that name it."""

    model: str
    observed_s: float = Field(description="Length of the time covered by reports, in seconds.")
    arrived: int
    served_in_time: int
    late: int
    dropped: int
    rejected: int
    rate_rps: float = Field(description="Arrivals over that time, in requests per second.")
    arrival_cv: float | None
    bad_rate: float | None = Field(description="Share of arrivals late, dropped or rejected.")
    batches: int
    batch_size_mean: float | None
    busy_s: float
    latencies: list[MeasuredLatencyOut]


class ObservedLoadOut(Out):
    """What dispatchers measured, put together by model."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "report_count": 1,
                    "since": "2026-11-23T08:00:05Z",
                    "until": "2026-11-23T08:00:10Z",
                    "models": [
                        {
                            "model": "resnet50",
                            "observed_s": 5.0,
                            "arrived": 612,
                            "served_in_time": 608,
                            "late": 1,
                            "dropped": 3,
                            "rejected": 0,
                            "rate_rps": 122.4,
                            "arrival_cv": 1.1,
                            "bad_rate": 0.0065,
                            "batches": 77,
                            "batch_size_mean": 7.9,
                            "busy_s": 3.8,
                            "latencies": [{"batch_size": 7, "batches": 41, "latency_ms_mean": 4.6}],
                        }
                    ],
                }
            ]
        }
    )

    report_count: int
    since: datetime | None
    until: datetime | None
    models: list[ObservedModelOut]
