"""
What a certificate takes and what it is worth, on a fleet from the catalogue.

The fleet is that of ``bench.planning`` with pools large enough to serve it, planned by the greedy. The
fewest GPUs that pass are sought (``--compare``: with one process and with more, which must agree); what fails
is planned again as the service does. The result is checked with seeds that the search never saw, and the
GPUs of a sample of sub-clusters are compared with their simulated minimum: the least count that passes a
full check with a fresh seed. Run as

    python -m bench.certify --models 300 --json certify.json
"""

from __future__ import annotations

import argparse
import dataclasses
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.planning import fleet
from bench.report import write_json
from planner.certify import Certificate, certified_plan, certify
from planner.certify.search import resized
from planner.executor import executor_of, processors
from planner.plan.plan import Plan
from planner.plan.verify import verify
from planner.problem.canonical import with_digest
from planner.problem.problem import PlanningProblem
from planner.service.planning import certified
from planner.solvers import solve

FRESH_SEED = 1_000_003
POOL_PER_MODEL = 1.0


def stocked(models: int, gpus_per_model: float) -> PlanningProblem:
    """The fleet, each of its pools with one GPU a model."""
    problem = fleet(models, round(models * gpus_per_model))
    available = max(200, round(models * POOL_PER_MODEL))
    pools = tuple(dataclasses.replace(pool, available=available) for pool in problem.pools)
    return with_digest(dataclasses.replace(problem, pools=pools))


def gpus_of(plan: Plan) -> int:
    return sum(cluster.gpus_max for cluster in plan.sub_clusters)


def simulated_minimum(problem: PlanningProblem, plan: Plan, sample: int, processes: int) -> tuple[int, int]:
    """
    GPUs of a sample of sub-clusters, and the least with which they pass the full check on a fresh seed.

    Counts are tried one below the other until one does not pass.
    """
    order = np.random.default_rng(0).permutation(len(plan.sub_clusters))[:sample]
    left = [plan.sub_clusters[i] for i in sorted(order)]
    given = sum(cluster.gpus_max for cluster in left)
    least = {cluster.id: cluster.gpus_max for cluster in left}
    while left:
        fewer = [
            resized(problem, cluster, tuple(n - 1 for n in cluster.gpus))
            for cluster in left
            if min(cluster.gpus) > 1
        ]
        fewer = [cluster for cluster in fewer if all(p.batch_size for p in cluster.placements)]
        trial = dataclasses.replace(plan, sub_clusters=tuple(fewer))
        checked = certify(problem, trial, seed=FRESH_SEED, executor=executor_of(processes))
        passed = {one.sub_cluster for one in checked.sub_clusters if one.passed}
        left = [cluster for cluster in fewer if cluster.id in passed]
        least |= {cluster.id: cluster.gpus_max for cluster in left}
    return given, sum(least.values())


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    began_s = time.monotonic()
    return work(), time.monotonic() - began_s


def cpu_s() -> float:
    """Processor seconds of this process and its ended children: the fairer figure on a busy machine."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=300)
    parser.add_argument("--gpus-per-model", type=float, default=1.0, help="GPUs that a model's peak fills")
    parser.add_argument("--solve-s", type=float, default=60.0, help="time limit of the greedy")
    parser.add_argument("--processes", type=int, default=processors())
    parser.add_argument("--seeds", type=int, default=3, help="fresh seeds to check with")
    parser.add_argument("--sample", type=int, default=12, help="sub-clusters whose minimum is sought")
    parser.add_argument("--compare", action="store_true", help="search with one process too")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    problem = stocked(arguments.models, arguments.gpus_per_model)
    outcome, solve_s = timed(lambda: solve(problem, solver="greedy", time_limit_s=arguments.solve_s, seed=0))
    plan = outcome.plan
    if plan is None:
        raise SystemExit("no plan in time: raise --solve-s")
    executor = executor_of(arguments.processes)
    print(f"{arguments.models} models, {len(plan.sub_clusters)} sub-clusters, planned in {solve_s:.0f} s")
    cpu_before_s = cpu_s()
    (sized, certificate), search_s = timed(lambda: certified_plan(problem, plan, executor=executor))
    search_cpu_s = cpu_s() - cpu_before_s
    print(f"searched in {search_s:.0f} s, {search_cpu_s:.0f} s of processors", flush=True)
    if arguments.compare:
        alone, alone_s = timed(lambda: certified_plan(problem, plan))
        if alone != (sized, certificate):
            raise SystemExit("one process and several disagree")
        print(f"the same with one process: {alone_s:.0f} s")

    def solve_again(asked: PlanningProblem, _: int) -> Plan | None:
        return solve(asked, solver="greedy", time_limit_s=arguments.solve_s / 2, seed=0).plan

    final, final_certificate = certified(problem, plan, solve_again)
    checks = [
        timed(lambda k=k: certify(problem, final, seed=FRESH_SEED + 1 + k, executor=executor))
        for k in range(arguments.seeds)
    ]
    given, least = simulated_minimum(problem, final, arguments.sample, arguments.processes)
    figures = {
        "models": arguments.models,
        "processes": arguments.processes,
        "search_s": round(search_s, 1),
        "search_cpu_s": round(search_cpu_s, 1),
        "planned": _summary(plan, None),
        "first_round": _summary(sized, certificate),
        "final": _summary(final, final_certificate),
        "violations": len(verify(problem, final)),
        "check_s": [round(seconds, 1) for _, seconds in checks],
        "fresh_seeds_passed": [_passed(one) for one, _ in checks],
        "sample": {
            "sub_clusters": min(arguments.sample, len(final.sub_clusters)),
            "gpus": given,
            "least": least,
        },
    }
    for name, value in figures.items():
        print(f"{name}: {value}")
    write_json(arguments.json, **figures)


def _summary(plan: Plan, certificate: Certificate | None) -> dict[str, Any]:
    passed = None if certificate is None else _passed(certificate)
    return {
        "gpus": gpus_of(plan),
        "usd_per_hour": round(plan.cost_usd_per_hour, 3),
        "sub_clusters": len(plan.sub_clusters),
        "passed": passed,
    }


def _passed(certificate: Certificate) -> int:
    return sum(cluster.passed for cluster in certificate.sub_clusters)


if __name__ == "__main__":
    main()
