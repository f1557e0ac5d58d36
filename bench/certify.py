"""
What a certificate takes and what it is worth, on a fleet from the catalogue.

The fleet is that of ``bench.fleet``: different models with a day each, on four priced GPU types. Its plan is
certified as a planning run does it, failures planned again included; then nothing of that is believed:
the finished plan is judged anew with fresh seeds that the search never saw, and for each sub-cluster the
fewest GPUs are sought with which it passes a full check on one more. With ``--compare`` one process and
several must agree. ``--plan`` keeps the plan in a file, so that the same one is certified again. Run as

    python -m bench.certify --models 1000 --plan plan.json --fresh-seeds 3 --json certify.json
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from bench.fleet import fleet
from bench.report import write_json
from planner.certify import Certificate, Verdict, certified_plan, certify
from planner.certify.certify import BUDGET, part_of_problem
from planner.certify.search import (
    EPOCHS_CHECKED,
    Bench,
    Task,
    fewest_for_batches_of_one,
    resized,
    worst_epochs,
)
from planner.executor import executor_of, processors
from planner.plan.codec import parse_plan, plan_to_json
from planner.plan.plan import Plan, SubCluster
from planner.plan.verify import verify
from planner.problem.problem import PlanningProblem
from planner.service.planning import certified
from planner.solvers import solve

Result = TypeVar("Result")
FRESH_SEED = 1_000_003
MINIMUM_SEED = 2_000_003


def gpus_of(clusters: Sequence[SubCluster]) -> int:
    return sum(cluster.gpus_max for cluster in clusters)


def planned(problem: PlanningProblem, file: Path | None, limit_s: float) -> Plan:
    """The plan in the file; where there is none, a new one, which is written there."""
    if file is not None and file.exists():
        return parse_plan(json.loads(file.read_text(encoding="utf-8")))
    plan = solve(problem, time_limit_s=limit_s, seed=0).plan
    if plan is None:
        raise SystemExit("error: no plan in time: raise --solve-s")
    if file is not None:
        file.write_text(json.dumps(plan_to_json(plan)), encoding="utf-8")
    return plan


def least_passing(task: Task) -> int:
    """The fewest GPUs with which the sub-cluster passes a full check, sought one by one downward."""
    cluster, floor = task.cluster, fewest_for_batches_of_one(task)
    least = cluster.gpus_max
    for gpus in range(cluster.gpus_max - 1, floor - 1, -1):
        fewer = resized(task.problem, cluster, (gpus,) * len(cluster.gpus))
        if not Bench(task).passes(fewer, worst_epochs(task, fewer, EPOCHS_CHECKED)):
            break
        least = gpus
    return least


def simulated_minimum(problem: PlanningProblem, plan: Plan, processes: int) -> dict[str, Any]:
    """GPUs given and needed, over all sub-clusters, and how many of them could lose one."""
    tasks = [
        Task(part_of_problem(problem, cluster), cluster, MINIMUM_SEED, BUDGET)
        for cluster in plan.sub_clusters
    ]
    least = list(executor_of(processes).map(least_passing, tasks))
    given = [cluster.gpus_max for cluster in plan.sub_clusters]
    return {
        "gpus": sum(given),
        "least": sum(least),
        "over": round(sum(given) / max(1, sum(least)) - 1, 4),
        "could_lose_one": sum(n > m for n, m in zip(given, least, strict=True)),
        "sub_clusters": len(given),
    }


def timed(work: Callable[[], Result]) -> tuple[Result, dict[str, float]]:
    """What the work gives, and the seconds it took: on the clock, and of processors."""
    began_s, used_s = time.monotonic(), cpu_s()
    result = work()
    return result, {"s": round(time.monotonic() - began_s, 1), "cpu_s": round(cpu_s() - used_s, 1)}


def cpu_s() -> float:
    """Processor seconds of this process and its ended children: the fairer figure on a busy machine."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def summary(plan: Plan, certificate: Certificate | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "sub_clusters": len(plan.sub_clusters),
        "gpus": gpus_of(plan.sub_clusters),
        "usd_per_hour": round(plan.cost_usd_per_hour, 2),
    }
    if certificate is not None:
        found["passed"] = sum(cluster.passed for cluster in certificate.sub_clusters)
        found |= worst(certificate)
    return found


def worst(certificate: Certificate) -> dict[str, Any]:
    """What did not pass, with epoch, verdict and models; the worst pool and model of what did."""
    evidence = [(c.sub_cluster, e) for c in certificate.sub_clusters for e in c.evidence]
    refused = [
        (name, e.epoch, e.verdict.value, e.models_over)
        for name, e in evidence
        if e.verdict is not Verdict.PASSED
    ]
    held = [e for _, e in evidence if e.verdict is Verdict.PASSED]
    return {
        "refused": refused,
        "worst_pool": round(max((e.bad_rate for e in held), default=0.0), 5),
        "worst_model": round(max((e.worst_model_bad_rate for e in held), default=0.0), 4),
        "requests": sum(e.requests for _, e in evidence),
    }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=300)
    parser.add_argument("--plan", type=Path, help="plan file: read if it is there, else written")
    parser.add_argument("--solve-s", type=float, default=30.0, help="time limit of the solver")
    parser.add_argument("--processes", type=int, default=processors())
    parser.add_argument(
        "--fresh-seeds", type=int, default=3, metavar="K", help="judge the finished plan anew K times"
    )
    parser.add_argument("--no-minimum", action="store_true", help="do not seek the simulated minimum")
    parser.add_argument("--compare", action="store_true", help="search with one process too")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    problem = fleet(asked.models, asked.models)
    plan = planned(problem, asked.plan, asked.solve_s)
    executor = executor_of(asked.processes)
    figures: dict[str, Any] = {
        "models": asked.models,
        "processes": asked.processes,
        "planned": summary(plan, None),
    }
    solving: list[dict[str, float]] = []

    def tell(**found: Any) -> None:
        figures.update(found)
        for name, value in found.items():
            print(f"{name}: {value}", flush=True)

    def solve_again(part: PlanningProblem, _: int) -> Plan | None:
        limit_s = asked.solve_s / 2 * max(0.1, len(part.models) / len(problem.models))
        outcome, took = timed(lambda: solve(part, time_limit_s=limit_s, seed=0))
        solving.append({"models": len(part.models), **took})
        return outcome.plan

    tell(planned=figures["planned"])
    if asked.compare:
        several, one = certified_plan(problem, plan, executor=executor), certified_plan(problem, plan)
        if several != one:
            raise SystemExit("error: one process and several disagree")
    (final, certificate), took = timed(lambda: certified(problem, plan, solve_again))
    tell(certificate=took, planned_again=solving, final=summary(final, certificate))
    tell(violations=len(verify(problem, final)))
    for k in range(asked.fresh_seeds):
        seed = FRESH_SEED + k
        fresh, took = timed(partial(certify, problem, final, seed=seed, executor=executor))
        tell(**{f"fresh_{seed}": took | summary(final, fresh)})
    if not asked.no_minimum:
        least, took = timed(lambda: simulated_minimum(problem, final, asked.processes))
        tell(minimum=took | least)
    write_json(asked.json, **figures)


if __name__ == "__main__":
    main()
