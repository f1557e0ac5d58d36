"""What a scheduled run plans for: the fleet's newest forecast, corrected by what was observed."""

from __future__ import annotations

from datetime import datetime

from planner.service.plan_errors import NoForecast
from planner.service.runs import RunRequest
from planner.store.schedules import Schedule
from planner.store.store import Store


def run_request(store: Store, schedule: Schedule, slot: datetime) -> RunRequest:
    """The run of a slot. Raises ``NoForecast``."""
    with store.reading() as work:
        newest = work.forecasts.newest(limit=1)
    if not newest:
        raise NoForecast(schedule.fleet, "to plan for")
    options = {name: value for name, value in schedule.options.items() if name != "horizon_hours"}
    return RunRequest(forecast_id=newest[0].id, **options)
