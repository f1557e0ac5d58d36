"""Forecasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from api.rest.bodies import Entry, Id, Strict, Text
from api.rest.faults import path_of
from api.rest.schemas.common import Instant, Out, example
from planner.demand.forecast import Forecast, ForecastEpoch, ForecastSource, ModelForecast, forecast_faults
from planner.problem.parse import (
    CV_LIMIT,
    EPOCHS_LIMIT,
    HOURS_LIMIT,
    RPS_LIMIT,
)
from planner.service.submission import Reference
from profiles.faults import Fault

Note = Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"^[^\x00]+$")]
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
    "models": [
        {
            "model": "resnet50",
            "demand_rps": [120.0, 180.0],
            "low_rps": [100.0, 150.0],
            "high_rps": [150.0, 240.0],
            "arrival_cv": [1.0, 1.3],
        }
    ],
    "note": "a sale begins at nine",
}


class EpochBody(Strict):
    """One interval of the horizon."""

    start: Instant
    hours: float = Field(gt=0, le=HOURS_LIMIT, description="Its length, in hours.")


class ModelForecastBody(Strict):
    """One model's demand, one value for each epoch."""

    model: Id
    demand_rps: list[Rate] = Field(
        max_length=EPOCHS_LIMIT, description="Requests per second, the middle of the interval."
    )
    low_rps: list[Rate] | None = Field(
        default=None, max_length=EPOCHS_LIMIT, description="What demand falls below one time of twenty."
    )
    high_rps: list[Rate] | None = Field(
        default=None, max_length=EPOCHS_LIMIT, description="What demand rises above one time of twenty."
    )
    arrival_cv: list[Variation] | None = Field(
        default=None,
        max_length=EPOCHS_LIMIT,
        description="Coefficient of variation of inter-arrival times; 1 (Poisson) where left out.",
    )


class ForecastBody(Entry[Forecast]):
    """A prediction of demand: an interval of rates and one burstiness for each model and epoch."""

    model_config = example(FORECAST_EXAMPLE)
    subject: ClassVar[str] = "forecast"

    name: Text
    epochs: list[EpochBody] = Field(
        min_length=1, max_length=EPOCHS_LIMIT, description="In the order of time."
    )
    models: list[ModelForecastBody] = Field(min_length=1, max_length=100_000)
    note: Note | None = Field(default=None, description="What should be known of it.")
    source: Literal["planner", "import", "model"] = Field(
        default="planner",
        description="Where it comes from. Where forecasts overlap, a planner's holds before an import, "
        "an import before a model's, and the later before the earlier.",
    )
    corrects: int | None = Field(
        default=None,
        ge=1,
        le=2**31 - 1,
        description="The earlier forecast in whose place this one stands; that one stays on record.",
    )

    def to_record(self) -> Forecast:
        return Forecast(
            name=self.name,
            epochs=tuple(ForecastEpoch(epoch.start, epoch.hours) for epoch in self.epochs),
            models=tuple(
                ModelForecast(
                    model=row.model,
                    demand_rps=tuple(row.demand_rps),
                    arrival_cv=tuple(row.arrival_cv or [1.0] * len(self.epochs)),
                    low_rps=None if row.low_rps is None else tuple(row.low_rps),
                    high_rps=None if row.high_rps is None else tuple(row.high_rps),
                )
                for row in self.models
            ),
            note=self.note,
            source=ForecastSource(self.source),
            corrects=self.corrects,
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
        low, high = (
            tuple(v) if isinstance(v := row.get(field), list) else None for field in ("low_rps", "high_rps")
        )
        rows.append(ModelForecast(name if isinstance(name, str) else f"[{index}]", rates, cvs, low, high))
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


ORIGIN_EXAMPLE: dict[str, Any] = {
    "id": 1,
    "name": "next two hours",
    "created_at": "2026-11-23T07:00:00Z",
    "epoch_count": 2,
    "model_count": 1,
    "author": "a planner",
    "note": "a sale begins at nine",
    "source": "planner",
    "corrects": None,
    "corrected_by": None,
    "starts_at": "2026-11-23T08:00:00Z",
    "ends_at": "2026-11-23T10:00:00Z",
}


class ForecastSummaryOut(Out):
    """A stored forecast without its rows."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [ORIGIN_EXAMPLE]})

    id: int
    name: str
    created_at: datetime
    epoch_count: int
    model_count: int
    author: str = Field(description="Who submitted it.")
    note: str | None
    source: ForecastSource = Field(
        description="`resolved` is what a run's horizon came to; it is no source of others."
    )
    corrects: int | None = Field(description="The earlier forecast in whose place it stands.")
    corrected_by: int | None = Field(description="The newest that stands in its place; null: none does.")
    starts_at: datetime
    ends_at: datetime


class EpochOut(Out):
    start: datetime
    hours: float


class ModelForecastOut(Out):
    model: str
    demand_rps: list[float]
    arrival_cv: list[float]
    low_rps: list[float] | None
    high_rps: list[float] | None
    spoken_by: list[list[int]] | None = Field(
        default=None,
        description="Of a resolved forecast, for each epoch: the ids of the forecasts whose numbers these "
        "are; none where nobody spoke and a measured forecast stands in.",
    )


class ForecastOut(ForecastSummaryOut):
    """A stored forecast, whole."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={"examples": [{**ORIGIN_EXAMPLE, **FORECAST_EXAMPLE}]},
    )

    epochs: list[EpochOut]
    models: list[ModelForecastOut]
