"""
Fleets of any size from real inputs: catalogue models on four GPU types, one day of a trace client each.

The trace (``data/servegen/SOURCE.txt``) has some two thousand days of clients; they are dealt out in
an order that is drawn once. Larger fleets take the same days again with the clock turned, as clients
of other time zones would send them. No two models have both profile and demand in common.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from api.demo.demand import HOURS, TraceClient, demo_models
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from profiles.catalogue import load_catalogue
from profiles.codec import gpu_type_to_json, profile_to_json

DATA = Path(__file__).parent / "data" / "servegen" / "days.csv"
TYPES = ("T4", "V100", "A10", "A100-80GB")
GPUS_OF_A_TYPE_LEAST = 200
SUB_CLUSTER_GPUS_MAX = 64
FIRST_HOUR = 12
TURN_HOURS = 5  # by how much the clock is turned for each further use of the trace
ORDER_SEED = 1


def trace_days(count: int) -> list[TraceClient]:
    """``count`` days of clients, all different up to the turn of the clock."""
    with DATA.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    order = np.random.default_rng(ORDER_SEED).permutation(len(rows))
    days = []
    for index in range(count):
        turns, at = divmod(index, len(rows))
        row = rows[order[at]]
        first = FIRST_HOUR + turns * TURN_HOURS
        rates = tuple(float(row[f"rate_rps_{(first + hour) % HOURS:02d}"]) for hour in range(HOURS))
        days.append(TraceClient(f"{row['client']}-d{row['day']}", float(row["iat_cv"]), rates))
    return days


def fleet_document(models: int, gpus: int) -> dict[str, Any]:
    """A problem's JSON: ``models`` days of clients whose peak hour fills about ``gpus`` of the fastest GPUs."""
    catalogue = load_catalogue()
    profiles: dict[int, Any] = {}
    rows = []
    for index, model in enumerate(demo_models(catalogue, TYPES, trace_days(models), gpus)):
        for profile in model.profiles:
            if id(profile) not in profiles:
                profiles[id(profile)] = profile_to_json(profile)
        rows.append(
            {
                "id": f"{model.id}-{index}",
                "slo_ms": model.slo_ms,
                "demand_rps": list(model.demand_rps),
                "arrival_cv": model.arrival_cv,
                "profiles": {p.gpu_type: profiles[id(p)] for p in model.profiles},
            }
        )
    kinds = [gpu_type_to_json(kind) for kind in catalogue.gpu_types.values() if kind.id in TYPES]
    available = max(GPUS_OF_A_TYPE_LEAST, gpus)
    return {
        "epochs": [{"start": f"hour {hour}", "hours": 1} for hour in range(HOURS)],
        "gpu_types": kinds,
        "pools": [{"gpu_type": g, "zone": "z", "available": available} for g in TYPES],
        "models": rows,
        "policy": {"sub_cluster_gpus_max": SUB_CLUSTER_GPUS_MAX},
    }


def fleet(models: int, gpus: int) -> PlanningProblem:
    """The same as a problem."""
    return parse_problem(fleet_document(models, gpus))
