"""
What planning costs and how good it is: solvers, and choices of slots, on a fleet from the catalogue.

The fleet is the demo's: models of the catalogue on four GPU types, each with the day of one client of a
production trace (24 hourly epochs), scaled so that its peak fills a stated number of GPUs. Run as

    python -m bench.planning --json planning.json
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from api.demo.demand import HOURS, demo_models, read_day
from planner.formulation.formulation import build
from planner.formulation.instance import build_instance
from planner.formulation.slots import Slot, choose_slots
from planner.plan.plan import Plan
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.problem.tables import CapacityTables, capacity_tables
from planner.solvers import highs, solve
from planner.solvers.assemble import assemble
from planner.solvers.items import hot_parts
from planner.solvers.start import drafts_of, seats, start_of
from profiles.catalogue import load_catalogue
from profiles.codec import gpu_type_to_json, profile_to_json

TYPES = ("T4", "V100", "A10", "A100-80GB")
GPUS_OF_A_TYPE = 200
SUB_CLUSTER_GPUS_MAX = 64
FIRST_HOUR = 12


@dataclass(frozen=True)
class Row:
    """One run: dollars per hour, what was proven, seconds."""

    models: int
    way: str
    slots: int | None
    cost: float | None
    bound: float | None
    gap: float | None
    physical_gap: float | None
    sub_clusters: int | None
    gpus: int | None
    seconds: float


def fleet(models: int, gpus: int) -> PlanningProblem:
    """``models`` clients of the trace (taken again from its begin where it has fewer) as a problem."""
    catalogue = load_catalogue()
    clients = read_day(FIRST_HOUR)
    chosen = [clients[i % len(clients)] for i in range(models)]
    rows = []
    for index, model in enumerate(demo_models(catalogue, TYPES, chosen, gpus)):
        profiles = {p.gpu_type: profile_to_json(p) for p in model.profiles}
        rows.append(
            {
                "id": f"{model.id}-{index}",
                "slo_ms": model.slo_ms,
                "demand_rps": list(model.demand_rps),
                "arrival_cv": model.arrival_cv,
                "profiles": profiles,
            }
        )
    kinds = [gpu_type_to_json(kind) for kind in catalogue.gpu_types.values() if kind.id in TYPES]
    return parse_problem(
        {
            "epochs": [{"start": f"hour {hour}", "hours": 1} for hour in range(HOURS)],
            "gpu_types": kinds,
            "pools": [{"gpu_type": g, "zone": "z", "available": GPUS_OF_A_TYPE} for g in TYPES],
            "models": rows,
            "policy": {"sub_cluster_gpus_max": SUB_CLUSTER_GPUS_MAX},
        }
    )


def by_solver(problem: PlanningProblem, solver: str, limit_s: float, seed: int) -> Row:
    outcome = solve(problem, solver=solver, time_limit_s=limit_s, seed=seed)
    return _row(problem, f"solver {solver}", None, outcome.plan, outcome.bound, outcome.runtime_s)


def by_slots(
    tables: CapacityTables, way: str, slots: Sequence[Slot], guide: Plan, limit_s: float, seed: int
) -> Row:
    """HiGHS on the formulation with these slots, from the guide where they hold it."""
    started = time.monotonic()
    formulation = build(build_instance(tables, slots, split=hot_parts(tables), elastic=()))
    result = highs.solve_stages(
        formulation,
        deadline_s=started + limit_s,
        seed=seed,
        start=start_of(formulation, guide),
        proven_zero=True,
    )
    plan = None
    if result.solution is not None:
        plan = assemble(tables, drafts_of(formulation, result.solution), solver="highs", seed=seed)
    cost = result.stage("cost")
    seconds = time.monotonic() - started
    return _row(tables.problem, way, len(slots), plan, cost.bound if cost else None, seconds)


def slot_choices(tables: CapacityTables, guide: Plan) -> dict[str, list[Slot]]:
    """Size classes as shipped; powers of two; one class from 1 to the most, as a big-M model has it."""
    guided, _ = choose_slots(tables, seats(tables, guide))
    powers: list[Slot] = []
    single: list[Slot] = []
    for seat, cluster in zip(seats(tables, guide), guide.sub_clusters, strict=True):
        limit = tables.pool_limit(seat.pool)
        low = 1 << (min(cluster.gpus).bit_length() - 1)
        powers += [
            Slot(seat.pool, n, min(2 * n - 1, limit)) for n in (max(1, low // 2), low, 2 * low) if n <= limit
        ]
        single += [Slot(seat.pool, 1, limit)] * 2
    return {
        "slots: classes by a quarter": guided,
        "slots: powers of two": sorted(powers, key=lambda s: (s.pool, s.gpus_min)),
        "slots: one class (big M)": sorted(single, key=lambda s: s.pool),
    }


def _row(
    problem: PlanningProblem,
    way: str,
    slots: int | None,
    plan: Plan | None,
    bound: float | None,
    seconds: float,
) -> Row:
    cost = plan.cost_usd_per_hour if plan else None
    gap = None if plan is None or bound is None else max(0.0, (plan.objective - bound) / plan.objective)
    return Row(
        models=len(problem.models),
        way=way,
        slots=slots,
        cost=cost,
        bound=bound,
        gap=gap,
        physical_gap=plan.physical_gap if plan else None,
        sub_clusters=len(plan.sub_clusters) if plan else None,
        gpus=sum(c.gpus_max for c in plan.sub_clusters) if plan else None,
        seconds=seconds,
    )


def measure(models: int, gpus: int, limit_s: float, seed: int) -> list[Row]:
    problem = fleet(models, gpus)
    rows = [by_solver(problem, solver, limit_s, seed) for solver in ("greedy", "highs", "cp-sat", "auto")]
    tables = capacity_tables(problem)
    guide = solve(problem, solver="greedy", time_limit_s=5, seed=seed).plan
    if guide is not None:
        for way, slots in slot_choices(tables, guide).items():
            rows.append(by_slots(tables, way, slots, guide, limit_s, seed))
    return rows


def _shown(value: Any, form: str) -> str:
    return "-" if value is None else format(value, form)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", default="60,110", help="fleet sizes, comma between")
    parser.add_argument("--gpus-per-model", type=float, default=1.0, help="GPUs that a model's peak fills")
    parser.add_argument("--time-limit-s", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    arguments = parser.parse_args()
    rows: list[Row] = []
    print("| models | way | slots | USD/h | bound | gap | physical gap | sub-clusters | GPUs | s |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for models in map(int, arguments.models.split(",")):
        gpus = round(models * arguments.gpus_per_model)
        for row in measure(models, gpus, arguments.time_limit_s, arguments.seed):
            rows.append(row)
            cells = [
                str(row.models),
                row.way,
                _shown(row.slots, "d"),
                _shown(row.cost, ".3f"),
                _shown(row.bound, ".3f"),
                _shown(row.gap, ".2%"),
                _shown(row.physical_gap, ".2%"),
                _shown(row.sub_clusters, "d"),
                _shown(row.gpus, "d"),
                f"{row.seconds:.1f}",
            ]
            print("| " + " | ".join(cells) + " |", flush=True)
    if arguments.json:
        document = {
            "machine": platform.processor() or platform.machine(),
            "rows": [asdict(row) for row in rows],
        }
        arguments.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
