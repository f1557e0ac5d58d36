"""Whether a database is sound: pages, references, schema, leases, the one active plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, ForeignKeyConstraint, Select, and_, func, not_, or_, select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import TableClause

from planner.store import migrate
from planner.store.audit import AuditRepository
from planner.store.audit_chain import chain_faults
from planner.store.engine import make_engine
from planner.store.errors import StoreUnavailable
from planner.store.records import DEFAULT_FLEET, PlanState, RunState
from planner.store.tables import ActivationRow, Base, PlanRow, RunRow

LEASE_SILENT_S = 600.0  # a run whose lease expired so long ago is executed by nobody
FINDINGS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing looked at, and what is wrong with it."""

    name: str
    findings: tuple[str, ...]


def check(database_url: str) -> list[Checked]:
    """
    Everything that can be told from the database alone. It only reads; servers may go on.

    Without this version's schema only pages and the revision are looked at. Raises ``StoreUnavailable``, and
    ``ValueError`` for another URL.
    """
    engine = make_engine(database_url)
    try:
        with engine.connect() as connection:
            found = [_checked("pages", _pages, connection), _checked("revision", _revision, connection)]
            if not found[-1].findings:
                found += [_checked(name, look, connection) for name, look in CHECKS.items()]
            return found
    except DatabaseError as error:
        raise StoreUnavailable(str(error.orig)) from error
    finally:
        engine.dispose()


def _checked(name: str, look: Callable[[Connection], Iterator[str]], connection: Connection) -> Checked:
    return Checked(name, tuple(look(connection)))


def _pages(connection: Connection) -> Iterator[str]:
    """SQLite's own check of pages and indexes; on PostgreSQL every row is read, and must be readable."""
    if connection.dialect.name == "sqlite":
        said = connection.exec_driver_sql(f"PRAGMA integrity_check({FINDINGS_SHOWN})").scalars().all()
        yield from (line for line in said if line != "ok")
        return
    names = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars()
    for name in names.all():
        try:
            with connection.begin_nested():
                connection.exec_driver_sql(f'SELECT sum(length(t::text)) FROM public."{name}" t')
        except DatabaseError as error:
            yield f"{name} cannot be read: {error.orig}"


def _revision(connection: Connection) -> Iterator[str]:
    found, needed = MigrationContext.configure(connection).get_current_revision(), migrate.newest_revision()
    if found != needed:
        yield f"the database is at schema {found or 'none'}, this version needs {needed}"


def _schema(connection: Connection) -> Iterator[str]:
    """What differs between the database and the models, as Alembic's own comparison finds it."""
    for difference in compare_metadata(MigrationContext.configure(connection), Base.metadata):
        yield f"the schema differs from this version's: {difference}"


def _references(connection: Connection) -> Iterator[str]:
    for table in Base.metadata.sorted_tables:
        for constraint in table.foreign_key_constraints:
            count = connection.execute(_dangling(table, constraint)).scalar() or 0
            if count:
                columns = ", ".join(constraint.column_keys)
                yield f"{count} rows of {table.name} refer by {columns} to a row that is not there"


def _dangling(table: TableClause, constraint: ForeignKeyConstraint) -> Select[int]:
    referred = constraint.referred_table.alias()
    matches = and_(*(e.parent == referred.c[e.column.name] for e in constraint.elements))
    stated = and_(*(element.parent.is_not(None) for element in constraint.elements))
    exists = select(referred).where(matches).exists()
    return select(func.count()).select_from(table).where(stated, not_(exists))


def _leases(connection: Connection) -> Iterator[str]:
    """A run whose lease ran out long ago waits for a server that executes runs."""
    silent = datetime.now(UTC) - timedelta(seconds=LEASE_SILENT_S)
    query = select(RunRow.id, RunRow.lease_owner).where(
        RunRow.state == RunState.RUNNING.value,
        or_(RunRow.lease_expires_at.is_(None), RunRow.lease_expires_at < silent),
    )
    for run_id, owner in connection.execute(query):
        yield f"run {run_id}: {owner} gave no sign of life for {LEASE_SILENT_S:g} s and nobody took it over"


def _plans(connection: Connection) -> Iterator[str]:
    """One plan of a fleet is active at most, and it is the one whose activation is in force."""
    active = select(PlanRow.fleet, PlanRow.version).where(PlanRow.state == PlanState.ACTIVE.value)
    in_force = select(ActivationRow.fleet, ActivationRow.plan_version).where(
        ActivationRow.deactivated_at.is_(None)
    )
    states = sorted(connection.execute(active).all())
    activations = sorted(connection.execute(in_force).all())
    if list(map(tuple, states)) != list(map(tuple, activations)):
        yield f"active plans are {list(map(tuple, states))}, in force are {list(map(tuple, activations))}"
    for fleet in {fleet for fleet, _ in states}:
        versions = [version for of, version in states if of == fleet]
        if len(versions) > 1:
            yield f"fleet {fleet} has {len(versions)} active plans: {versions}"


def _audit(connection: Connection) -> Iterator[str]:
    """Every fleet's chain of digests, from its start."""
    with Session(connection) as session:
        log = AuditRepository(session, datetime.now(UTC), DEFAULT_FLEET)
        for fleet in log.fleets():
            last, head = log.last_number(fleet), log.head(fleet)
            entries = log.chain(fleet, until=max(last, head.number if head else 0))
            for fault in chain_faults(entries, head, fleet):
                yield f"the audit log of fleet {fleet}, entry {fault.number}: {fault.text}"


CHECKS: dict[str, Callable[[Connection], Iterator[str]]] = {
    "schema": _schema,
    "references": _references,
    "leases": _leases,
    "plans": _plans,
    "audit log": _audit,
}
