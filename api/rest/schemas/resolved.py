"""The resolved forecast of a horizon."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from api.rest.schemas.common import Out
from api.rest.schemas.demand import EpochOut

RESOLVED_EXAMPLE: dict[str, Any] = {
    "epochs": [{"start": "2026-11-23T08:00:00Z", "hours": 1.0}],
    "models": [
        {
            "model": "resnet50",
            "cells": [
                {
                    "low_rps": 100.0,
                    "demand_rps": 120.0,
                    "high_rps": 150.0,
                    "arrival_cv": 1.0,
                    "forecast_ids": [3],
                    "covered_share": 1.0,
                }
            ],
        }
    ],
}


class ResolvedCellOut(Out):
    """One model in one epoch."""

    low_rps: float
    demand_rps: float
    high_rps: float
    arrival_cv: float
    forecast_ids: list[int] = Field(
        description="Whose numbers these are, the longest part first; several where epochs lie across others."
    )
    covered_share: float = Field(description="The part of the epoch that they speak for.")


class ResolvedModelOut(Out):
    model: str
    cells: list[ResolvedCellOut | None] = Field(
        description="One for each epoch; null where less than half of it is spoken for: a scheduled run puts "
        "a measured forecast there, and its forecast's `spoken_by` says so."
    )


class ResolvedForecastOut(Out):
    """What the forecasts submitted so far come to."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [RESOLVED_EXAMPLE]})

    epochs: list[EpochOut]
    models: list[ResolvedModelOut]
