"""Bring a database to the schema of this version; the scripts are the package ``migrations``."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DatabaseError

from planner.store.engine import make_engine, writer
from planner.store.errors import SchemaOutdated, StoreUnavailable

MIGRATION_LOCK = 7_217_043_118  # an arbitrary number of our own: one migration at a time
LOCK_TIMEOUT_MS = 5_000  # rather give up than make every query queue behind a waiting ALTER TABLE


@dataclass(frozen=True, slots=True)
class SchemaState:
    """The revision found in a database (None: none) and the one this version needs."""

    found: str | None
    needed: str

    @property
    def is_current(self) -> bool:
        return self.found == self.needed


def upgrade(database_url: str) -> SchemaState:
    """
    Upgrade to the newest revision in one transaction.

    Returns the state before. Two servers may do this at once: the second waits and finds nothing left to do.
    Raises ``StoreUnavailable``, all being as it was, when the database cannot be reached or a lock that a
    migration needs is held by others for longer than ``LOCK_TIMEOUT_MS`` (SQLite: its busy timeout).
    """
    engine = make_engine(database_url)
    try:
        with writer(engine).begin() as connection:
            _wait_for_others(connection)
            before = _state(connection)
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        return before
    except DatabaseError as error:
        raise StoreUnavailable(str(error.orig)) from error
    finally:
        engine.dispose()


def _wait_for_others(connection: Connection) -> None:
    """SQLite's write lock is held already."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))  # a large table takes what it takes
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})


def schema_state(engine: Engine) -> SchemaState:
    """What the database has beside what this version needs. Raises ``StoreUnavailable``."""
    try:
        with engine.connect() as connection:
            return _state(connection)
    except DatabaseError as error:
        raise StoreUnavailable(str(error.orig)) from error


def require_current(engine: Engine) -> None:
    """Raises ``SchemaOutdated`` unless the database is at the newest revision."""
    state = schema_state(engine)
    if not state.is_current:
        raise SchemaOutdated(state.found, state.needed)


def newest_revision() -> str:
    """The revision that this version needs."""
    return ScriptDirectory.from_config(_config()).get_current_head() or "none"


def _state(connection: Connection) -> SchemaState:
    return SchemaState(MigrationContext.configure(connection).get_current_revision(), newest_revision())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("migrations")).replace("%", "%%"))
    return config
