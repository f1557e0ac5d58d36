"""Connections: SQLite with its traps defused, or PostgreSQL through psycopg 3."""

from __future__ import annotations

import random
import sqlite3
import time
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DisconnectionError

SQLITE_BUSY_TIMEOUT_MS = 10_000
POSTGRES_LOCK_TIMEOUT_MS = 10_000
POSTGRES_STATEMENT_TIMEOUT_MS = 60_000
POSTGRES_CONNECT_TIMEOUT_S = 5
POSTGRES_RESTED_S = 1.0
POOL_SIZE = 20  # kept open: a connection takes longer to open than most requests to answer
POOL_OVERFLOW = 20  # together as many as a server has threads for requests

RESTS_SINCE_S = "fermata_rests_since_s"
WRITES = "fermata_writes"  # execution option: this transaction will write


def make_engine(database_url: str) -> Engine:
    """An engine for ``sqlite:///FILE`` or ``postgresql://...``; raises ``ValueError`` for anything else."""
    try:
        url = make_url(database_url)
    except Exception as error:  # SQLAlchemy's own error type must not leave this room
        raise ValueError(
            f"database URL: must be sqlite:///FILE or postgresql://..., got {database_url!r}"
        ) from error
    backend = url.get_backend_name()
    if backend == "sqlite":
        return _sqlite(url)
    if backend == "postgresql":
        return _postgresql(url)
    raise ValueError(f"database URL: must be sqlite:///FILE or postgresql://..., got {url.drivername}://...")


def writer(engine: Engine) -> Engine:
    """The same pool for transactions that write; SQLite takes its write lock at their start."""
    return engine.execution_options(**{WRITES: True})


def reader(engine: Engine) -> Engine:
    """The same pool for transactions that read: each sees one instant (as SQLite's always do)."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ")
    return engine


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise ValueError("database URL: SQLite needs a file, as in sqlite:///var/fermata.db")
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, pool_size=POOL_SIZE, max_overflow=POOL_OVERFLOW)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late and never for reads
    connection.execute(f"PRAGMA busy_timeout = {SQLITE_BUSY_TIMEOUT_MS}")
    _use_write_ahead_log(connection)
    connection.execute("PRAGMA synchronous = FULL")  # what was acknowledged outlives a power cut
    connection.execute("PRAGMA foreign_keys = ON")


def _use_write_ahead_log(connection: Any) -> None:
    """
    Only the first connection to a new file changes anything. SQLite does not apply its busy timeout to
    that change (two who wait for each other's read lock would wait for ever), so it is tried again here.
    """
    give_up_s = time.monotonic() + SQLITE_BUSY_TIMEOUT_MS / 1_000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_s:
                raise
        time.sleep(random.uniform(0.001, 0.020))


def _begin_sqlite(connection: Connection) -> None:
    """A reader that later wants to write is refused at once, whatever the busy timeout: so ask first."""
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(url: URL) -> Engine:
    options = (
        f"-c lock_timeout={POSTGRES_LOCK_TIMEOUT_MS} -c statement_timeout={POSTGRES_STATEMENT_TIMEOUT_MS}"
    )
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        connect_args={"connect_timeout": POSTGRES_CONNECT_TIMEOUT_S, "options": options},
    )
    event.listen(engine, "checkin", _note_rest)
    event.listen(engine, "checkout", partial(_ping_rested, engine))
    return engine


def _note_rest(_connection: object, record: Any) -> None:
    record.info[RESTS_SINCE_S] = time.monotonic()


def _ping_rested(engine: Engine, connection: Any, record: Any, _proxy: object) -> None:
    """
    A connection that rested is asked whether it still stands, and replaced where it does not.

    One in steady use is not: that would be a fourth journey to the database for each reading of three. When
    the database went away just now its user is told so, and none of its fellows is used again.
    """
    rests_since_s = record.info.get(RESTS_SINCE_S)
    if rests_since_s is None or time.monotonic() - rests_since_s < POSTGRES_RESTED_S:
        return
    try:
        engine.dialect.do_ping(connection)
    except engine.dialect.loaded_dbapi.Error as error:
        raise DisconnectionError from error  # the pool opens another
