"""Forecasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from api.rest.bodies import Entry, Id, Strict, Text
from api.rest.faults import path_of
from api.rest.schemas.common import Instant, Out
from api.rest.schemas.registry import example
from planner.demand.forecast import Forecast, ForecastEpoch, ModelForecast, forecast_faults
from planner.problem.parse import (
    CV_LIMIT,
    EPOCHS_LIMIT,
    HOURS_LIMIT,
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
        for index, row in objects(raw.get("models")):
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


def objects(values: object) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if isinstance(values, list):
        yield from ((index, value) for index, value in enumerate(values) if isinstance(value, dict))


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
