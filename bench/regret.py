"""
What trying plans on sampled demand worlds costs: worlds x plans x models x epochs, and the seconds.

The fleet is that of ``bench.planning``: models of the catalogue, 24 hourly epochs of a production trace. The
plans are greedy ones for the demand as forecast and for up to 40 % more, each from its own seed, so that they
differ in cost and in what they leave unserved. Run as

    python -m bench.regret --json regret.json
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from bench.planning import fleet
from bench.report import write_json
from planner.explain.probe import carried_over
from planner.explain.regret import regret
from planner.explain.settings import Operation, Setting, apply_settings
from planner.plan.plan import Plan
from planner.problem.problem import PlanningProblem
from planner.solvers import solve

HEADROOM_MOST = 0.4
SEEDS_TRIED = 3  # times the plans wanted: a plan for more demand may not be valid for less


def alternatives(problem: PlanningProblem, count: int, seconds_each: float) -> list[Plan]:
    """So many plans of the problem, made for rising demand; each is verified against the problem itself."""
    found: list[Plan] = []
    for seed in range(SEEDS_TRIED * count):
        if len(found) == count:
            break
        factor = 1 + HEADROOM_MOST * len(found) / max(1, count - 1)
        setting = Setting("models.*.demand_rps", Operation.MULTIPLY, factor)
        larger = apply_settings(problem, [setting])
        plan = solve(larger, solver="greedy", time_limit_s=seconds_each, seed=seed).plan
        same = None if plan is None else carried_over(problem, plan)
        if same is not None and not same.unserved:
            found.append(same)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=110)
    parser.add_argument("--plans", type=int, default=20)
    parser.add_argument("--worlds", type=int, default=1_000)
    parser.add_argument("--demand-cv", type=float, default=0.2)
    parser.add_argument("--seconds-each", type=float, default=1.0, help="search time of each plan")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    problem = fleet(arguments.models, arguments.models)
    plans = alternatives(problem, arguments.plans, arguments.seconds_each)
    regret(problem, plans[:1], worlds=1)  # compiles
    started = time.perf_counter()
    found = regret(
        problem, plans, worlds=arguments.worlds, demand_cv=arguments.demand_cv, seed=arguments.seed
    )
    seconds = time.perf_counter() - started
    print("| plan | USD/h | unserved rps: mean | p90 | worst | regret rps: mean | p90 | worst |")
    print("|---|---|---|---|---|---|---|---|")
    for index, one in enumerate(found.plans):
        spreads = (one.unserved_rps, one.unserved_regret_rps)
        cells = [f"{v:.1f}" for spread in spreads for v in (spread.mean, spread.p90, spread.worst)]
        print(f"| {index} | {one.cost_usd_per_hour:.2f} | " + " | ".join(cells) + " |")
    evaluations = sum(len(c.placements) for plan in plans for c in plan.sub_clusters)
    evaluations *= arguments.worlds * len(problem.epochs)
    print(
        f"\n{arguments.worlds:,} worlds x {len(plans)} plans, {len(problem.models)} models, "
        f"{len(problem.epochs)} epochs: {seconds:.2f} s ({evaluations / seconds / 1e6:.1f} M loads/s)"
    )
    write_json(
        arguments.json,
        models=len(problem.models),
        epochs=len(problem.epochs),
        worlds=arguments.worlds,
        plans=len(plans),
        seconds=seconds,
        loads_per_second=evaluations / seconds,
        cost_usd_per_hour_median=float(np.median([one.cost_usd_per_hour for one in found.plans])),
        rows=[asdict(one) for one in found.plans],
    )


if __name__ == "__main__":
    main()
