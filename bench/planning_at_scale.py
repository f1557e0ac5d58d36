"""
How fast and how well fleets of hundreds to ten thousands of models are planned.

The fleets are those of ``bench.fleet``: catalogue networks on four priced GPU types, each with the 24
hours of one client of a production trace, all different. Seconds are from the call of ``solve`` (the
problem is read before), after a small fleet has been planned to have everything compiled; peak
memory is the process's, so sizes are run in ascending order. Run as

    python -m bench.planning_at_scale --models 1000:60,10000:300 --json planning_at_scale.json
"""

from __future__ import annotations

import argparse
import resource
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.fleet import fleet
from bench.report import write_json
from planner.plan.verify import verify
from planner.solvers import Progress, solve

WARM_UP_MODELS, WARM_UP_S = 300, 2.0


@dataclass(frozen=True)
class Row:
    """One fleet planned: dollars per hour, gaps as shares, seconds, CPU seconds, GiB."""

    models: int
    dealt: str
    time_limit_s: float
    first_plan_s: float
    seconds: float
    cpu_s: float
    cost: float
    bound: float
    gap: float
    physical_gap: float
    bound_method: str
    sub_clusters: int
    gpus: int
    unserved_models: int
    peak_memory_gib: float


def measured(models: int, dealt: str, limit_s: float, seed: int) -> Row:
    """One run; the plan that it gives is verified once more here."""
    problem = fleet(models, models, dealt)
    heard: list[Progress] = []
    cpu_s = time.process_time()
    outcome = solve(problem, time_limit_s=limit_s, seed=seed, progress=heard.append)
    cpu_s = time.process_time() - cpu_s
    plan = outcome.plan
    if plan is None or verify(problem, plan):
        raise SystemExit(f"error: no verified plan for {models} models")
    return Row(
        models=models,
        dealt=dealt,
        time_limit_s=limit_s,
        first_plan_s=next(event.runtime_s for event in heard if event.incumbent is not None),
        seconds=outcome.runtime_s,
        cpu_s=cpu_s,
        cost=plan.objective,
        bound=plan.bound,
        gap=plan.gap,
        physical_gap=plan.physical_gap,
        bound_method=plan.bound_method,
        sub_clusters=len(plan.sub_clusters),
        gpus=sum(cluster.gpus_max for cluster in plan.sub_clusters),
        unserved_models=len(plan.unserved),
        peak_memory_gib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--models", default="1000:60,10000:300", help="sizes and their limits in seconds, ascending"
    )
    parser.add_argument("--dealt", choices=("even", "drawn"), default="even")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="also write the rows here")
    arguments = parser.parse_args()
    solve(fleet(WARM_UP_MODELS, WARM_UP_MODELS), time_limit_s=WARM_UP_S, seed=0)
    rows = []
    print(
        "| models | first plan s | s | CPU s | USD/h | bound | proved by | gap | physical gap | GPUs | GiB |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for size in arguments.models.split(","):
        models, limit_s = size.split(":")
        row = measured(int(models), arguments.dealt, float(limit_s), arguments.seed)
        rows.append(row)
        print(
            f"| {row.models} | {row.first_plan_s:.1f} | {row.seconds:.1f} | {row.cpu_s:.1f} | {row.cost:.1f} "
            f"| {row.bound:.1f} | {row.bound_method} | {row.gap:.2%} | {row.physical_gap:.1%} | {row.gpus} "
            f"| {row.peak_memory_gib:.2f} |",
            flush=True,
        )
    write_json(arguments.json, rows=[asdict(row) for row in rows])


if __name__ == "__main__":
    main()
