"""
From a forecast to an active plan, by the Python client.

    python examples/python_client.py http://127.0.0.1:8080

The server's registry must hold the models that the forecast names (docs/reference/rest.md registers them).
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

from fermata_client import AsyncFermata, Fermata, Refused
from fermata_client.models import ActivationOut, EpochBody, ForecastBody, ModelForecastBody, RunBody

FORECAST = ForecastBody(
    name="next hour",
    epochs=[EpochBody(start=datetime(2026, 11, 23, 8, tzinfo=UTC), hours=1.0)],
    models=[ModelForecastBody(model="resnet50", demand_rps=[180.0])],
)


def plan_and_activate(url: str, token: str | None = None) -> ActivationOut:
    """By calls that wait."""
    with Fermata(url, token=token) as fermata:
        (stored,) = fermata.submit_forecasts(FORECAST)
        version = fermata.plan(RunBody(forecast_id=stored.id, time_limit_s=10.0))
        print(f"plan {version}: ${fermata.get_plan(version).cost_usd_per_hour:.2f}/h")
        fermata.approve(version, reason="as forecast")
        return fermata.activate(version)


async def plan_two_at_once(url: str, token: str | None = None) -> list[int]:
    """By calls that are awaited: two runs side by side."""
    async with AsyncFermata(url, token=token) as fermata:
        (stored,) = await fermata.submit_forecasts(FORECAST)
        runs = [RunBody(forecast_id=stored.id, time_limit_s=10.0, seed=seed) for seed in (1, 2)]
        return list(await asyncio.gather(*(fermata.plan(run) for run in runs)))


if __name__ == "__main__":
    try:
        print(f"active since {plan_and_activate(sys.argv[1]).activated_at}")
        print("planned as well:", asyncio.run(plan_two_at_once(sys.argv[1])))
    except Refused as refused:
        sys.exit(str(refused))
