"""
Fleets of any size from real inputs: catalogue models on four GPU types, one day of a trace client each.

The trace (``data/servegen/SOURCE.txt``) has 1,515 days of clients; they are dealt out in an order that
is drawn once. Larger fleets take the same days again with the clock turned, as clients of
other time zones would send them. No two models have both profile and demand in common.

Who gets which network decides what the fleet looks like. ``even``: of as many clients as the catalogue
has networks, the busiest gets the fastest network, and so on. ``drawn``: whoever is next gets the next
network; a few busy clients with a slow network then are most of the fleet.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from api.demo.demand import HOURS, TraceClient, demo_models
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from profiles.catalogue import Catalogue, load_catalogue
from profiles.codec import gpu_type_to_json, profile_to_json

DATA = Path(__file__).parent / "data" / "servegen" / "client_days.csv"
TYPES = ("T4", "V100", "A10", "A100-80GB")
GPUS_OF_A_TYPE_LEAST = 200
SUB_CLUSTER_GPUS_MAX = 64
FIRST_HOUR = 12
SPEED_BATCH_SIZE = 8  # at which networks are compared
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


def evenly_dealt(catalogue: Catalogue, days: list[TraceClient]) -> list[TraceClient]:
    """The days in an order in which ``demo_models`` gives the busiest of each round the fastest network."""
    networks = []
    for model in demo_models(catalogue, TYPES, days[: len(catalogue.models)], 1):
        if model.profiles[0].model in {m for m, _ in networks}:
            break
        rates = [p.curve.throughput_rps(min(SPEED_BATCH_SIZE, p.batch_size_max)) for p in model.profiles]
        networks.append((model.profiles[0].model, max(rates)))
    fastest_first = sorted(range(len(networks)), key=lambda n: -networks[n][1])
    dealt: list[TraceClient] = []
    for begin in range(0, len(days), len(networks)):
        block = sorted(days[begin : begin + len(networks)], key=lambda day: -max(day.rate_rps))
        seats = [n for n in fastest_first if n < len(block)]
        dealt += [day for _, day in sorted(zip(seats, block, strict=True), key=lambda pair: pair[0])]
    return dealt


def fleet_document(models: int, gpus: int, dealt: str = "even") -> dict[str, Any]:
    """
    A problem's JSON: ``models`` days of clients whose peak hour fills about ``gpus`` of the fastest GPUs.

    ``dealt`` is ``even`` or ``drawn``.
    """
    catalogue = load_catalogue()
    days = trace_days(models)
    if dealt == "even":
        days = evenly_dealt(catalogue, days)
    profiles: dict[int, Any] = {}
    rows = []
    for index, model in enumerate(demo_models(catalogue, TYPES, days, gpus)):
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


def fleet(models: int, gpus: int, dealt: str = "even") -> PlanningProblem:
    """The same as a problem."""
    return parse_problem(fleet_document(models, gpus, dealt))
