"""
Thirty nightly replans: GiB moved and cost, with the no-change rule and without.

Each client of a production trace (14 days, by the hour) is one model of the catalogue. Every night a
new forecast is planned for: the mean by the hour of the last ``--history-days`` days of the trace
(the 14 days go round), times log-normal noise by client. Three planners go through the same nights: one
starts afresh, its sub-clusters then named as the running ones by assignment; one knows the
active plan, loads decide between equal costs alone; one has the no-change rule. Run as

    python -m bench.replans --json replans.json
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from api.demo.demand import HOURS, DemoModel, TraceClient, demo_models
from bench.report import write_json
from planner.plan.churn import churn_gib
from planner.plan.plan import Plan
from planner.plan.relabel import relabelled
from planner.problem.canonical import with_digest
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.solvers import solve
from planner.solvers.replan import RULE, held_gib
from profiles.catalogue import load_catalogue
from profiles.codec import gpu_type_to_json, profile_to_json

TYPES = ("T4", "V100", "A10", "A100-80GB")
GPUS_OF_A_TYPE = 200
DAYS_FILE = Path(__file__).parent / "data/servegen/days.csv"
AFRESH, TIES = "afresh every night", "active plan breaks ties"


@dataclass(frozen=True)
class Row:
    """One night of one planner; shares are of the GiB that the plan before holds."""

    planner: str
    night: int
    usd_per_hour: float
    held_gib: float
    moved_gib: float
    moved_share: float
    decision: str


@dataclass(frozen=True)
class Trace:
    """``rate_rps`` (clients, days, hours) of the trace's largest clients, and their variation."""

    clients: tuple[str, ...]
    arrival_cv: tuple[float, ...]
    rate_rps: NDArray[np.float64]


def read_trace(count: int) -> Trace:
    rows: dict[str, list[dict[str, str]]] = {}
    with DAYS_FILE.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["client"], []).append(row)
    chosen = list(rows)[:count]
    rates = [
        [[float(day[f"rate_rps_{hour:02d}"]) for hour in range(HOURS)] for day in rows[name]]
        for name in chosen
    ]
    return Trace(tuple(chosen), tuple(float(rows[name][0]["iat_cv"]) for name in chosen), np.array(rates))


def forecasts(
    trace: Trace, nights: int, history_days: int, noise: float, seed: int
) -> Iterator[NDArray[np.float64]]:
    """Shape (clients, hours) for each night."""
    rng = np.random.default_rng(seed)
    days = trace.rate_rps.shape[1]
    for night in range(nights):
        past = [(night + back) % days for back in range(history_days)]
        factor = rng.lognormal(0.0, noise, size=(len(trace.clients), 1))
        yield trace.rate_rps[:, past].mean(axis=1) * factor


def fleet(trace: Trace, gpus: int) -> tuple[PlanningProblem, list[DemoModel], float]:
    """The problem under the mean of all days, its models, and what their rates were multiplied by."""
    catalogue = load_catalogue()
    mean = trace.rate_rps.mean(axis=1)
    clients = [
        TraceClient(name, cv, tuple(map(float, rates)))
        for name, cv, rates in zip(trace.clients, trace.arrival_cv, mean, strict=True)
    ]
    models = demo_models(catalogue, TYPES, clients, gpus)
    document = {
        "epochs": [{"start": f"hour {hour}", "hours": 1} for hour in range(HOURS)],
        "gpu_types": [gpu_type_to_json(kind) for kind in catalogue.gpu_types.values() if kind.id in TYPES],
        "pools": [{"gpu_type": g, "zone": "z", "available": GPUS_OF_A_TYPE} for g in TYPES],
        "models": [
            {
                "id": model.id,
                "slo_ms": model.slo_ms,
                "demand_rps": list(model.demand_rps),
                "arrival_cv": model.arrival_cv,
                "profiles": {p.gpu_type: profile_to_json(p) for p in model.profiles},
            }
            for model in models
        ],
    }
    scale = max(models[0].demand_rps) / float(mean[0].max())
    return parse_problem(document), models, scale


def tonight(
    problem: PlanningProblem,
    demand: dict[str, tuple[float, ...]],
    active: Plan | None,
    worth_min: float | None,
) -> PlanningProblem:
    models = {name: dataclasses.replace(m, demand_rps=demand[name]) for name, m in problem.models.items()}
    policy = dataclasses.replace(problem.policy, replan_worth_min=worth_min)
    return with_digest(dataclasses.replace(problem, models=models, policy=policy, active_plan=active))


def measure(arguments: argparse.Namespace) -> list[Row]:
    trace = read_trace(arguments.models)
    problem, models, scale = fleet(trace, arguments.gpus)
    planners: dict[str, float | None] = {AFRESH: None, TIES: None}
    planners |= {f"no-change rule, {worth}": float(worth) for worth in arguments.worth.split(",")}
    running: dict[str, Plan | None] = dict.fromkeys(planners)
    rows = []
    nights = forecasts(trace, arguments.nights, arguments.history_days, arguments.noise, arguments.seed)
    for night, rates in enumerate(nights):
        demand = {m.id: tuple(float(r) for r in own * scale) for m, own in zip(models, rates, strict=True)}
        for name, worth_min in planners.items():
            before = running[name]
            question = tonight(problem, demand, None if name == AFRESH else before, worth_min)
            plan = solve(
                question, solver="greedy", time_limit_s=arguments.time_limit_s, seed=arguments.seed
            ).plan
            if plan is None or plan.unserved:
                raise SystemExit(f"night {night}: {name} serves not all demand; raise --time-limit-s")
            running[name] = relabelled(question, before, plan)
            if before is not None:
                rows.append(_row(question, name, night, before, running[name] or plan))
    return rows


def _row(problem: PlanningProblem, name: str, night: int, before: Plan, plan: Plan) -> Row:
    held, moved = held_gib(problem, before), churn_gib(problem, plan, before)
    text = next((excuse.text for excuse in plan.excuses if excuse.subject == RULE), "replaced")
    decision = text.split(":")[0].split(",")[0]
    return Row(name, night, plan.cost_usd_per_hour, held, moved, moved / held, decision)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nights", type=int, default=31, help="the first only starts the others off")
    parser.add_argument("--models", type=int, default=40)
    parser.add_argument("--gpus", type=int, default=40, help="GPUs that the mean day's peak hour fills")
    parser.add_argument("--history-days", type=int, default=7, help="1: the next day is known")
    parser.add_argument("--noise", type=float, default=0.05, help="of the forecast, log-normal sigma")
    parser.add_argument("--worth", default="0.5", help="thresholds of the rule, comma between")
    parser.add_argument("--time-limit-s", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    arguments = parser.parse_args()
    rows = measure(arguments)
    print("| planner | USD/h | against afresh | GiB a night | share moved | worst night | decisions |")
    print("|---|---|---|---|---|---|---|")
    afresh = float(np.mean([row.usd_per_hour for row in rows if row.planner == AFRESH]))
    for name in dict.fromkeys(row.planner for row in rows):
        own = [row for row in rows if row.planner == name]
        cost = float(np.mean([row.usd_per_hour for row in own]))
        share = sum(row.moved_gib for row in own) / sum(row.held_gib for row in own)
        decisions = ", ".join(f"{n} {d}" for d, n in sorted(Counter(row.decision for row in own).items()))
        print(
            f"| {name} | {cost:.2f} | {cost / afresh - 1:+.2%} | {np.mean([r.moved_gib for r in own]):.1f} "
            f"| {share:.1%} | {max(r.moved_share for r in own):.1%} | {decisions} |"
        )
    options = {name: value for name, value in vars(arguments).items() if name != "json"}
    write_json(arguments.json, options=options, rows=[asdict(row) for row in rows])


if __name__ == "__main__":
    main()
