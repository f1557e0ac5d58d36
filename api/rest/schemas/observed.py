"""Load reports, and observed load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field

from api.rest.bodies import Entry, Strict, Text
from api.rest.faults import path_of
from api.rest.schemas.common import Instant, Out, example
from api.rest.schemas.demand import Variation, objects
from dispatcher.contract.load_report import LoadReport, ModelLoad
from dispatcher.contract.reading import shown
from planner.demand.load_frame import Floats, instant_at
from planner.demand.observed_series import ObservedSeries
from planner.problem.parse import BATCH_SIZE_LIMIT, MILLISECONDS_LIMIT
from profiles.faults import Fault

Count = Annotated[int, Field(ge=0, le=10**12)]
Seconds = Annotated[float, Field(ge=0, le=1e9)]
INTERVAL_S_MAX = 3_600

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


class ModelLoadBody(Strict):
    """One model over one interval; `arrived` counts the refused as well."""

    model: Text
    arrived: Count
    served_in_time: Count
    late: Count
    dropped: Count
    rejected: Count
    cancelled: Count = Field(default=0, description="Their clients left before the answer was due.")
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
    interval_s: float = Field(
        gt=0, le=INTERVAL_S_MAX, description="Length of the interval, in seconds: an hour at most."
    )
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
        for index, load in objects(raw.get("models")):
            name = load.get("model")
            if isinstance(name, str) and name in seen:
                field = path_of(["models", index, "model"], path)
                yield Fault(field, shown(name), "must be unique within the report")
            if isinstance(name, str):
                seen.add(name)


class ReceivedOut(Out):
    """How many reports stood how."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"new": 1, "known": 0, "differing": 0, "overlapping": 0}]}
    )

    new: int = Field(description="Taken.")
    known: int = Field(description="Sent before, and the same.")
    differing: int = Field(description="Sent before with other numbers: the first were kept.")
    overlapping: int = Field(
        description="Not taken: the interval lies across others of the same sub-cluster and plan version."
    )


class MeasuredLatencyOut(Out):
    batch_size: int
    batches: int
    latency_ms_mean: float


class ObservedModelOut(Out):
    """One model over all reports that name it."""

    model: str
    observed_s: float = Field(description="Length of the time covered by reports, in seconds.")
    arrived: int = Field(description="All that was offered, cancelled requests too.")
    served_in_time: int
    late: int
    dropped: int
    rejected: int
    cancelled: int = Field(description="Their clients left before the answer was due.")
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
                            "cancelled": 0,
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


class SeriesPointOut(Out):
    """One interval; null where nothing was reported."""

    start: datetime
    arrived: float | None = Field(description="Requests; 0 where it was reported that none came.")
    rate_rps: float | None = Field(description="Requests per second of the time that was observed.")
    bad: float | None = Field(description="Requests late, dropped or rejected.")
    arrival_cv: float | None
    coverage: float = Field(description="Share of the interval for which the whole traffic was reported.")
    source_resolution_s: float | None = Field(
        description="The coarsest interval that the numbers come from; they were spread if it is longer."
    )


class ModelSeriesOut(Out):
    model: str
    points: list[SeriesPointOut]


class ObservedSeriesOut(Out):
    """Observed load in the course of time, one series for each model."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "resolution_s": 60,
                    "series": [
                        {
                            "model": "resnet50",
                            "points": [
                                {
                                    "start": "2026-11-23T08:00:00Z",
                                    "arrived": 7344.0,
                                    "rate_rps": 122.4,
                                    "bad": 12.0,
                                    "arrival_cv": 1.1,
                                    "coverage": 1.0,
                                    "source_resolution_s": 5.0,
                                },
                                {
                                    "start": "2026-11-23T08:01:00Z",
                                    "arrived": None,
                                    "rate_rps": None,
                                    "bad": None,
                                    "arrival_cv": None,
                                    "coverage": 0.0,
                                    "source_resolution_s": None,
                                },
                            ],
                        }
                    ],
                }
            ]
        }
    )

    resolution_s: int
    series: list[ModelSeriesOut]

    @classmethod
    def of(cls, found: ObservedSeries) -> ObservedSeriesOut:
        starts = [instant_at(us) for us in found.starts_us]
        columns = (found.arrived, found.rate_rps, found.bad, found.arrival_cv)
        series = []
        for i, model in enumerate(found.models):
            values = [_nulled(column[i]) for column in (*columns, found.source_resolution_s)]
            coverage = found.coverage[i].tolist()
            series.append(
                ModelSeriesOut.model_construct(
                    model=model,
                    points=[
                        SeriesPointOut.model_construct(
                            start=start,
                            arrived=arrived,
                            rate_rps=rate,
                            bad=bad,
                            arrival_cv=cv,
                            coverage=covered,
                            source_resolution_s=source,
                        )
                        for start, arrived, rate, bad, cv, source, covered in zip(
                            starts, *values, coverage, strict=True
                        )
                    ],
                )
            )
        return cls.model_construct(resolution_s=found.resolution_s, series=series)


def _nulled(values: Floats) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]


class ReporterOut(Out):
    """The dispatcher of one sub-cluster of one plan version, and how its reports stood."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "sub_cluster": "A100-40GB/zone-a/1",
                    "plan_version": 1,
                    "heard_at": "2026-11-23T08:00:10Z",
                    "new": 8640,
                    "known": 2,
                    "differing": 0,
                    "overlapping": 0,
                }
            ]
        },
    )

    sub_cluster: str
    plan_version: int
    heard_at: datetime
    new: int
    known: int
    differing: int
    overlapping: int
