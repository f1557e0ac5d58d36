"""The body of ``POST /v1/forecasts``: JSON, or CSV with what it does not say of itself in the query."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Body, Query, Request
from pydantic import PlainValidator

from api.rest.bodies import Unread, one_or_many
from api.rest.dependencies import INTEGER_MAX
from api.rest.schemas.demand import ForecastBody, Note
from planner.demand.forecast import Forecast, ForecastSource
from planner.demand.forecast_csv import About, read_forecast
from planner.service.submission import Reference, Submission
from profiles.faults import InputInvalid

CSV = "text/csv"
CHUNK_BYTES = 64 * 1024
CSV_EXAMPLE = (
    "model,start,hours,demand_rps,low_rps,high_rps\n"
    "resnet50,2026-11-23T08:00:00Z,1,120,100,150\n"
    "resnet50,2026-11-23T09:00:00Z,1,180,150,240\n"
)
CSV_CONTENT: dict[str, Any] = {
    "requestBody": {"content": {CSV: {"schema": {"type": "string"}, "example": CSV_EXAMPLE}}}
}
_JSON = one_or_many(ForecastBody)


@dataclass(frozen=True, slots=True)
class Raw:
    """A body that is no JSON, as it came."""

    data: bytes


def _keep(body: Any) -> Unread[Forecast] | Raw:
    """Read later, by ``submission``, on the route's thread: a week of 10,000 models takes seconds to read."""
    return Raw(body) if isinstance(body, bytes) else Unread(_JSON, body)


ForecastUpload = Annotated[
    Unread[Forecast] | Raw,
    PlainValidator(_keep, json_schema_input_type=ForecastBody | list[ForecastBody]),
    Body(),
]
CsvName = Annotated[
    str,
    Query(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="Of a forecast sent as CSV: its name.",
    ),
]
CsvNote = Annotated[Note | None, Query(description="Of a forecast sent as CSV: its note.")]
CsvSource = Annotated[
    Literal["planner", "import", "model"], Query(description="Of a forecast sent as CSV: its source.")
]
CsvCorrects = Annotated[
    int | None,
    Query(ge=1, le=INTEGER_MAX, description="Of a forecast sent as CSV: the forecast that it corrects."),
]


def submission(
    request: Request,
    body: Unread[Forecast] | Raw,
    about: tuple[str, str | None, str, int | None],
    *,
    rows_max: int,
) -> Submission[Forecast]:
    """What the service takes; ``about`` are name, note, source and what it corrects, for CSV."""
    if isinstance(body, Unread):
        return body.read()
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != CSV:
        return _JSON(body.data)
    name, note, source, corrects = about
    try:
        found = read_forecast(
            _chunks(body.data), About(name, note, ForecastSource(source), corrects), rows_max=rows_max
        )
    except InputInvalid as error:
        return Submission("forecast", (), tuple(error.faults))
    references = tuple(Reference(f"line {line}, model", "model", id_) for id_, line in found.lines.items())
    return Submission("forecast", (found.forecast,), references=references)


def _chunks(data: bytes) -> Iterator[bytes]:
    view = memoryview(data)
    return (bytes(view[i : i + CHUNK_BYTES]) for i in range(0, len(view), CHUNK_BYTES))
