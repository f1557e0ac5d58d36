"""What the page about past demand shows: who was right, model by model, and one model hour by hour."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from api.console.kept import Kept
from planner.demand.accuracy import Accuracy, Verdict
from planner.service.accuracy import AccuracyRequest, Comparison, comparison
from planner.store.store import Store

ROWS_SHOWN = 200
MODELS_IN_CHART = 24


@dataclass(frozen=True, slots=True)
class DemandView:
    since: datetime | None
    until: datetime | None
    rows: tuple[Accuracy, ...]  # of the models with the most load
    left_out: int
    verdicts: tuple[tuple[Verdict, int], ...]
    chart: dict[str, Any]


def demand_view(store: Store, kept: Kept) -> DemandView:
    """The seven days that end with the newest observed hour, of the models with the most load."""
    return kept.get(("who was right", store.fleet), lambda: _made(store))


def _made(store: Store) -> DemandView:
    found = comparison(store, AccuracyRequest(largest=ROWS_SHOWN))
    counts = Counter(row.verdict for row in found.rows if row.verdict is not None)
    return DemandView(
        since=found.since,
        until=found.until,
        rows=found.rows,
        left_out=found.left_out,
        verdicts=tuple((verdict, counts[verdict]) for verdict in Verdict),
        chart=_chart(found),
    )


def _chart(found: Comparison) -> dict[str, Any]:
    """Requests per second by hour, for the models with the most load."""
    since = found.since
    hours = found.observed.shape[1]
    if since is None:
        return {"hours": [], "series": []}
    return {
        "hours": [f"{since + timedelta(hours=hour):%a %H:%M}" for hour in range(hours)],
        "series": [
            {
                "name": row.model,
                "observed": _numbers(found.observed[index]),
                "planner": _numbers(found.planner[index]),
                "measured": _numbers(found.measured[index]),
                "low": _numbers(found.low[index]),
                "high": _numbers(found.high[index]),
            }
            for index, row in enumerate(found.rows[:MODELS_IN_CHART])
        ],
    }


def _numbers(values: Iterable[float]) -> list[float | None]:
    return [None if math.isnan(value) else round(float(value), 4) for value in values]
