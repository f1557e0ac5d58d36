"""
What planning over a day is worth, with GPUs reserved for all of it.

The same fleet (``bench.fleet``) is planned three times: as it is; for the sum of peaks, where every model
has its own peak in every epoch; and with one sub-cluster for each model, shared with none. Run as

    python -m bench.horizon --json horizon.json
"""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.fleet import fleet
from bench.report import write_json
from planner.plan.verify import verify
from planner.problem.canonical import with_digest
from planner.problem.problem import PlanningProblem
from planner.problem.tables import capacity_tables
from planner.solvers import solve
from planner.solvers.draft import DraftCluster, size_cluster


@dataclass(frozen=True)
class Row:
    """One way to plan: dollars per hour, the bound where one was proven, GPUs."""

    models: int
    way: str
    cost: float
    bound: float | None
    sub_clusters: int
    gpus: int
    unserved_models: int


def planned(problem: PlanningProblem, way: str, limit_s: float, seed: int) -> Row:
    """The solver's plan, verified."""
    outcome = solve(problem, time_limit_s=limit_s, seed=seed)
    plan = outcome.plan
    if plan is None or verify(problem, plan):
        raise SystemExit(f"error: no verified plan of {way}")
    gpus = sum(cluster.gpus_max for cluster in plan.sub_clusters)
    return Row(
        models=len(problem.models),
        way=way,
        cost=plan.cost_usd_per_hour,
        bound=outcome.bound,
        sub_clusters=len(plan.sub_clusters),
        gpus=gpus,
        unserved_models=len(plan.unserved),
    )


def sum_of_peaks(problem: PlanningProblem) -> PlanningProblem:
    """Every model at its own peak in every epoch."""
    models = {
        name: dataclasses.replace(model, demand_rps=(max(model.demand_rps),) * len(model.demand_rps))
        for name, model in problem.models.items()
    }
    return with_digest(dataclasses.replace(problem, models=models))


def one_each(problem: PlanningProblem) -> Row:
    """The cheapest sub-clusters of one model alone, as few as its size allows; inventory is not looked at."""
    tables = capacity_tables(problem)
    cost, gpus, count, left_out = 0.0, 0, 0, 0
    for m in range(len(tables.models)):
        options = []
        for p, g in enumerate(tables.pool_types):
            for parts in range(1, 65):
                draft = DraftCluster(p, {m: np.full(len(tables.hours), 1 / parts)})
                sized = size_cluster(tables, draft) if tables.batch_size[m, g].any() else None
                if sized is not None:
                    most = parts * int(sized.gpus.max())
                    options.append((most * float(tables.price_usd_per_hour[g]), most, parts))
                    break
        if not options:
            left_out += 1
            continue
        best = min(options)
        cost, gpus, count = cost + best[0], gpus + best[1], count + best[2]
    return Row(len(tables.models), "one sub-cluster per model", cost, None, count, gpus, left_out)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=300)
    parser.add_argument("--dealt", choices=("even", "drawn"), default="even")
    parser.add_argument("--time-limit-s", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="also write the rows here")
    arguments = parser.parse_args()
    problem = fleet(arguments.models, arguments.models, arguments.dealt)
    limit_s, seed = arguments.time_limit_s, arguments.seed
    rows = [
        planned(problem, "over the horizon", limit_s, seed),
        planned(sum_of_peaks(problem), "sum of peaks", limit_s, seed),
        one_each(problem),
    ]
    print("| models | planned | USD/h | bound | sub-clusters | GPUs | dearer by |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        bound = "-" if row.bound is None else f"{row.bound:.1f}"
        dearer = f"{row.cost / rows[0].cost - 1:.1%}"
        cells = (row.models, row.way, f"{row.cost:.1f}", bound, row.sub_clusters, row.gpus, dearer)
        print("| " + " | ".join(map(str, cells)) + " |")
    write_json(arguments.json, rows=[asdict(row) for row in rows], time_limit_s=limit_s, seed=seed)


if __name__ == "__main__":
    main()
