"""
Write the known plans anew: ``python -m tests.golden.regenerate``, then read the difference.

Costs of these problems are proven, so a new cost means new mathematics, and wants a reason in the commit.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from planner.plan.plan import Plan
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.solvers import solve
from tests.golden.problems import problems

FILE = Path(__file__).parent / "plans.json"
TIME_LIMIT_S = 30.0


def solved(problem: PlanningProblem) -> Plan:
    """The plan that HiGHS proves to be the cheapest."""
    plan = solve(problem, solver="highs", time_limit_s=TIME_LIMIT_S).plan
    if plan is None or plan.gap > 1e-6:
        raise AssertionError(f"not proven in {TIME_LIMIT_S:g} s: {plan}")
    return plan


def summary(plan: Plan) -> dict[str, Any]:
    """What must not change unnoticed: dollars, and what lives where; ids are left out."""
    return {
        "cost_usd_per_hour": round(plan.objective, 6),
        "sub_clusters": sorted(
            [c.gpu_type, list(c.gpus), sorted(p.model for p in c.placements)] for c in plan.sub_clusters
        ),
        "unserved": sorted(left.model for left in plan.unserved),
    }


def main() -> None:
    found = {name: summary(solved(parse_problem(data))) for name, data in sorted(problems().items())}
    FILE.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
