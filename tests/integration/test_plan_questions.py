"""Why a stored plan is as it is, and the way to it from another: over REST and through the client."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fermata_client import AsyncFermata, Fermata, Refused
from planner.explain.codec import explanation_to_json
from planner.explain.explanation import explain
from planner.plan.codec import parse_plan
from planner.problem.parse import parse_problem
from planner.rollout.check import check
from planner.rollout.codec import rollout_to_json
from planner.rollout.rollout import rollout
from planner.service import apart
from planner.service.plan_errors import PlanQuestionTooLong
from planner.store.store import Store
from tests.control_plane import served, sqlite_url
from tests.planning import document, model, one_at_a_time
from tests.stored_plans import stored_plan

LIGHT = document(
    [model("m", [100.0, 150.0], {"a": one_at_a_time()}), model("n", [20.0, 20.0], {"a": one_at_a_time()})],
    pools={"a": 6},
)
HEAVY = document(
    [model("m", [300.0, 350.0], {"a": one_at_a_time()}), model("n", [50.0, 60.0], {"a": one_at_a_time()})],
    pools={"a": 6},
)
BROKEN = 4
SHORT = document([model("m", [300.0], {"a": one_at_a_time()})], pools={"a": 2})


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[str]:
    """Plan 1 carries little, 2 much, 3 leaves demand out, 4 breaks a rule; none was ever active."""
    folder = tmp_path_factory.mktemp("questions")
    shutil.copy(sqlite_template, folder / "fermata.db")
    store = Store(sqlite_url(folder))
    assert [stored_plan(store, each) for each in (LIGHT, HEAVY, SHORT)] == [1, 2, 3]
    assert stored_plan(store, LIGHT, gpus_less=1) == BROKEN
    store.close()
    with served(sqlite_url(folder), run_worker=False, scheduler=False) as client:
        yield str(client.base_url)


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=120) as client:
        yield client


def stored(client: httpx.Client, version: int) -> tuple[Any, Any]:
    plan = parse_plan(client.get(f"/v1/plans/{version}").json()["plan"])
    return parse_problem(client.get(f"/v1/plans/{version}/problem").json()), plan


def code(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["type"]).removeprefix("urn:fermata:problem:")


def test_an_explanation_is_that_of_the_command_line(client: httpx.Client) -> None:
    query = {"time_limit_s": 1, "model": ["n"], "seed": 3}
    said = client.get("/v1/plans/2/explanation", params=query).json()
    problem, plan = stored(client, 2)
    own = explanation_to_json(explain(problem, plan, models=["n"], time_limit_s=1.0, seed=3))
    assert said.pop("plan_version") == 2
    assert {name: said[name] for name in ("bindings", "refusals", "shortfall")} == {
        name: own[name] for name in ("bindings", "refusals", "shortfall")
    }
    assert [worth["name"] for worth in said["gpus"]] == [worth["name"] for worth in own["gpus"]]


def test_what_is_left_out_is_explained(client: httpx.Client) -> None:
    said = client.get("/v1/plans/3/explanation", params={"time_limit_s": 1}).json()
    assert said["gpus"] == said["rules"] == []
    assert said["shortfall"]["hopeless"] == []
    assert said["shortfall"]["problems_solved"] >= 1
    tight = {(each["where"], each["unit"]) for each in said["bindings"] if each["is_tight"]}
    assert ("a/z", "GPUs") in tight


def test_a_rollout_is_that_of_the_command_line_and_holds(client: httpx.Client) -> None:
    said = client.get("/v1/plans/2/rollout", params={"against": 1, "load_gib_per_s": 2, "epoch": 1}).json()
    assert (said.pop("before"), said.pop("after")) == (1, 2)
    (_, before), (problem, after) = stored(client, 1), stored(client, 2)
    found = rollout(problem, before, after, epoch=1, load_gib_per_s=2.0)
    assert check(problem, found) == []
    assert said == _as_listed(rollout_to_json(found))
    assert said["waves"]


def _as_listed(value: Any) -> Any:
    """As JSON has it: no tuples."""
    if isinstance(value, dict):
        return {name: _as_listed(each) for name, each in value.items()}
    return [_as_listed(each) for each in value] if isinstance(value, list | tuple) else value


def test_where_nothing_runs_everything_is_loaded(client: httpx.Client) -> None:
    said = client.get("/v1/plans/1/rollout").json()
    assert said["before"] is None
    assert {step["step"] for wave in said["waves"] for step in wave["steps"]} <= {
        "add_gpus",
        "load",
        "switch",
    }
    assert said["gib"] == said["churn_gib"] > 0


def test_what_cannot_be_answered_is_refused_by_name(client: httpx.Client) -> None:
    assert code(client.get("/v1/plans/9/explanation"), 404) == "plan-not-found"
    assert code(client.get("/v1/plans/1/rollout?against=9"), 404) == "plan-not-found"
    unknown = client.get("/v1/plans/1/explanation?model=nn")
    assert unknown.json()["faults"][0]["limit"].startswith("must be a model of the plan's problem")
    late = client.get("/v1/plans/3/rollout?against=1&epoch=1&epoch_before=2")
    assert code(late, 422) == "input-invalid"
    assert [fault["field"] for fault in late.json()["faults"]] == ["epoch", "epoch_before"]
    too_many = client.get("/v1/plans/3/rollout?against=2")
    assert too_many.status_code == 200, "its own plan fits, whatever the other had"
    long = client.get("/v1/plans/1/explanation?time_limit_s=61")
    assert code(long, 422) == "input-invalid"


def test_one_question_at_a_time(client: httpx.Client) -> None:
    with apart._ONE_AT_A_TIME:
        assert code(client.get("/v1/plans/1/explanation"), 409) == "plan-question-busy"
        assert code(client.get("/v1/plans/1/rollout"), 409) == "plan-question-busy"


def test_what_takes_too_long_is_ended() -> None:
    began_s = time.monotonic()
    with pytest.raises(PlanQuestionTooLong, match=r"within 0\.2 s"):
        apart.apart(time.sleep, 600.0, within_s=0.2)
    assert time.monotonic() - began_s < 300.0
    assert apart.apart(abs, -3, within_s=60.0) == 3
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        apart.apart(divmod, 1, 0, within_s=60.0)


def test_the_client_asks_both(url: str) -> None:
    with Fermata(url) as fermata:
        found = fermata.get_rollout(2, against=1)
        assert found.waves[0].steps[0].step.value in ("add_gpus", "load", "switch")
        assert fermata.get_explanation(3, time_limit_s=0.5).shortfall is not None
        with pytest.raises(Refused, match="plan-not-found"):
            fermata.get_explanation(9)
    assert hasattr(AsyncFermata, "get_explanation")


def test_a_plan_that_breaks_a_rule_is_not_explained(client: httpx.Client) -> None:
    assert code(client.get(f"/v1/plans/{BROKEN}/explanation"), 409) == "plan-breaks-rules"
