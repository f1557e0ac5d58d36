"""What a run stores: here, what it says of the plan that is active."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from planner.demand.forecast import Forecast, ForecastEpoch
from planner.plan.codec import parse_plan, plan_to_json
from planner.plan.plan import Plan
from planner.plan.relabel import is_equivalent
from planner.problem.canonical import problem_to_json
from planner.problem.parse import parse_problem
from planner.service.run_execution import execute
from planner.solvers.replan import RULE
from planner.store.records import RunRecord, RunState
from planner.store.store import Store
from tests.control_plane import START, migrated_store, sqlite_url
from tests.planning import document, model, one_at_a_time

MODELS = [model(name, [20.0, 10.0], {"a": one_at_a_time(weights_gib=2.0)}) for name in ("p", "q", "r")]


def planned(store: Store, run_id: str, active: Plan | None) -> Plan:
    """The plan that a run stores for the models, with this plan active and a threshold of a half."""
    problem = parse_problem(
        document(
            MODELS,
            pools={"a": 8},
            policy={"replan_worth_min": 0.5},
            active_plan=plan_to_json(active) if active else None,
        )
    )
    options = {"solver": "greedy", "time_limit_s": 5.0, "seed": 0}
    with store.writing() as work:
        work.plans.put_problem(problem.digest, problem_to_json(problem))
        work.runs.add(
            RunRecord(run_id, RunState.QUEUED, 1, problem.digest, options, None, "tester", work.now)
        )
    with store.writing() as work:
        claimed = work.runs.claim("here", timedelta(minutes=5))
    assert claimed is not None
    execute(store, claimed.lease)
    with store.reading() as work:
        run = work.runs.get(run_id)
        assert run is not None
        assert run.plan_version is not None, run.error
        stored = work.plans.documents(run.plan_version)
    assert stored is not None
    return parse_plan(stored.plan)


def test_a_stable_load_keeps_the_active_plan_and_the_stored_plan_says_so(tmp_path: Path) -> None:
    store = migrated_store(sqlite_url(tmp_path))
    with store.writing() as work:
        work.forecasts.add(Forecast("f", (ForecastEpoch(START, 1.0),), ()))
    first = planned(store, "first", None)
    second = planned(store, "second", first)
    assert is_equivalent(first, second)
    assert [c.id for c in second.sub_clusters] == [c.id for c in first.sub_clusters]
    assert [excuse for excuse in first.excuses if excuse.subject == RULE] == []
    (said,) = (excuse.text for excuse in second.excuses if excuse.subject == RULE)
    assert said.startswith(("kept", "refitted"))
    assert "loads 0.0% of the GiB held" in said
    store.close()
