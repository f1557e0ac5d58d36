"""
What dividing a pipeline's SLO well is worth: least cost against equal and proportional budgets.

Pipelines are drawn at random: 2 to 8 models of the catalogue, each after one or two of those before it, on
two GPU types, with an SLO of 2 to 6 times the longest path of single requests. Every division is
planned by the same solver for the same time. Equal: the SLO over the number of stages of the path with most;
proportional: every stage's least budget times the same factor. Run as

    python -m bench.pipelines --count 12 --json pipelines.json
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from bench.report import write_json
from planner.problem.budgets import least_budget_ms, longest_path, stage_cost_usd_per_hour
from planner.problem.canonical import with_digest
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.solvers import solve
from profiles.catalogue import Catalogue, load_catalogue
from profiles.codec import gpu_type_to_json, profile_to_json
from profiles.faults import InputInvalid

TYPES = ("T4", "V100")
GPUS_OF_A_TYPE = 400
WAYS = ("least cost", "proportional", "equal")


def drawn(catalogue: Catalogue, seed: int) -> PlanningProblem | None:
    """The pipeline of that seed as a problem; None where its SLO is too short for it."""
    random = np.random.default_rng([7, seed])
    known = sorted(set(catalogue.models_on(TYPES[0])) & set(catalogue.models_on(TYPES[1])))
    chosen = [str(name) for name in random.choice(known, size=int(random.integers(2, 9)), replace=False)]
    stages: list[dict[str, Any]] = []
    for index, name in enumerate(chosen):
        after = (
            sorted({int(random.integers(index)) for _ in range(int(random.integers(1, 3)))}) if index else []
        )
        calls = float(random.choice([0.5, 1.0, 1.0, 1.0, 3.0]))
        stages.append({"model": name, "after": [chosen[i] for i in after], "calls_per_request": calls})
    profiles = {name: {g: profile_to_json(catalogue.profiles[name, g]) for g in TYPES} for name in chosen}
    alone_ms = {name: float(catalogue.profiles[name, TYPES[0]].curve.latency_us(1)) / 1e3 for name in chosen}
    slo_ms = round(sum(alone_ms.values()) * float(random.uniform(2, 6)), 1)
    document = {
        "epochs": [{"start": "hour", "hours": 1}],
        "gpu_types": [gpu_type_to_json(catalogue.gpu_types[g]) for g in TYPES],
        "pools": [{"gpu_type": g, "zone": "z", "available": GPUS_OF_A_TYPE} for g in TYPES],
        "models": [{"id": name, "profiles": profiles[name]} for name in chosen],
        "pipelines": [
            {"id": "p", "slo_ms": slo_ms, "demand_rps": [float(random.uniform(200, 2_000))], "stages": stages}
        ],
        "policy": {"sub_cluster_gpus_max": 64},
    }
    try:
        return parse_problem(document)
    except InputInvalid:
        return None


def divided(problem: PlanningProblem, way: str) -> PlanningProblem:
    """The problem with the budgets of that way."""
    (pipeline,) = problem.pipelines
    if way == "least cost":
        return problem
    least = {stage.model: least_budget_ms(problem, problem.models[stage.model]) for stage in pipeline.stages}
    if way == "proportional":
        factor = pipeline.slo_ms / longest_path(pipeline, least)[1]
        budgets = {name: ms * factor for name, ms in least.items()}
    else:
        most = longest_path(pipeline, dict.fromkeys(least, 1.0))[1]
        budgets = dict.fromkeys(least, pipeline.slo_ms / most)
    models = {
        name: dataclasses.replace(model, slo_ms=round(budgets[name], 3))
        for name, model in problem.models.items()
    }
    return with_digest(dataclasses.replace(problem, models=models))


def row(problem: PlanningProblem, seed: int, way: str, limit_s: float) -> dict[str, Any]:
    asked = divided(problem, way)
    plan = solve(asked, time_limit_s=limit_s, seed=0).plan
    unserved = 0.0 if plan is None else sum(max(left.share) for left in plan.unserved)
    return {
        "seed": seed,
        "stages": len(problem.models),
        "slo_ms": problem.pipelines[0].slo_ms,
        "way": way,
        "fluid_usd_per_hour": sum(
            stage_cost_usd_per_hour(asked, model, model.slo_ms) for model in asked.models.values()
        ),
        "usd_per_hour": None if plan is None or unserved else plan.cost_usd_per_hour,
        "models_unserved": unserved,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=12, help="pipelines")
    parser.add_argument("--time-limit-s", type=float, default=5.0, help="of each plan")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    catalogue, rows, seed, done = load_catalogue(), [], 0, 0
    print(f"{'seed':>5} {'stages':>6} {'SLO ms':>8} " + " ".join(f"{way:>14}" for way in WAYS) + "  USD/h")
    while done < arguments.count:
        problem = drawn(catalogue, seed)
        if problem is not None:
            found = [row(problem, seed, way, arguments.time_limit_s) for way in WAYS]
            rows += found
            done += 1
            cells = ["cannot" if r["usd_per_hour"] is None else f"{r['usd_per_hour']:.3f}" for r in found]
            print(
                f"{seed:>5} {found[0]['stages']:>6} {found[0]['slo_ms']:>8} "
                + " ".join(f"{cell:>14}" for cell in cells),
                flush=True,
            )
        seed += 1
    for way in WAYS[1:]:
        pairs = [
            (ours["usd_per_hour"], theirs["usd_per_hour"])
            for ours, theirs in zip(
                [r for r in rows if r["way"] == WAYS[0]], [r for r in rows if r["way"] == way], strict=True
            )
            if ours["usd_per_hour"] and theirs["usd_per_hour"]
        ]
        saved = 1 - sum(a for a, _ in pairs) / sum(b for _, b in pairs)
        worst = max(a / b for a, b in pairs)
        print(
            f"least cost against {way}: {saved:.1%} saved over {len(pairs)} pipelines that both can serve, "
            f"worst {worst:.3f} of its cost"
        )
    write_json(arguments.json, pipelines=rows)


if __name__ == "__main__":
    main()
