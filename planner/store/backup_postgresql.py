"""PostgreSQL's part of backups: its own programs, which must not be older than the server."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from planner.store.errors import BackupRefused, StoreUnavailable

ASIDE = "before_restore"  # the schema that holds the old tables until the new ones are complete
OURS = "public"


def dump(database_url: str, file: Path, programs: Path | None) -> None:
    """One snapshot, compressed, without owners and privileges."""
    url, environment = _without_password(database_url)
    _run(
        [
            *(_program("pg_dump", programs), "--format=custom", "--no-owner", "--no-privileges"),
            *(f"--schema={OURS}", f"--file={file}", f"--dbname={url}"),
        ],
        environment,
    )


def verified_revision(file: Path, programs: Path | None) -> str:
    """Reads the archive whole; raises ``BackupRefused`` when it cannot be read to its end."""
    restore = _program("pg_restore", programs)
    _run([restore, f"--file={os.devnull}", str(file)])
    text = _run([restore, "--data-only", "--table=alembic_version", "--file=-", str(file)])
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if line.startswith("COPY ")), None)
    if start is None or lines[start + 1] == "\\.":
        raise BackupRefused(f"{file} is no database of ours: it states no schema revision")
    return lines[start + 1]


def replace(
    database_url: str, file: Path, upgrade: Callable[[], object], programs: Path | None, *, force: bool
) -> None:
    """
    Restore into the database and ``upgrade`` it. The tables that were there step aside and are dropped at
    the end; if anything fails before, they are put back.
    """
    with _connected(database_url) as connection:
        tables = _count(connection, "SELECT count(*) FROM pg_tables WHERE schemaname = %s", OURS)
        if tables and not force:
            raise BackupRefused(f"the database has {tables} tables", hint="--force replaces them")
        _require_alone(connection)
        if _count(connection, "SELECT count(*) FROM pg_namespace WHERE nspname = %s", ASIDE):
            raise BackupRefused(
                f"the schema {ASIDE} is there: an earlier restore was killed",
                hint=f"look at it, then drop it, or drop {OURS} and rename it back",
            )
        with connection.transaction():
            connection.execute(f"ALTER SCHEMA {OURS} RENAME TO {ASIDE}")
            connection.execute(f"CREATE SCHEMA {OURS}")
    try:
        url, environment = _without_password(database_url)
        _run(
            [
                *(_program("pg_restore", programs), "--single-transaction", "--exit-on-error", "--no-owner"),
                *("--no-privileges", f"--schema={OURS}", f"--dbname={url}", str(file)),
            ],
            environment,
        )
        upgrade()
    except BaseException:
        with _connected(database_url) as connection, connection.transaction():
            connection.execute(f"DROP SCHEMA {OURS} CASCADE")
            connection.execute(f"ALTER SCHEMA {ASIDE} RENAME TO {OURS}")
        raise
    with _connected(database_url) as connection:
        connection.execute(f"DROP SCHEMA {ASIDE} CASCADE")


def _require_alone(connection: psycopg.Connection) -> None:
    others = _count(
        connection,
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = %s",
        "client backend",
    )
    if others:
        raise BackupRefused(
            f"{others} others are connected to the database", hint="stop the servers on it, then restore"
        )


def _count(connection: psycopg.Connection, query: str, *values: str) -> int:
    row = connection.execute(query.encode(), values).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def _connected(database_url: str) -> Iterator[psycopg.Connection]:
    try:
        connection = psycopg.connect(_plain(database_url), autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        raise StoreUnavailable(str(error)) from error
    try:
        yield connection
    except psycopg.OperationalError as error:
        raise StoreUnavailable(str(error)) from error
    finally:
        connection.close()


def _plain(database_url: str) -> str:
    return make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)


def _without_password(database_url: str) -> tuple[str, dict[str, str]]:
    """Every user of a machine can see a command line, only the owner of a process its environment."""
    url = make_url(database_url).set(drivername="postgresql")
    environment = {"PGPASSWORD": str(url.password)} if url.password else {}
    return url._replace(password=None).render_as_string(hide_password=False), environment


def _program(name: str, programs: Path | None) -> str:
    found = shutil.which(name, path=str(programs) if programs else None)
    if found is None:
        raise BackupRefused(
            f"{name} is not {f'in {programs}' if programs else 'on the path'}",
            hint="install PostgreSQL's client programs of its version; --programs names their folder",
        )
    return found


def _run(command: list[str], environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        said = " ".join(done.stderr.split()) or "it said nothing"
        hint = "its version must be the server's or later: --programs names another folder"
        raise BackupRefused(
            f"{Path(command[0]).name} failed: {said}", hint=hint if "version" in said else None
        )
    return done.stdout
