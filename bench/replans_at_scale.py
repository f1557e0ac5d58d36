"""
A large fleet planned again: for changed demand, under rules, within a budget of loads.

The fleet is that of ``bench.fleet``. It is planned afresh; that plan then runs, demand changes by a
log-normal factor for each model and hour, and each case plans for it once more:

- ``afresh``: as if nothing ran; its sub-clusters are named like the running ones by assignment;
- ``running``: the plan runs, loads decide between equal costs alone;
- ``worth W``: the no-change rule with ``replan_worth_min`` W;
- ``budget S``: at most the share S of the GiB held may be loaded;
- ``rules``: nothing runs; ten models may live on the V100 alone, ten pairs not together, one is dedicated.

Run as

    python -m bench.replans_at_scale --models 1000 --time-limit-s 60 --json replans_at_scale.json
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.fleet import fleet
from bench.planning_at_scale import WARM_UP_MODELS, WARM_UP_S
from bench.report import write_json
from planner.plan.churn import churn_gib
from planner.plan.codec import parse_plan, plan_to_json
from planner.plan.plan import Plan
from planner.plan.relabel import relabelled
from planner.plan.verify import verify
from planner.problem.canonical import with_digest
from planner.problem.problem import ModelRules, PlanningProblem
from planner.solvers import solve
from planner.solvers.replan import RULE, held_gib

RULED_TYPE = "V100"
RULED_MODELS = 10  # that may live on this type alone; as many pairs are kept apart
CASES = "afresh,running,worth 0.5,worth 0.1,budget 0.1,rules"


@dataclass(frozen=True)
class Row:
    """One plan: dollars per hour, gap as a share, GiB loaded on the running plan, seconds."""

    case: str
    cost: float
    bound: float
    gap: float
    loaded_gib: float
    held_gib: float
    loaded_share: float
    seconds: float
    cpu_s: float
    decision: str


def changed(problem: PlanningProblem, noise: float, seed: int) -> PlanningProblem:
    """The problem with each model's demand of each hour times a log-normal factor."""
    rng = np.random.default_rng(seed)
    models = {
        name: dataclasses.replace(
            model,
            demand_rps=tuple(
                rate * factor
                for rate, factor in zip(
                    model.demand_rps, rng.lognormal(0.0, noise, len(model.demand_rps)), strict=True
                )
            ),
        )
        for name, model in sorted(problem.models.items())
    }
    return with_digest(dataclasses.replace(problem, models=models))


def ruled(problem: PlanningProblem, seed: int) -> PlanningProblem:
    """The problem with a few rules on models drawn at random."""
    rng = np.random.default_rng(seed)
    able = [name for name, model in sorted(problem.models.items()) if RULED_TYPE in model.profiles]
    drawn = [str(name) for name in rng.choice(able, 3 * RULED_MODELS + 1, replace=False)]
    bound, others, alone = drawn[:RULED_MODELS], drawn[RULED_MODELS:-1], drawn[-1]
    models = dict(problem.models)
    for name in bound:
        models[name] = dataclasses.replace(models[name], rules=ModelRules(gpu_types_allowed=(RULED_TYPE,)))
    models[alone] = dataclasses.replace(models[alone], rules=ModelRules(dedicated=True))
    pairs = tuple(zip(others[::2], others[1::2], strict=True))
    policy = dataclasses.replace(problem.policy, exclusions=pairs)
    return with_digest(dataclasses.replace(problem, models=models, policy=policy))


def asked(problem: PlanningProblem, running: Plan, case: str, seed: int) -> PlanningProblem:
    kind, _, value = case.partition(" ")
    if kind == "afresh":
        return problem
    if kind == "rules":
        return ruled(problem, seed)
    policy = problem.policy
    if kind == "worth":
        policy = dataclasses.replace(policy, replan_worth_min=float(value))
    elif kind == "budget":
        policy = dataclasses.replace(policy, churn_gib_max=float(value) * held_gib(problem, running))
    elif kind != "running":
        raise SystemExit(f"error: unknown case {case}")
    return with_digest(dataclasses.replace(problem, policy=policy, active_plan=running))


def measured(
    problem: PlanningProblem, running: Plan, cases: list[str], limit_s: float, seed: int
) -> Iterator[Row]:
    for case in cases:
        question = asked(problem, running, case, seed)
        cpu_s = time.process_time()
        outcome = solve(question, time_limit_s=limit_s, seed=seed)
        cpu_s = time.process_time() - cpu_s
        plan = outcome.plan
        if plan is None or verify(question, plan):
            raise SystemExit(f"error: no verified plan for case {case}")
        if plan.unserved:
            raise SystemExit(f"error: case {case} leaves demand out; raise --time-limit-s")
        named = relabelled(question, running, plan)
        loaded, held = churn_gib(question, named, running), held_gib(question, running)
        said = next((excuse.text for excuse in plan.excuses if excuse.subject == RULE), "")
        yield Row(
            case=case,
            cost=plan.objective,
            bound=plan.bound,
            gap=plan.gap,
            loaded_gib=loaded,
            held_gib=held,
            loaded_share=loaded / held,
            seconds=outcome.runtime_s,
            cpu_s=cpu_s,
            decision=said,
        )


def _first(problem: PlanningProblem, path: Path | None, limit_s: float, seed: int) -> Plan:
    """The plan that runs: of an earlier call, where there is one at ``path``."""
    if path is not None and path.exists():
        return parse_plan(json.loads(path.read_text(encoding="utf-8")))
    plan = solve(problem, time_limit_s=limit_s, seed=seed).plan
    if plan is None or plan.unserved:
        raise SystemExit("error: no first plan that serves all; raise --time-limit-s")
    if path is not None:
        path.write_text(json.dumps(plan_to_json(plan)), encoding="utf-8")
    return plan


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--time-limit-s", type=float, default=60.0)
    parser.add_argument("--noise", type=float, default=0.05, help="of demand, log-normal sigma")
    parser.add_argument("--cases", default=CASES, help="comma between")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--running", type=Path, help="file of the plan that runs, written if not there")
    parser.add_argument("--json", type=Path, help="also write the rows here")
    arguments = parser.parse_args()
    solve(fleet(WARM_UP_MODELS, WARM_UP_MODELS), time_limit_s=WARM_UP_S, seed=0)
    problem = fleet(arguments.models, arguments.models)
    running = _first(problem, arguments.running, arguments.time_limit_s, arguments.seed)
    print("| case | USD/h | bound | gap | GiB loaded | share of the GiB held | s | CPU s |")
    print("|---|---|---|---|---|---|---|---|")
    rows = []
    tomorrow = changed(problem, arguments.noise, arguments.seed)
    cases = arguments.cases.split(",")
    for row in measured(tomorrow, running, cases, arguments.time_limit_s, arguments.seed):
        rows.append(row)
        print(
            f"| {row.case} | {row.cost:.1f} | {row.bound:.1f} | {row.gap:.2%} | {row.loaded_gib:.0f} "
            f"| {row.loaded_share:.1%} | {row.seconds:.1f} | {row.cpu_s:.1f} |",
            flush=True,
        )
    write_json(arguments.json, rows=[asdict(row) for row in rows])


if __name__ == "__main__":
    main()
