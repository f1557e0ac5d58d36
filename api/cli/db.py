"""``fermata db``: the database's schema."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from api.cli.output import ExitCode, emit, fail

app = typer.Typer(help="The database.", no_args_is_help=True)

DATABASE_URL_HELP = (
    "sqlite:///FILE or postgresql://...; default: FERMATA_DATABASE_URL, or sqlite:///var/fermata.db."
)


@app.callback()
def db() -> None:
    """Keep the database at the schema of this version."""


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
