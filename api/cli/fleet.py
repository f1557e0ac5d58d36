"""``fermata fleet``: the fleets of a control plane and their policies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.asking import ask_all
from api.cli.output import emit, read_json
from api.cli.remote import URL_DEFAULT, ActorName, Remote, Url

app = typer.Typer(help="Fleets: what is planned, approved and run apart.", no_args_is_help=True)

FleetId = Annotated[str, typer.Argument(help="The fleet's name.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
PolicyFile = Annotated[
    Path | None, typer.Option(help="Policy file (JSON); what is missing takes its default.")
]


@app.command("list")
def list_fleets(url: Url = URL_DEFAULT, as_json: AsJson = False) -> None:
    """
    Every fleet with its environment and the main points of its policy.

    Example: fermata fleet list --url http://127.0.0.1:8080
    """
    from api.cli.plan_tables import stdout

    found = ask_all(url, "/v1/fleets")

    def show() -> None:
        from rich.table import Table

        table = Table("fleet", "environment", "mode", "four eyes", "by itself", "plans good for", "quantile")
        for fleet in found:
            policy = fleet["policy"]
            hours = policy["plan_valid_hours"]
            table.add_row(
                fleet["id"],
                fleet["environment"],
                policy["mode"],
                "yes" if policy["four_eyes"] else "no",
                "within bounds" if policy["auto_approval"] else "never",
                "ever" if hours is None else f"{hours:g} h",
                f"{policy['demand_quantile']:g}",
            )
        stdout().print(table)

    emit(found, as_json=as_json, human=show)


@app.command()
def show(fleet: FleetId, url: Url = URL_DEFAULT, as_json: AsJson = False) -> None:
    """
    One fleet with its whole policy.

    Example: fermata fleet show default --url http://127.0.0.1:8080
    """
    _tell(Remote(url).get(f"/v1/fleets/{fleet}"), as_json=as_json)


@app.command()
def create(
    fleet: FleetId,
    environment: Annotated[
        str, typer.Option(help="production, staging, or what you call it.")
    ] = "production",
    policy: PolicyFile = None,
    actor: ActorName = None,
    url: Url = URL_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """
    Make a new fleet; nothing of another fleet is seen or changed through it.

    Example: fermata fleet create emea --environment staging --policy policy.json
    """
    body = {"id": fleet, "environment": environment, "policy": _policy(policy)}
    _tell(Remote(url, actor=actor).post("/v1/fleets", body), as_json=as_json)


@app.command()
def policy(
    fleet: FleetId,
    file: Annotated[Path, typer.Argument(help="The keys to change, as a JSON object.", show_default=False)],
    reason: Annotated[str | None, typer.Option(help="Why, for the audit log.")] = None,
    actor: ActorName = None,
    url: Url = URL_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """
    Change a fleet's policy: the keys in FILE replace their own, all others stay.

    Example: fermata fleet policy default four-eyes.json --reason "two people for production"
    """
    body: dict[str, Any] = {"policy": _policy(file)}
    if reason:
        body["reason"] = reason
    _tell(Remote(url, actor=actor).patch(f"/v1/fleets/{fleet}", body), as_json=as_json)


def _policy(path: Path | None) -> Any:
    return {} if path is None else read_json(path)


def _tell(fleet: dict[str, Any], *, as_json: bool) -> None:
    def show() -> None:
        from api.cli.plan_tables import stdout

        console = stdout()
        console.print(f"{fleet['id']} ({fleet['environment']}), made {fleet['created_at']}")
        console.print(json.dumps(fleet["policy"], indent=2), markup=False)

    emit(fleet, as_json=as_json, human=show)
