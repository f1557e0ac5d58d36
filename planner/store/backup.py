"""
Backup of a database into one file while servers write to it, and restore of such a file.

A backup is the database as of one instant: SQLite's online backup, or what ``pg_dump`` reads in one
snapshot. It takes its name only once it is whole, on disk and has been read again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.engine import make_url

from planner.store import backup_postgresql, backup_sqlite, migrate
from planner.store.engine import make_engine
from planner.store.errors import BackupRefused

SQLITE_MAGIC, POSTGRESQL_MAGIC = b"SQLite format 3\x00", b"PGDMP"


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup file: its database's kind (``sqlite``, ``postgresql``), schema revision, and size."""

    kind: str
    revision: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Restored:
    """From which revision a restored database was upgraded to which; they may be the same."""

    found: str
    upgraded_to: str
    kept: str | None  # where the database that was replaced still is


def back_up(database_url: str, file: Path, *, force: bool = False, programs: Path | None = None) -> Backup:
    """
    Write the database's state of one instant to ``file``; writers go on meanwhile.

    ``programs`` is the folder of ``pg_dump`` and ``pg_restore`` where they are not on the path. Raises
    ``BackupRefused`` when the file exists (without ``force``), the database has no schema of ours, a
    program is missing or fails, ``StoreUnavailable`` when the database cannot be reached, ``ValueError``
    for another URL.
    """
    if file.exists() and not force:
        raise BackupRefused(f"{file} exists", hint="choose another name, or --force")
    engine = make_engine(database_url)
    kind = engine.dialect.name
    try:
        if kind == "sqlite" and not Path(make_url(database_url).database or "").exists():
            raise BackupRefused(f"there is no database at {database_url}")
        revision = migrate.schema_state(engine).found
        if revision is None:
            raise BackupRefused("the database is empty", hint="is the URL the right one?")
    finally:
        engine.dispose()
    partial = file.with_name(f"{file.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        if kind == "sqlite":
            backup_sqlite.copy(Path(make_url(database_url).database or ""), partial)
        else:
            backup_postgresql.dump(database_url, partial, programs)
        read = inspect(partial, programs=programs)
        _sync(partial)
        partial.replace(file)
        _sync(file.parent)
    finally:
        partial.unlink(missing_ok=True)
    return read


def inspect(file: Path, *, programs: Path | None = None) -> Backup:
    """Read a backup whole. Raises ``BackupRefused`` when it is none, damaged, or of an unknown revision."""
    kind = _kind(file)
    revision = (
        backup_sqlite.verified_revision(file)
        if kind == "sqlite"
        else backup_postgresql.verified_revision(file, programs)
    )
    _require_known(revision)
    return Backup(kind, revision, file.stat().st_size)


def restore(database_url: str, file: Path, *, force: bool = False, programs: Path | None = None) -> Restored:
    """
    Put a backup in the place of the database, upgraded to this version's schema.

    All is as it was unless the whole succeeds. Raises ``BackupRefused`` when the file is damaged or of
    another kind, when a database is there (without ``force``), or when others are connected to it; else as
    ``back_up``.
    """
    found = inspect(file, programs=programs)
    engine = make_engine(database_url)
    kind = engine.dialect.name
    engine.dispose()
    if kind != found.kind:
        raise BackupRefused(
            f"{file} is a backup of {found.kind}, the database is {kind}", hint="restore it into its own kind"
        )
    if kind == "sqlite":
        target = Path(make_url(database_url).database or "")
        kept = backup_sqlite.replace(target, file, _upgrade_sqlite, force=force)
    else:
        backup_postgresql.replace(
            database_url, file, lambda: migrate.upgrade(database_url), programs, force=force
        )
        kept = None
    return Restored(found.revision, migrate.newest_revision(), kept)


def _upgrade_sqlite(file: Path) -> None:
    migrate.upgrade(f"sqlite:///{file}")


def _kind(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            head = stream.read(16)
    except OSError as error:
        raise BackupRefused(f"cannot read {file}: {error.strerror}") from error
    if head == SQLITE_MAGIC:
        return "sqlite"
    if head.startswith(POSTGRESQL_MAGIC):
        return "postgresql"
    raise BackupRefused(f"{file} is no backup", hint="`fermata db backup` writes them")


def _require_known(revision: str) -> None:
    scripts = ScriptDirectory.from_config(migrate._config())
    try:
        scripts.get_revision(revision)
    except CommandError as error:
        raise BackupRefused(
            f"the backup is at schema {revision}, this version knows up to {migrate.newest_revision()}",
            hint="restore it with the version that made it, or a later one",
        ) from error


def _sync(path: Path) -> None:
    """On the disk, not only on its way there."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
