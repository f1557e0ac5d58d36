"""What the clients talk about: a small fleet, and forecasts and load reports that a key alone determines."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCHS = 24
MODELS = [f"m{index:02d}" for index in range(20)]
MODELS_FORECAST = 6
MODELS_REPORTED = 4
START = datetime(2027, 1, 4, tzinfo=UTC)

REGISTRY: list[tuple[str, Any]] = [
    ("gpu-types", {"id": "A10", "memory_gib": 24.0, "reserve_gib": 1.0, "price_usd_per_hour": 1.2}),
    ("pools", {"gpu_type": "A10", "zone": "zone-a", "available": 64}),
    ("models", [{"id": model, "slo_ms": 60.0 + 5 * index} for index, model in enumerate(MODELS)]),
    (
        "profiles",
        [
            {
                "model": model,
                "gpu_type": "A10",
                "alpha_ms": 0.5,
                "beta_ms": 3.0,
                "weights_gib": 1.0,
                "workspace_gib_per_item": 0.05,
                "batch_size_max": 32,
            }
            for model in MODELS
        ],
    ),
]


def forecast(key: str, *, epochs: int = EPOCHS) -> dict[str, Any]:
    """The forecast named ``key``; the same key gives the same numbers."""
    draw = random.Random(key)
    hours = [(START + timedelta(hours=hour)).isoformat() for hour in range(epochs)]
    return {
        "name": key,
        "epochs": [{"start": start, "hours": 1.0} for start in hours],
        "models": [
            {
                "model": model,
                "demand_rps": [round(draw.uniform(1, 60), 3) for _ in hours],
                "arrival_cv": [round(draw.uniform(0.8, 2.0), 3) for _ in hours],
            }
            for model in sorted(draw.sample(MODELS, MODELS_FORECAST))
        ],
    }


def load_report(sub_cluster: str, number: int, interval_s: float) -> dict[str, Any]:
    """The ``number``-th report of a sub-cluster."""
    draw = random.Random(f"{sub_cluster}/{number}")
    start = START + timedelta(seconds=number * interval_s)
    return {
        "sub_cluster": sub_cluster,
        "plan_version": 1,
        "interval_start": start.isoformat(),
        "interval_s": interval_s,
        "gpus": 2,
        "gpu_busy_share": 0.5,
        "models": [_model_load(model, draw) for model in draw.sample(MODELS, MODELS_REPORTED)],
    }


def _model_load(model: str, draw: random.Random) -> dict[str, Any]:
    served, late, dropped = draw.randrange(1, 10**6), draw.randrange(100), draw.randrange(100)
    return {
        "model": model,
        "arrived": served + late + dropped,
        "served_in_time": served,
        "late": late,
        "dropped": dropped,
        "rejected": 0,
        "arrival_cv": 1.1,
        "batches": 100,
        "batch_size_mean": 5.0,
        "busy_s": 1.0,
        "latency_ms_by_batch": [[4, 50, 5.1], [6, 50, 6.2]],
    }
