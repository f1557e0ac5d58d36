"""Migration 0006 with plans and a log in the database: up, down and up again on both."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from planner.plan.identity import plan_id
from planner.service.audit import verify_audit
from planner.service.plans import plans
from planner.store import migrate
from planner.store.engine import make_engine, writer
from planner.store.records import NewPlan, PlanOrigin, PlanState
from planner.store.store import Store
from tests.control_plane import START
from tests.integration.test_store import DIGEST, PLAN

NOW = datetime(2026, 11, 1, tzinfo=UTC)
CERTIFICATE = {"passed": True, "bad_rate": 0.004}
EPOCHS = {"epochs": [{"start": START.isoformat(), "hours": 1.5}]}
SUMMARY = "'optimal', 2.4, 2.4, 0, 1.2, 0.5, 2.4, 0, 0, 'highs', '{}', 7"
ROWS: list[tuple[str, dict[str, Any]]] = [
    ("INSERT INTO forecasts (id, name, epochs, created_at) VALUES (1, 'f', '[]', :now)", {}),
    ("INSERT INTO problems VALUES (:digest, :json, :now)", {"digest": DIGEST, "json": EPOCHS}),
    (
        "INSERT INTO plans (version, state, run_id, forecast_id, problem_digest, status, objective, bound,"
        " gap, fluid_bound, physical_gap, cost_usd_per_hour, sub_cluster_count, gpu_count, solver, options,"
        f" seed, document, created_at) VALUES (1, 'active', 'r', 1, :digest, {SUMMARY}, :json, :now)",
        {"digest": DIGEST, "json": PLAN},
    ),
    ("INSERT INTO certificates VALUES (1, :yes, 0.004, :json, :now)", {"json": CERTIFICATE, "yes": True}),
    (
        "INSERT INTO activations (id, fleet, plan_version, kind, actor, activated_at)"
        " VALUES (1, 'default', 1, 'activate', 'ann', :now)",
        {},
    ),
    (
        "INSERT INTO runs (id, state, forecast_id, problem_digest, options, actor, created_at, attempts,"
        " cancel_requested, progress, plan_version)"
        " VALUES ('r', 'succeeded', 1, :digest, '{}', 'ann', :now, 1, :no, '{}', 1)",
        {"digest": DIGEST, "no": False},
    ),
    *(
        (
            "INSERT INTO audit_log (id, at, actor, action, subject, details)"
            f" VALUES ({number}, :now, 'ann', 'plan.approved', '1', :json)",
            {"json": {"share": 0.1, "run": "r"}},
        )
        for number in (1, 2)
    ),
]


def move(url: str, direction: Callable[[Config, str], None], revision: str) -> None:
    engine = make_engine(url)
    with writer(engine).begin() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        direction(config, revision)
    engine.dispose()


def insert_rows(url: str) -> None:
    engine = make_engine(url)
    now = NOW.replace(tzinfo=None).isoformat(" ") if url.startswith("sqlite") else NOW
    with writer(engine).begin() as connection:
        for statement, values in ROWS:
            given = {k: json.dumps(v) if k == "json" else v for k, v in values.items()}
            named = {name: value for name, value in (given | {"now": now}).items() if f":{name}" in statement}
            connection.execute(text(statement), named)
        if url.startswith("postgresql"):
            for table, column in (("plans", "version"), ("audit_log", "id")):
                sequence = f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), 100)"
                connection.execute(text(sequence))
    engine.dispose()


def counts(url: str, *tables: str) -> dict[str, int]:
    engine = make_engine(url)
    with engine.connect() as connection:
        found = {t: connection.execute(text(f"SELECT count(*) FROM {t}")).scalar_one() for t in tables}
    engine.dispose()
    return found


@pytest.fixture
def filled_url(database_url: str) -> str:
    move(database_url, command.upgrade, "0003")
    insert_rows(database_url)
    migrate.upgrade(database_url)
    return database_url


def test_plans_have_their_ids_and_the_log_is_a_chain(filled_url: str) -> None:
    store = Store(filled_url)
    (plan,) = plans(store, limit=9)
    assert plan.plan_id == plan_id(PLAN, DIGEST, CERTIFICATE)
    assert (plan.state, plan.origin, plan.recertifies) == (PlanState.ACTIVE, PlanOrigin.RUN, None)
    assert plan.horizon_end == START.replace(hour=9, minute=30)
    (report,) = verify_audit(store)
    assert (report.entries, report.faults) == (2, ())
    with store.writing() as work:  # and it goes on
        work.audit.add(actor="bob", action="plan.rejected", subject="1")
    assert [report.faults for report in verify_audit(store)] == [()]
    store.close()


def test_down_and_up_keeps_all_but_what_only_the_newer_schema_knows(filled_url: str) -> None:
    store = Store(filled_url)
    imported = NewPlan(None, 1, DIGEST, PLAN, 0, 0, {}, None, False, None, PlanOrigin.IMPORTED)
    with store.writing() as work:
        work.plans.add(imported)
        work.decisions.add(1, "a" * 64, "approved", actor="ann")
    store.close()
    kept = ("forecasts", "plans", "certificates", "activations", "runs", "audit_log")
    move(filled_url, command.downgrade, "0003")
    assert counts(filled_url, *kept) == dict.fromkeys(kept, 1) | {"audit_log": 2}
    migrate.upgrade(filled_url)
    assert counts(filled_url, *kept) == dict.fromkeys(kept, 1) | {"audit_log": 2}
    store = Store(filled_url)
    assert [report.faults for report in verify_audit(store)] == [()]
    assert plans(store, limit=9)[0].plan_id == plan_id(PLAN, DIGEST, CERTIFICATE)
    store.close()
