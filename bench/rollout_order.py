"""
How long the waves between two plans take to order, and what they come to.

A greedy plan of a fleet (``bench.fleet``), then one under demand that differs by 30 % (log-normal, by
model and hour); the second takes over the ids of the sub-clusters that it continues. Only the ordering
is timed, in a process of its own: its processor seconds, and the most memory that it had. Run as

    python -m bench.rollout_order --models 100 300 1000 --json rollout_order.json

Greedy plans of ten thousand models take more than eight minutes of a processor; ``--models 1000
--copies 10`` has as many, in fleets side by side of which the order knows nothing.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import multiprocessing
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.fleet import fleet
from bench.report import write_json
from planner.plan.plan import Plan
from planner.plan.relabel import relabelled
from planner.problem.canonical import with_digest
from planner.problem.problem import PlanningProblem
from planner.rollout.stages import breaches, plan_stage, stages_between
from planner.service.rollouts.document import document_of
from planner.solvers import solve

DEMAND_SIGMA = 0.3
GPUS_PER_MODEL = 4
GIB_KIB = 2**20


@dataclass(frozen=True)
class Row:
    """One pair of plans; ``digest`` is of the waves' document, ``cpu_s`` what ordering them took."""

    models: int
    sub_clusters: int
    waves: int
    waves_that_lose: int
    lost_rps_max: float
    demand_rps: float
    cpu_s: float
    memory_gib_max: float
    document_mb: float
    breaches: int
    digest: str


def demanding(problem: PlanningProblem, seed: int) -> PlanningProblem:
    """The same fleet under other demand."""
    rng = np.random.default_rng(seed)
    models = {
        name: dataclasses.replace(
            model,
            demand_rps=tuple(float(rate * rng.lognormal(0.0, DEMAND_SIGMA)) for rate in model.demand_rps),
        )
        for name, model in problem.models.items()
    }
    return with_digest(dataclasses.replace(problem, models=models))


def plans(models: int, seed: int, limit_s: float) -> tuple[PlanningProblem, Plan, Plan]:
    """The problem of the second plan, and both."""
    first = fleet(models, GPUS_PER_MODEL * models)
    second = demanding(first, seed)
    before = solve(first, solver="greedy", time_limit_s=limit_s, seed=seed).plan
    after = solve(second, solver="greedy", time_limit_s=limit_s, seed=seed + 1).plan
    if before is None or after is None:
        raise SystemExit(f"error: no plan of {models} models")
    return second, before, relabelled(second, before, after)


def side_by_side(
    problem: PlanningProblem, before: Plan, after: Plan, copies: int
) -> tuple[PlanningProblem, Plan, Plan]:
    """As many of the same fleet as one, each with models and sub-clusters of its own, in shared pools."""
    names = [f"{copy}-" for copy in range(copies)] if copies > 1 else [""]
    models = {
        mark + name: dataclasses.replace(model, id=mark + name)
        for mark in names
        for name, model in problem.models.items()
    }
    pools = tuple(dataclasses.replace(pool, available=pool.available * copies) for pool in problem.pools)
    whole = with_digest(dataclasses.replace(problem, models=models, pools=pools))
    return whole, _copied(before, names), _copied(after, names)


def _copied(plan: Plan, names: list[str]) -> Plan:
    clusters = (
        dataclasses.replace(
            cluster,
            id=mark + cluster.id,
            placements=tuple(dataclasses.replace(p, model=mark + p.model) for p in cluster.placements),
        )
        for mark in names
        for cluster in plan.sub_clusters
    )
    return dataclasses.replace(plan, sub_clusters=tuple(clusters))


def ordered(problem: PlanningProblem, before: Plan, after: Plan) -> Row:
    start = plan_stage(before)
    began_s = time.process_time()
    found = stages_between(problem, start, after)
    cpu_s = time.process_time() - began_s
    memory_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GIB_KIB
    text = json.dumps(document_of(found, ()), sort_keys=True).encode()
    lost = [sum(rate for _, rate in wave) for wave in found.lost_rps]
    return Row(
        models=len(problem.models),
        sub_clusters=len(before.sub_clusters),
        waves=len(found.lost_rps),
        waves_that_lose=sum(rate > 0 for rate in lost),
        lost_rps_max=max(lost, default=0.0),
        demand_rps=sum(model.demand_rps[0] for model in problem.models.values()),
        cpu_s=cpu_s,
        memory_gib_max=memory_gib,
        document_mb=len(text) / 1e6,
        breaches=len(list(breaches(problem, found.stages))),
        digest=hashlib.sha256(text).hexdigest()[:16],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[1])
    parser.add_argument("--models", type=int, nargs="+", default=[100, 300, 1_000])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plan-s", type=float, default=20.0, help="seconds for each of the two plans")
    parser.add_argument("--copies", type=int, default=1, help="of each fleet, side by side")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    rows = []
    print("models  sub-clusters  waves  losing  lost req/s  of req/s      CPU s    GiB  document")
    for models in chosen.models:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as apart:
            pair = side_by_side(*plans(models, chosen.seed, chosen.plan_s), chosen.copies)
            row = apart.submit(ordered, *pair).result()
        rows.append(row)
        print(
            f"{row.models:6d}  {row.sub_clusters:12d}  {row.waves:5d}  {row.waves_that_lose:6d}"
            f"  {row.lost_rps_max:10.1f}  {row.demand_rps:8.0f}  {row.cpu_s:9.2f}"
            f"  {row.memory_gib_max:5.2f}  {row.document_mb:5.2f} MB",
            flush=True,
        )
    write_json(chosen.json, seed=chosen.seed, rows=[asdict(row) for row in rows])


if __name__ == "__main__":
    main()
