"""What a scheduled run plans for: all forecasts of the horizon resolved, corrected by what was observed."""

from __future__ import annotations

from datetime import datetime, timedelta

from planner.service.plan_demand import resolved_forecast
from planner.service.runs import RunRequest
from planner.store.schedules import Schedule
from planner.store.store import Store

HOUR = timedelta(hours=1)


def run_request(store: Store, schedule: Schedule, slot: datetime) -> RunRequest:
    """The run of a slot; its forecast, resolved for the hours from the slot (or now) on, is stored."""
    with store.writing() as work:
        start = _whole_hour(max(slot, work.now))
        hours = schedule.options["horizon_hours"]
        forecast = resolved_forecast(work, start, hours, 1.0, actor=schedule.actor)
    options = {name: value for name, value in schedule.options.items() if name != "horizon_hours"}
    return RunRequest(forecast_id=forecast.id, **options)


def _whole_hour(instant: datetime) -> datetime:
    """The next one, or this one."""
    begun = instant.replace(minute=0, second=0, microsecond=0)
    return begun if begun == instant else begun + HOUR
