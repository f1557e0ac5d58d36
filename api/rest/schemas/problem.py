"""A planning problem in its file format (docs/reference/problem.schema.json)."""

from __future__ import annotations

from typing import Any

PROBLEM_EXAMPLE: dict[str, Any] = {
    "epochs": [{"start": "2026-11-23T08:00:00+00:00", "hours": 1.0}],
    "gpu_types": [{"id": "A100-40GB", "memory_gib": 40.0, "reserve_gib": 1.5, "price_usd_per_hour": 3.67}],
    "pools": [{"gpu_type": "A100-40GB", "zone": "zone-a", "available": 16}],
    "models": [
        {
            "id": "resnet50",
            "slo_ms": 25.0,
            "priority": 1,
            "demand_rps": [120.0],
            "arrival_cv": 1.0,
            "profiles": {
                "A100-40GB": {
                    "alpha_ms": 0.35,
                    "beta_ms": 2.1,
                    "weights_gib": 0.1,
                    "workspace_gib_per_item": 0.02,
                    "batch_size_max": 64,
                }
            },
        }
    ],
    "policy": {"sub_cluster_gpus_max": 64, "bad_rate_max": 0.01, "gpus": "reserved"},
    "active_plan": None,
}
