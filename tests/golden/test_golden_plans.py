"""Plans that are known: a change of cost or of what shares a GPU does not go unnoticed."""

from __future__ import annotations

import json

import pytest

from planner.plan.verify import verify
from planner.problem.parse import parse_problem
from tests.golden.problems import problems
from tests.golden.regenerate import FILE, solved, summary

KNOWN = json.loads(FILE.read_text(encoding="utf-8"))


def test_every_problem_has_its_plan() -> None:
    assert set(KNOWN) == set(problems())


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_the_plan_is_the_known_one(name: str) -> None:
    problem = parse_problem(problems()[name])
    plan = solved(problem)
    assert verify(problem, plan) == []
    assert summary(plan) == KNOWN[name]
