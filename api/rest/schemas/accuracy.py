"""Who was right: planner, model, or neither."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field

from api.rest.schemas.common import Out
from planner.demand.accuracy import Verdict

ACCURACY_EXAMPLE: dict[str, Any] = {
    "since": "2026-11-16T00:00:00Z",
    "until": "2026-11-23T00:00:00Z",
    "models": [
        {
            "model": "resnet50",
            "hours": 166,
            "hours_compared": 160,
            "planner_error": 0.21,
            "planner_bias": 0.18,
            "model_error": 0.12,
            "model_bias": -0.01,
            "inside_share": 0.91,
            "verdict": "model",
        }
    ],
}


class AccuracyOut(Out):
    """One model: what was said of its load, and what came."""

    model: str
    hours: int = Field(description="Hours that were observed.")
    hours_compared: int = Field(description="Hours of them of which planner and model both had spoken.")
    planner_error: float | None = Field(
        description="Sum of the planner's absolute errors over the sum of the load; null without any."
    )
    planner_bias: float | None = Field(description="The same, signed: above 0 where more was foretold.")
    model_error: float | None = Field(
        description="The measured forecast's, as it was at each day's beginning."
    )
    model_bias: float | None
    inside_share: float | None = Field(description="The part of the hours inside its 90 % interval.")
    verdict: Verdict | None = Field(
        description="Who was right: the better by more than 5 %, else both; neither where both are off by "
        "more than half of the load; null where there is nothing to compare."
    )


class AccuracyListOut(Out):
    """Models with observed load, those with the most of it first."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [ACCURACY_EXAMPLE]})

    since: datetime | None
    until: datetime | None
    models: list[AccuracyOut]
