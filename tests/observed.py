"""Factories of load reports, at their dispatcher's side of the contract."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from dispatcher.contract.load_report import LoadReport, ModelLoad
from tests.control_plane import START


def report(
    sub_cluster: str = "one",
    after_s: float = 0,
    seconds: float = 10,
    *,
    models: Sequence[str] = ("m",),
    plan_version: int = 1,
    origin: datetime = START,
    **load: object,
) -> LoadReport:
    """Ten seconds from ``origin + after_s`` at 10 requests/s of each model."""
    facts: dict[str, object] = {
        "arrived": 100,
        "served_in_time": 90,
        "late": 5,
        "dropped": 3,
        "rejected": 2,
        "arrival_cv": 1.0,
        "batches": 10,
        "batch_size_mean": 9.0,
        "busy_s": 1.0,
    }
    loads = tuple(ModelLoad(**(facts | {"model": model} | load)) for model in models)  # type: ignore[arg-type]
    start = (origin + timedelta(seconds=after_s)).isoformat()
    return LoadReport(sub_cluster, plan_version, start, seconds, 2, 0.5, loads)
