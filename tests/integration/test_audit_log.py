"""The audit log on both databases: nothing changes it, and whatever did is found."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from typer.testing import CliRunner

from api.cli.main import app
from planner.service.audit import AuditFilter, audit_entries, verify_audit
from planner.store.audit_chain import START as CHAIN_START
from planner.store.origin import Origin, coming_from
from planner.store.store import Store, UnitOfWork
from tests.control_plane import START


def add(store: Store, count: int = 1, **changes: str) -> None:
    for index in range(count):
        facts = {"actor": "ann", "action": "plan.approved", "subject": str(index)} | changes
        with store.writing() as work:
            work.audit.add(**facts, share=0.1)  # type: ignore[arg-type]


def by_hand(url: str, *statements: str) -> None:
    """As somebody with the database's password would."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        with connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()
        return
    with psycopg.connect(url) as postgres:
        for statement in statements:
            postgres.execute(statement.encode())


def disarmed(url: str, *statements: str) -> None:
    """The same after the triggers are gone."""
    names = ("no_update", "no_delete") if url.startswith("sqlite") else ("no_change", "no_truncate")
    on = "" if url.startswith("sqlite") else " ON audit_log"
    by_hand(url, *(f"DROP TRIGGER audit_log_{name}{on}" for name in names), *statements)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET actor = 'bob'",
        "UPDATE audit_log SET details = '{}' WHERE number = 1",
        "DELETE FROM audit_log",
        "DELETE FROM audit_log WHERE number = 2",
        "TRUNCATE audit_log",
    ],
)
def test_the_database_refuses_every_change(migrated_url: str, statement: str) -> None:
    if statement.startswith("TRUNCATE") and migrated_url.startswith("sqlite"):
        pytest.skip("SQLite has no such statement")
    store = Store(migrated_url)
    add(store, 3)
    with pytest.raises((sqlite3.IntegrityError, psycopg.errors.IntegrityError), match="never changed"):
        by_hand(migrated_url, statement)
    assert [report.faults for report in verify_audit(store)] == [()]
    assert len(audit_entries(store, AuditFilter(), limit=9)) == 3
    store.close()


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (["UPDATE audit_log SET actor = 'bob' WHERE number = 2"], "2: says something else"),
        (["DELETE FROM audit_log WHERE number = 2"], "3: row 2 missing"),
        (["DELETE FROM audit_log WHERE number > 3"], "4: rows 4 to 5 missing at the end"),
        (["DELETE FROM audit_log"], "1: rows 1 to 5 missing at the end"),
        (["DELETE FROM audit_heads"], "5: the chain's head is missing"),
        (["UPDATE audit_heads SET number = 4"], "5: the chain's head names row 4"),
    ],
)
def test_what_was_done_behind_the_triggers_is_found(
    migrated_url: str, statements: list[str], found: str
) -> None:
    store = Store(migrated_url)
    add(store, 5)
    store.close()
    disarmed(migrated_url, *statements)
    result = CliRunner().invoke(app, ["audit", "verify", "--database-url", migrated_url, "--json"])
    assert result.exit_code == 1
    (chain,) = json.loads(result.stdout)
    assert any(f"{fault['number']}: {fault['text']}".startswith(found) for fault in chain["faults"])


def test_a_whole_log_is_said_to_be_so(migrated_url: str) -> None:
    store = Store(migrated_url)
    add(store, 3)
    with store.writing() as work:
        work.fleets.add("emea", "staging", {})
    add(store.of_fleet("emea"), 2)
    (newest,) = audit_entries(store, AuditFilter(), limit=1)
    store.close()
    result = CliRunner().invoke(app, ["audit", "verify", "--database-url", migrated_url])
    assert result.exit_code == 0
    assert f"default: 3 entries, whole; head {newest.digest}" in result.stdout
    assert "emea: 2 entries, whole" in result.stdout


def test_entries_are_chained_and_say_where_they_come_from(store: Store) -> None:
    with coming_from(Origin("10.0.0.7", "req-1")), store.writing() as work:
        work.audit.add(actor="ann", action="plan.approved", subject="1", reason="cheaper", plan_id="abc")
        work.audit.add(actor="ann", action="plan.activate", subject="1")
    second, first = audit_entries(store, AuditFilter(), limit=9)
    assert (first.number, first.digest_before, second.digest_before) == (1, CHAIN_START, first.digest)
    assert (first.client_address, first.request_id, first.reason) == ("10.0.0.7", "req-1", "cheaper")
    assert first.details == {"plan_id": "abc"}
    add(store)
    assert audit_entries(store, AuditFilter(), limit=1)[0].client_address is None


def test_what_is_undone_leaves_no_entry(store: Store) -> None:
    with pytest.raises(RefusedHere), store.writing() as work:
        _added_and_refused(work)
    assert audit_entries(store, AuditFilter(), limit=9) == []
    add(store)
    assert audit_entries(store, AuditFilter(), limit=9)[0].number == 1


class RefusedHere(Exception):
    pass


def _added_and_refused(work: UnitOfWork) -> None:
    work.audit.add(actor="ann", action="plan.approved", subject="1")
    raise RefusedHere


def test_writers_at_once_make_one_chain(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda index: add(store, 5, actor=f"writer{index}"), range(8)))
    (report,) = verify_audit(store)
    assert (report.entries, report.faults) == (40, ())


def test_filters_and_pages(migrated_url: str) -> None:
    now = START
    store = Store(migrated_url, clock=lambda: now)
    for index in range(6):
        now = START + timedelta(hours=index)
        add(store, actor="ann" if index % 2 else "bob", action=f"run.{index // 3}", subject=str(index))

    def subjects(limit: int = 9, **wanted: object) -> list[str]:
        return [e.subject for e in audit_entries(store, AuditFilter(**wanted), limit=limit)]  # type: ignore[arg-type]

    assert subjects(actor="ann") == ["5", "3", "1"]
    assert subjects(actor="ann", action="run.0") == ["1"]
    assert subjects(subject="4") == ["4"]
    assert subjects(since=START + timedelta(hours=2), until=START + timedelta(hours=4)) == ["3", "2"]
    last = audit_entries(store, AuditFilter(), limit=4)[-1]
    assert subjects(before=last.id) == ["1", "0"]
    store.close()
