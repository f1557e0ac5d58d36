"""Pipelines: what a document may say, and how the SLO is divided."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.problem.budgets import STEPS, least_budget_ms, longest_path, stage_cost_usd_per_hour
from planner.problem.canonical import problem_to_json
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from profiles.faults import InputInvalid
from tests.planning import batching, changed, document

FAST, SLOW = batching(0.5, 2.0), batching(2.0, 10.0)


def piped(
    stages: list[dict[str, Any]],
    profiles: dict[str, dict[str, Any]],
    slo_ms: float = 100.0,
    pools: dict[str, int] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A document of one pipeline whose models have the profiles by name, on GPU type a."""
    pipeline = {"id": "p", "slo_ms": slo_ms, "demand_rps": [200.0], "stages": stages} | changes
    models = [{"id": name, "profiles": {"a": profile}} for name, profile in profiles.items()]
    whole = document([], pools=pools or {"a": 8}, epochs=1)
    return whole | {"models": models, "pipelines": [pipeline]}


def budgets_ms(problem: PlanningProblem) -> dict[str, float]:
    return {name: model.slo_ms for name, model in problem.models.items()}


CHAIN = [{"model": "fast"}, {"model": "slow", "after": ["fast"]}]
TWO = {"fast": FAST, "slow": SLOW}


def test_stages_take_demand_and_variation_from_the_pipeline() -> None:
    stages = [{"model": "fast"}, {"model": "slow", "after": ["fast"], "calls_per_request": 2.5}]
    problem = parse_problem(piped(stages, TWO, arrival_cv=2.0, priority=3))
    assert problem.models["fast"].demand_rps == (200.0,)
    assert problem.models["slow"].demand_rps == (500.0,)
    assert {(m.arrival_cv, m.priority) for m in problem.models.values()} == {(2.0, 3)}


def test_budgets_of_a_chain_use_the_whole_slo_and_favour_what_batches_dearly() -> None:
    found = budgets_ms(parse_problem(piped(CHAIN, TWO)))
    assert sum(found.values()) == pytest.approx(100.0, abs=0.002)
    assert found["slow"] > 2 * found["fast"]


def test_a_branch_beside_the_longest_path_gets_all_that_path_allows() -> None:
    stages = [
        {"model": "first"},
        {"model": "long", "after": ["first"]},
        {"model": "short", "after": ["first"]},
        {"model": "last", "after": ["long", "short"]},
    ]
    problem = parse_problem(piped(stages, {"first": FAST, "long": SLOW, "short": FAST, "last": FAST}))
    found = budgets_ms(problem)
    assert found["short"] == pytest.approx(found["long"], abs=0.002)
    assert longest_path(problem.pipelines[0], found)[1] <= 100.0


def test_a_problem_with_a_pipeline_reads_back_equal() -> None:
    problem = parse_problem(piped(CHAIN, TWO))
    again = parse_problem(problem_to_json(problem))
    assert again == problem
    assert again.digest == problem.digest


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_no_other_division_costs_less(data: st.DataObject) -> None:
    """Against every combination of the budgets that the program may choose from, on small graphs."""
    names = ["x", "y", "z"][: data.draw(st.integers(2, 3))]
    stages = [
        {"model": name, "after": data.draw(st.lists(st.sampled_from(names[:i]), unique=True)) if i else []}
        for i, name in enumerate(names)
    ]
    alphas, betas = st.sampled_from([0.2, 1.0, 3.0]), st.sampled_from([0.0, 4.0, 12.0])
    profiles = {name: batching(data.draw(alphas), data.draw(betas)) for name in names}
    problem = parse_problem(piped(stages, profiles, slo_ms=data.draw(st.sampled_from([80.0, 200.0]))))
    pipeline = problem.pipelines[0]
    least = {name: least_budget_ms(problem, problem.models[name]) for name in names}
    spare_ms = pipeline.slo_ms - longest_path(pipeline, least)[1]
    tried = {
        name: [np.floor((least[name] + spare_ms * j / STEPS) * 1e3) / 1e3 for j in range(0, STEPS + 1, 10)]
        for name in names
    }
    cost = {
        name: [
            stage_cost_usd_per_hour(problem, problem.models[name], max(s, least[name])) for s in tried[name]
        ]
        for name in names
    }
    best = min(
        sum(cost[name][j] for name, j in zip(names, chosen, strict=True))
        for chosen in itertools.product(range(len(tried[names[0]])), repeat=len(names))
        if longest_path(pipeline, {n: tried[n][j] for n, j in zip(names, chosen, strict=True)})[1]
        <= pipeline.slo_ms
    )
    found = sum(stage_cost_usd_per_hour(problem, model, model.slo_ms) for model in problem.models.values())
    assert longest_path(pipeline, budgets_ms(problem))[1] <= pipeline.slo_ms
    assert found <= best + 1e-9


@pytest.mark.parametrize(
    ("path", "value", "field", "words"),
    [
        ("pipelines.0.stages.1.after", ["fist"], "pipelines[0].stages[1].after[0]", "did you mean 'fast'?"),
        ("pipelines.0.stages.0.after", ["slow"], "pipelines[0].stages", "must not run in a circle"),
        ("pipelines.0.stages.0.model", "slow", "pipelines[0].stages[1].model", "must be one stage only"),
        ("pipelines.0.stages.0.model", "fats", "pipelines[0].stages[0].model", "must be one of models"),
        ("pipelines.0.stages", [], "pipelines[0].stages", "at least 1 element"),
        ("pipelines.0.demand_rps", [1.0, 2.0], "pipelines[0].demand_rps", "each of 1 epochs"),
        ("pipelines.0.slo_ms", 0, "pipelines[0].slo_ms", "> 0"),
        ("pipelines.0.surprise", 1, "pipelines[0].surprise", "unknown field"),
        ("models.0.slo_ms", 20.0, "models[0].slo_ms", "must be absent: pipeline 'p' states it"),
        ("models.1.demand_rps", [1.0], "models[1].demand_rps", "must be absent"),
    ],
)
def test_faults_name_field_value_and_limit(path: str, value: object, field: str, words: str) -> None:
    with pytest.raises(InputInvalid) as caught:
        parse_problem(changed(piped(CHAIN, TWO), path, value))
    assert any(fault.field == field and words in str(fault) for fault in caught.value.faults), caught.value


def test_a_circle_is_named_by_its_members() -> None:
    stages = [{"model": "fast", "after": ["slow"]}, {"model": "slow", "after": ["fast"]}]
    with pytest.raises(InputInvalid, match=r"fast -> slow -> fast|slow -> fast -> slow"):
        parse_problem(piped(stages, TWO))


def test_a_model_belongs_to_one_pipeline() -> None:
    data = piped(CHAIN, TWO)
    data["pipelines"].append(data["pipelines"][0] | {"id": "q"})
    with pytest.raises(InputInvalid, match="must be in one pipeline, is in 'p' too"):
        parse_problem(data)


def test_an_slo_too_short_for_the_longest_path_says_by_how_much() -> None:
    data = piped(CHAIN, TWO, slo_ms=10.0)
    with pytest.raises(InputInvalid) as caught:
        parse_problem(data)
    (fault,) = caught.value.faults
    assert fault.field == "pipelines[0].slo_ms"
    assert fault.value == "10"
    needed_ms = float(fault.limit.split("at least ")[1].split(":")[0])
    assert "fast" in fault.limit
    assert "slow" in fault.limit
    parse_problem(changed(data, "pipelines.0.slo_ms", needed_ms))
    with pytest.raises(InputInvalid):
        parse_problem(changed(data, "pipelines.0.slo_ms", needed_ms - 0.01))


def test_a_stage_that_no_stocked_gpu_can_hold_is_refused() -> None:
    data = piped(CHAIN, TWO, pools={"a": 0})
    with pytest.raises(InputInvalid, match="must fit a GPU type that some pool stocks"):
        parse_problem(data)
