"""``fermata audit``: who changed what, and whether the log is whole."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from api.cli.db import DATABASE_URL_HELP
from api.cli.output import ExitCode, emit, fail
from api.cli.remote import URL_DEFAULT, Fleet, Remote, Url

app = typer.Typer(help="The audit log: who changed what, when, from where and why.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


@app.command("list")
def list_entries(
    who: Annotated[str | None, typer.Option("--actor", help="Only changes by this one.")] = None,
    action: Annotated[str | None, typer.Option(help="Only these, as in plan.approved.")] = None,
    subject: Annotated[
        str | None, typer.Option(help="Only of this one: a plan's version, a run's id.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="Only from this instant on (ISO 8601 with zone).")] = None,
    until: Annotated[str | None, typer.Option(help="Only before this instant.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 50,
    fleet: Fleet = "default",
    url: Url = URL_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """
    The newest entries of a fleet's log.

    Example: fermata audit list --action plan.approved --since 2026-11-01T00:00:00Z
    """
    found = Remote(url, fleet=fleet).get(
        "/v1/audit", actor=who, action=action, subject=subject, since=since, until=until, limit=limit
    )["items"]
    emit(found, as_json=as_json, human=lambda: _show(found))


@app.command()
def verify(
    database_url: Annotated[str | None, typer.Option(help=DATABASE_URL_HELP)] = None,
    as_json: AsJson = False,
) -> None:
    """
    Read every fleet's log from its start; exit status 1 if a row was altered or removed, each one named.

    Prints the head of each chain. Note it elsewhere from time to time: rows cut off at the end together
    with the head can be found in no other way.

    Example: fermata audit verify --database-url sqlite:///var/fermata.db
    """
    from api.settings import Settings
    from planner.service.audit import verify_audit
    from planner.store.errors import SchemaOutdated, StoreUnavailable
    from planner.store.store import Store

    try:
        store = Store(database_url or Settings().database_url)
    except ValueError as error:
        fail(str(error), code=ExitCode.BAD_INPUT)
    try:
        store.require_current()
        chains = verify_audit(store)
    except SchemaOutdated as error:
        fail(str(error), hint="run `fermata db upgrade`")
    except StoreUnavailable as error:
        fail(f"the database cannot be reached: {error}")
    finally:
        store.close()
    document = [
        {
            "fleet": chain.fleet,
            "entries": chain.entries,
            "head": chain.head,
            "faults": [{"number": fault.number, "text": fault.text} for fault in chain.faults],
        }
        for chain in chains
    ]
    emit(document, as_json=as_json, human=lambda: _show_chains(document))
    if any(chain.faults for chain in chains):
        raise typer.Exit(ExitCode.FAILURE)


def _show(found: list[dict[str, Any]]) -> None:
    from rich.table import Table

    from api.cli.plan_tables import stdout

    table = Table("at", "who", "what", "subject", "from", "why")
    for entry in found:
        details = {k: v for k, v in entry["details"].items() if v is not None}
        why = entry["reason"] or (json.dumps(details) if details else "")
        place = entry["client_address"] or "-"
        table.add_row(entry["at"][:19], entry["actor"], entry["action"], entry["subject"], place, why)
    stdout().print(table)


def _show_chains(chains: list[dict[str, Any]]) -> None:
    from api.cli.plan_tables import stdout

    console = stdout()
    for chain in chains:
        verdict = "whole" if not chain["faults"] else f"{len(chain['faults'])} fault(s)"
        console.print(f"{chain['fleet']}: {chain['entries']} entries, {verdict}; head {chain['head'] or '-'}")
        for fault in chain["faults"]:
            console.print(f"  entry {fault['number']}: {fault['text']}", markup=False)
