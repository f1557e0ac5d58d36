"""Repositories and the unit of work, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from planner.demand.forecast import Forecast, ForecastEpoch, ModelForecast
from planner.problem.problem import GpuType, Pool
from planner.store.errors import StoreConflict, StoreUnavailable
from planner.store.records import NewPlan, PlanState, RegisteredModel, RegisteredProfile, RunRecord, RunState
from planner.store.store import Store
from planner.store.tables import ActivationRow, NodeRow
from tests.control_plane import START
from tests.observed import report

DIGEST = "d" * 64
PLAN = {
    "status": "optimal",
    "objective": 2.4,
    "bound": 2.4,
    "gap": 0.0,
    "fluid_bound": 1.2,
    "physical_gap": 0.5,
    "cost_usd_per_hour": 2.4,
    "sub_clusters": [],
    "unserved": [],
    "excuses": [],
    "solver": "highs",
    "seed": 7,
    "problem_digest": DIGEST,
}


def register(store: Store) -> None:
    with store.writing() as work:
        work.registry.put_gpu_types([GpuType("A10", 24.0, 1.0, 1.2)])
        work.registry.put_models([RegisteredModel("m", 50.0)])


def add_forecast(store: Store) -> int:
    epochs = (ForecastEpoch(START, 1.0), ForecastEpoch(START + timedelta(hours=1), 0.5))
    with store.writing() as work:
        return work.forecasts.add(Forecast("f", epochs, (ModelForecast("m", (1.5, 2.0), (1.0, 3.0)),))).id


def add_run(store: Store, run_id: str = "run", **changes: object) -> None:
    facts: dict[str, object] = {
        "id": run_id,
        "state": RunState.QUEUED,
        "forecast_id": 1,
        "problem_digest": DIGEST,
        "options": {"solver": "auto"},
        "demand": None,
        "actor": "tester",
        "created_at": START,
    }
    with store.writing() as work:
        work.plans.put_problem(DIGEST, {"epochs": []})
        work.runs.add(RunRecord(**(facts | changes)))  # type: ignore[arg-type]


def add_plan(store: Store, run_id: str, *, passed: bool = True) -> int:
    new = NewPlan(run_id, 1, DIGEST, PLAN, 0, 0, {"solver": "auto"}, {"passed": passed}, passed, 0.004)
    with store.writing() as work:
        return work.plans.add(new).version


def prepared(store: Store) -> Store:
    register(store)
    add_forecast(store)
    add_run(store)
    return store


def test_registry_creates_then_replaces(store: Store) -> None:
    with store.writing() as work:
        first = work.registry.put_gpu_types([GpuType("B", 8.0, 0.0, 1.0), GpuType("A", 8.0, 0.0, 1.0)])
    with store.writing() as work:
        second = work.registry.put_gpu_types([GpuType("A", 16.0, 1.0, 2.0), GpuType("C", 1.0, 0.0, 0.5)])
        work.registry.put_pools([Pool("A", "zone-b", 3), Pool("A", "zone-a", 0)])
    assert (first.created, first.updated) == (("B", "A"), ())
    assert (second.created, second.updated) == (("C",), ("A",))
    with store.reading() as work:
        assert [g.id for g in work.registry.gpu_types()] == ["A", "B", "C"]
        assert work.registry.gpu_type("A") == GpuType("A", 16.0, 1.0, 2.0)
        assert work.registry.pools() == [Pool("A", "zone-a", 0), Pool("A", "zone-b", 3)]
        assert work.registry.pool("A", "nowhere") is None


def test_profiles_keep_either_form_of_curve(store: Store) -> None:
    register(store)
    affine = RegisteredProfile("m", "A10", {"alpha_ms": 0.1, "beta_ms": 2.0}, 1.0, 0.1, 8, "measured")
    table = RegisteredProfile("m", "A10", {"latency_ms": [[1, 2.5], [4, 3.0]]}, 1.0, 0.1, 4)
    for profile in (affine, table):
        with store.writing() as work:
            work.registry.put_profiles([profile])
        with store.reading() as work:
            assert work.registry.profiles(model="m", gpu_type="A10") == [profile]


def test_many_rows_go_in_at_once(store: Store) -> None:
    models = [RegisteredModel(f"m{i:05d}", 10.0, 1, {"backend": {"kind": "emulated"}}) for i in range(2_345)]
    with store.writing() as work:
        assert len(work.registry.put_models(models).created) == 2_345
    with store.reading() as work:
        assert work.registry.models() == models


def test_a_unit_of_work_that_raises_leaves_nothing(store: Store) -> None:
    def interrupted() -> None:
        with store.writing() as work:
            work.registry.put_gpu_types([GpuType("A", 8.0, 0.0, 1.0)])
            work.audit.add(actor="a", action="b", subject="c")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    with store.reading() as work:
        assert work.registry.gpu_types() == []
        assert work.audit.newest(limit=10) == []


def test_a_broken_reference_is_a_conflict_and_stores_nothing(store: Store) -> None:
    def contradictory() -> None:
        with store.writing() as work:
            work.registry.put_gpu_types([GpuType("A", 8.0, 0.0, 1.0)])
            work.registry.put_pools([Pool("unknown", "zone", 1)])

    with pytest.raises(StoreConflict):
        contradictory()
    with store.reading() as work:
        assert work.registry.gpu_types() == []


def test_forecast_comes_back_as_it_went_in(store: Store) -> None:
    register(store)
    forecast_id = add_forecast(store)
    with store.reading() as work:
        found = work.forecasts.get(forecast_id)
        assert found is not None
        assert found.epochs[1] == ForecastEpoch(START + timedelta(hours=1), 0.5)
        assert found.models == (ModelForecast("m", (1.5, 2.0), (1.0, 3.0)),)
        (summary,) = work.forecasts.newest(limit=5)
        assert (summary.epoch_count, summary.model_count) == (2, 1)
        assert summary.created_at.tzinfo is UTC
        assert work.forecasts.get(99) is None


def test_forecasts_are_paged_newest_first(store: Store) -> None:
    register(store)
    ids = [add_forecast(store) for _ in range(3)]
    with store.reading() as work:
        assert [f.id for f in work.forecasts.newest(limit=2)] == ids[:0:-1]
        assert [f.id for f in work.forecasts.newest(limit=2, before=ids[1])] == ids[:1]


def test_plan_comes_back_with_all_that_it_rests_on(store: Store) -> None:
    version = add_plan(prepared(store), "run")
    with store.reading() as work:
        found = work.plans.documents(version)
        assert found is not None
        assert found.plan == PLAN
        assert found.problem == {"epochs": []}
        assert found.certificate == {"passed": True}
        assert found.summary == work.plans.summary(version)
        assert found.summary.state is PlanState.CERTIFIED
        assert found.summary.certificate_bad_rate == 0.004
        assert work.plans.newest(limit=3) == [found.summary]
        assert work.plans.documents(99) is None
        assert work.plans.summary(99) is None


def test_a_plan_without_a_passed_certificate_is_a_draft(store: Store) -> None:
    version = add_plan(prepared(store), "run", passed=False)
    with store.reading() as work:
        summary = work.plans.summary(version)
    assert summary is not None
    assert summary.state is PlanState.DRAFT


def test_activation_supersedes_the_plan_before(store: Store) -> None:
    prepared(store)
    first, second = add_plan(store, "run"), add_plan(store, "other")
    for version in (first, second):
        with store.writing() as work:
            work.plans.activate(version, kind="activate", actor="tester")
    with store.reading() as work:
        states = {plan.version: plan.state for plan in work.plans.newest(limit=5)}
        assert states == {first: PlanState.SUPERSEDED, second: PlanState.ACTIVE}
        current = work.plans.current_activation()
        assert current is not None
        assert current.plan_version == second
        latest, earlier = work.plans.activations(limit=5)
        assert latest == current
        assert earlier.deactivated_at == latest.activated_at


def test_the_database_itself_allows_one_active_plan(store: Store) -> None:
    """Should two switches ever slip past each other, the index stops the second."""
    version = add_plan(prepared(store), "run")
    with store.writing() as work:
        work.plans.activate(version, kind="activate", actor="tester")
    row = ActivationRow(fleet="default", plan_version=version, kind="activate", actor="x", activated_at=START)
    with pytest.raises(StoreConflict), store.writing() as work:
        work.plans._session.add(row)


def test_same_problem_is_kept_once(store: Store) -> None:
    with store.writing() as work:
        work.plans.put_problem(DIGEST, {"first": True})
        work.plans.put_problem(DIGEST, {"first": False})
    with store.reading() as work:
        assert work.plans.problem(DIGEST) == {"first": True}
        assert work.plans.problem("e" * 64) is None


def test_audit_log_is_newest_first(store: Store) -> None:
    with store.writing() as work:
        work.audit.add(actor="ann", action="plan.approved", subject="1", note="ok")
        work.audit.add(actor="bob", action="plan.activate", subject="1")
    with store.reading() as work:
        entries = work.audit.newest(limit=1)
        assert [(e.actor, e.details) for e in entries] == [("bob", {})]


def test_an_unreachable_database_is_said_to_be_so() -> None:
    store = Store("postgresql://postgres@127.0.0.1:9/none")
    with pytest.raises(StoreUnavailable), store.reading() as work:
        work.registry.gpu_types()
    store.close()


def test_instants_without_a_zone_are_refused(store: Store) -> None:
    with pytest.raises(Exception, match="must have a time zone"), store.reading() as work:
        work.plans._session.scalars(select(NodeRow).where(NodeRow.heard_at > datetime(2026, 1, 1))).all()  # noqa: DTZ001


def test_a_fleet_sees_nothing_of_another(store: Store) -> None:
    version = add_plan(prepared(store), "run")
    other = store.of_fleet("other")
    with store.writing() as work:
        work.fleets.add("other", "staging", {})
        work.registry.put_pools([Pool("A10", "zone-a", 8)])
        work.observed.take([report()])
        work.nodes.hear("node", {})
        work.plans.activate(version, kind="activate", actor="tester")
        work.audit.add(actor="tester", action="test", subject="x")
    with other.writing() as work:
        assert work.registry.pools() == []
        assert work.registry.pool("A10", "zone-a") is None
        assert work.forecasts.get(1) is None
        assert work.forecasts.summary(1) is None
        assert work.forecasts.newest(limit=10) == []
        assert work.runs.get("run") is None
        assert work.runs.newest(limit=10) == []
        assert work.runs.request_cancel("run") is None
        assert work.plans.summary(version) is None
        assert work.plans.documents(version) is None
        assert work.plans.lock(version) is None
        assert work.plans.newest(limit=10) == []
        assert work.plans.current_activation() is None
        assert work.plans.activations(limit=10) == []
        assert len(work.observed.frame()) == 0
        assert work.observed.take([report()]) == {"new": 1}, (
            "the same sub-cluster's name in another fleet is another sub-cluster"
        )
        assert work.nodes.all() == []
        assert work.nodes.one("node") is None
        assert work.audit.newest(limit=10) == []
    with store.reading() as work:
        assert len(work.observed.frame()) == 1
