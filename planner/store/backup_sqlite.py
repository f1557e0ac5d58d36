"""SQLite's part of backups: files."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from planner.store.errors import BackupRefused, StoreUnavailable

FAULTS_SHOWN = 5
BUSY_TIMEOUT_S = 10.0


def copy(database: Path, file: Path) -> None:
    """
    The state of one instant. All pages are read in one transaction: beside a write-ahead log that stops no
    writer, while a backup in steps would begin anew whenever somebody writes between two of them.
    """
    with _opened(database) as source, _opened(file) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it


def verified_revision(file: Path) -> str:
    """Raises ``BackupRefused`` when a page or an index is damaged, or a row refers to none."""
    try:
        with _opened(file, query="mode=ro") as database:
            faults = [str(row[0]) for row in database.execute("PRAGMA integrity_check")]
            if faults != ["ok"]:
                raise BackupRefused(f"{file} is damaged: {'; '.join(faults[:FAULTS_SHOWN])}")
            broken = database.execute("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise BackupRefused(f"{file}: {len(broken)} rows refer to rows that are not there")
            (revision,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
    except (sqlite3.DatabaseError, StoreUnavailable, TypeError) as error:
        raise BackupRefused(f"{file} is damaged or no database of ours: {error}") from error
    return str(revision)


def replace(target: Path, file: Path, upgrade: Callable[[Path], None], *, force: bool) -> str | None:
    """
    Put ``file``, upgraded, in the place of ``target``; the database that was there stays beside it.

    Returns where that is.
    """
    there = target.exists() and target.stat().st_size > 0
    if there and not force:
        raise BackupRefused(
            f"there is a database at {target}", hint="--force replaces it, and keeps it beside"
        )
    if there:
        _require_alone(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{target.name}.restoring")
    try:
        _remove(fresh)
        shutil.copyfile(file, fresh)
        upgrade(fresh)
        _require_alone(fresh)  # which leaves it one file
        verified_revision(fresh)
        kept = target.with_name(f"{target.name}.before-restore") if there else None
        if kept is not None:
            target.replace(kept)
        fresh.replace(target)
    finally:
        _remove(fresh)
    return str(kept) if kept else None


def _require_alone(database: Path) -> None:
    """SQLite leaves the write-ahead log only for one alone with the file; then all is in one file."""
    with _opened(database, timeout_s=1.0) as connection:
        try:
            connection.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.OperationalError as error:
            raise BackupRefused(
                f"others have {database} open", hint="stop the servers on it, then restore"
            ) from error
        except sqlite3.DatabaseError:
            return  # what is there is no database any more: all the more reason to restore


def _remove(database: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


@contextmanager
def _opened(
    file: Path, *, query: str = "", timeout_s: float = BUSY_TIMEOUT_S
) -> Iterator[sqlite3.Connection]:
    try:
        connection = sqlite3.connect(
            f"{file.absolute().as_uri()}?{query}", uri=True, isolation_level=None, timeout=timeout_s
        )
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{file}: {error}") from error
    try:
        yield connection
    finally:
        connection.close()
