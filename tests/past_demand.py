"""Three weeks of hourly load as dispatchers would have reported it, and what was said of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from dispatcher.contract.load_report import LoadReport
from planner.demand.forecast import Forecast, ForecastEpoch, ForecastSource, ModelForecast
from tests.observed import report

HOUR = timedelta(hours=1)
Rate = Callable[[int], float]


def daily(level: float, swing: float = 0.5, growth_per_day: float = 0.0) -> Rate:
    """Requests per second in the hour so many after a midnight."""
    return lambda hour: (
        level
        * (1 + swing * math.sin(2 * math.pi * (hour % 24) / 24))
        * math.exp(growth_per_day * hour / 24)
        * (1 + 0.03 * math.sin(1.7 * hour))
    )


def hourly_reports(
    origin: datetime, hours: int, rates: Mapping[str, Rate], gap: range = range(0)
) -> list[LoadReport]:
    """One report an hour; none in the hours of ``gap``."""
    found = []
    for hour in range(hours):
        if hour in gap:
            continue
        for model, rate in rates.items():
            arrived = round(rate(hour) * 3_600)
            found.append(
                report(
                    f"of-{model}",
                    hour * 3_600,
                    3_600,
                    models=(model,),
                    origin=origin,
                    arrived=arrived,
                    served_in_time=arrived,
                    late=0,
                    dropped=0,
                    rejected=0,
                )
            )
    return found


def said(
    origin: datetime,
    hours: int,
    rates: Mapping[str, Rate],
    factor: float = 1.0,
    source: ForecastSource = ForecastSource.PLANNER,
) -> Forecast:
    """``factor`` times the hours from ``origin`` on."""
    return Forecast(
        name="said",
        epochs=tuple(ForecastEpoch(origin + HOUR * hour, 1.0) for hour in range(hours)),
        models=tuple(
            ModelForecast(model, tuple(factor * rate(hour) for hour in range(hours)), (1.0,) * hours)
            for model, rate in rates.items()
        ),
        source=source,
    )
