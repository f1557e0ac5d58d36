"""``fermata db``: the database's schema, its backups, and whether it is sound."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from api.cli.output import ExitCode, emit, fail

app = typer.Typer(help="The database.", no_args_is_help=True)

DATABASE_URL_HELP = (
    "sqlite:///FILE or postgresql://...; default: FERMATA_DATABASE_URL, or sqlite:///var/fermata.db."
)


DatabaseUrl = Annotated[str | None, typer.Option(help=DATABASE_URL_HELP)]
Programs = Annotated[
    Path | None,
    typer.Option(
        help="Folder of pg_dump and pg_restore, where those on the path are not the server's version."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")]


@app.callback()
def db() -> None:
    """Keep the database at the schema of this version, safe and sound."""


@app.command()
def upgrade(
    database_url: Annotated[str | None, typer.Option(help=DATABASE_URL_HELP)] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the revisions before and after as JSON.")
    ] = False,
) -> None:
    """
    Bring the database to this version's schema; one that does not exist yet is created.

    Example: fermata db upgrade --database-url sqlite:///var/fermata.db
    """
    from api.settings import Settings
    from planner.store import migrate
    from planner.store.errors import StoreUnavailable

    url = database_url or Settings().database_url
    try:
        before = migrate.upgrade(url)
    except ValueError as error:
        fail(str(error), code=ExitCode.BAD_INPUT)
    except StoreUnavailable as error:
        fail(
            f"the database cannot be upgraded: {error}", hint="is it running, and may this user write to it?"
        )

    def human() -> None:
        said = "was there already" if before.is_current else f"from {before.found or 'nothing'}"
        sys.stdout.write(f"schema {before.needed} ({said})\n")

    emit({"before": before.found, "after": before.needed}, as_json=as_json, human=human)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    database_url: DatabaseUrl = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
    programs: Programs = None,
    as_json: AsJson = False,
) -> None:
    """
    Write the database to one file, as of one instant; servers may go on writing meanwhile.

    The file takes its name once it is whole and has been read again: docs/operations/backup.md.

    Example: fermata db backup /var/backups/fermata-monday.backup
    """
    from planner.store import backup as backups

    with _complaints("backed up"):
        made = backups.back_up(_url(database_url), file, force=force, programs=programs)

    def human() -> None:
        sys.stdout.write(f"{file}: {made.kind}, schema {made.revision}, {made.bytes} bytes\n")

    emit(
        {"file": str(file), "kind": made.kind, "revision": made.revision, "bytes": made.bytes},
        as_json=as_json,
        human=human,
    )


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `fermata db backup` wrote.")],
    database_url: DatabaseUrl = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the database that is there.")] = False,
    programs: Programs = None,
    as_json: AsJson = False,
) -> None:
    """
    Put a backup in the place of the database, and upgrade it to this version's schema.

    The file is read whole first; all is as it was unless everything succeeds. Servers must be stopped.

    Example: fermata db restore /var/backups/fermata-monday.backup --force
    """
    from planner.store import backup as backups

    with _complaints("restored"):
        done = backups.restore(_url(database_url), file, force=force, programs=programs)

    def human() -> None:
        sys.stdout.write(f"restored: schema {done.upgraded_to} (the backup was at {done.found})\n")
        if done.kept:
            sys.stdout.write(f"the database before is {done.kept}\n")

    emit(
        {"found": done.found, "upgraded_to": done.upgraded_to, "kept": done.kept},
        as_json=as_json,
        human=human,
    )


@app.command()
def check(database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """
    Say whether the database is sound: pages, references, schema, leases, the one active plan, the audit log.

    Only reads; servers may go on. Exit status 1 when something is wrong.

    Example: fermata db check --database-url sqlite:///var/fermata.db
    """
    from planner.store import check as checks

    with _complaints("checked"):
        found = checks.check(_url(database_url))
    sound = not any(one.findings for one in found)

    def human() -> None:
        for one in found:
            sys.stdout.write(f"{one.name}: {'ok' if not one.findings else 'NOT OK'}\n")
            for finding in one.findings:
                sys.stdout.write(f"  {finding}\n")

    emit(
        {"sound": sound, "checks": {one.name: list(one.findings) for one in found}},
        as_json=as_json,
        human=human,
    )
    if not sound:
        raise typer.Exit(ExitCode.FAILURE)


def _url(given: str | None) -> str:
    from api.settings import Settings

    return given or Settings().database_url


@contextmanager
def _complaints(participle: str) -> Iterator[None]:
    """The store's errors in the words of a command."""
    from planner.store.errors import BackupRefused, StoreUnavailable

    try:
        yield
    except ValueError as error:
        fail(str(error), code=ExitCode.BAD_INPUT)
    except BackupRefused as error:
        fail(str(error), hint=error.hint)
    except StoreUnavailable as error:
        fail(
            f"the database cannot be {participle}: {error}", hint="is it running, and may this user reach it?"
        )
