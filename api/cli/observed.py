"""``fermata observed``: keep observed load small."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.db import DATABASE_URL_HELP
from api.cli.output import ExitCode, emit, fail

if TYPE_CHECKING:
    from planner.demand.retention import Retention
    from planner.store.store import Store

app = typer.Typer(help="Observed load.", no_args_is_help=True)


@app.callback()
def observed() -> None:
    """Observed load in the database: reports as they came, and their roll-ups."""


@app.command("roll-up")
def roll_up(
    once: Annotated[bool, typer.Option("--once", help="Move all that is due now, and end.")] = False,
    every_s: Annotated[float, typer.Option(min=1, help="Without --once: how often.")] = 300.0,
    database_url: Annotated[str | None, typer.Option(help=DATABASE_URL_HELP)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was moved as JSON.")] = False,
) -> None:
    """
    Roll observed load up: 10 s to 1 min, 10 min and 1 h, each when its time has come.

    Servers do so by themselves unless FERMATA_OBSERVED_ROLL_UP is false; how long each resolution is kept,
    their settings say. May run anywhere, at any time, any number of times at once.

    Example: fermata observed roll-up --once
    """
    from api.settings import Settings
    from planner.store.errors import SchemaOutdated, StoreUnavailable
    from planner.store.store import Store

    settings = Settings()
    try:
        store = Store(database_url or settings.database_url)
    except ValueError as error:
        fail(str(error), code=ExitCode.BAD_INPUT)
    wait = threading.Event()
    try:
        store.require_current()
        _roll_up(store, settings.retention, as_json=as_json)
        while not once:
            wait.wait(every_s)
            _roll_up(store, settings.retention, as_json=as_json)
    except SchemaOutdated as error:
        fail(str(error), hint="run `fermata db upgrade`")
    except StoreUnavailable as error:
        fail(f"the database cannot be reached: {error}")
    finally:
        store.close()


def _roll_up(store: Store, retention: Retention, *, as_json: bool) -> None:
    from planner.service.observed_chores import roll_up

    done = roll_up(store, retention)

    def human() -> None:
        sys.stdout.write(
            f"{done.reports} reports and {done.rows} stored rows moved, {done.expired} deleted\n"
        )

    emit({"reports": done.reports, "rows": done.rows, "expired": done.expired}, as_json=as_json, human=human)
