"""``fermata forecast``: forecasts at a running server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.asking import DEFAULT_URL, ask
from api.cli.output import emit, read_json

app = typer.Typer(help="Forecasts at a running server.", no_args_is_help=True)

Url = Annotated[str, typer.Option(help="The server's address.", envvar="FERMATA_URL")]
Token = Annotated[str | None, typer.Option(help="A token that may do this.", envvar="FERMATA_TOKEN")]
Fleet = Annotated[str, typer.Option(help="Whose forecasts.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the server's answer as JSON.")]


@app.callback()
def forecast() -> None:
    """Submit forecasts and look at them."""


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(help="A .csv or .json file.", exists=True, dir_okay=False)],
    url: Url = DEFAULT_URL,
    name: Annotated[
        str | None, typer.Option(help="Of a CSV file: the forecast's name; default: FILE's.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="Of a CSV file: what should be known of it.")] = None,
    source: Annotated[str, typer.Option(help="Of a CSV file: planner, import or model.")] = "planner",
    corrects: Annotated[
        int | None, typer.Option(help="Of a CSV file: the forecast that it corrects.")
    ] = None,
    fleet: Fleet = "default",
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """
    Send a forecast: JSON as POST /v1/forecasts takes it, or CSV with a row for each model and epoch.

    Example: fermata forecast submit december.csv --note "with the sale" --url http://127.0.0.1:8080
    """
    if file.suffix.lower() == ".csv":
        about: dict[str, Any] = {
            "name": name or file.stem,
            "note": note,
            "source": source,
            "corrects": corrects,
        }
        answer = ask(url, fleet, "POST", "/v1/forecasts", csv=file.read_bytes(), token=token, **about)
    else:
        body = read_json(file)
        answer = ask(url, fleet, "POST", "/v1/forecasts", body, token=token)

    def human() -> None:
        for stored in answer:
            _say(stored)

    emit(answer, as_json=as_json, human=human)


@app.command("list")
def list_(
    url: Url = DEFAULT_URL,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 20,
    source: Annotated[str | None, typer.Option(help="Only planner, import, model or resolved.")] = None,
    fleet: Fleet = "default",
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """
    List forecasts, the newest first.

    Example: fermata forecast list --source planner
    """
    answer = ask(url, fleet, "GET", "/v1/forecasts", token=token, limit=limit, source=source)

    def human() -> None:
        for stored in answer["items"]:
            _say(stored)

    emit(answer, as_json=as_json, human=human)


@app.command()
def show(
    forecast_id: Annotated[int, typer.Argument(help="As `fermata forecast list` shows it.", min=1)],
    url: Url = DEFAULT_URL,
    fleet: Fleet = "default",
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """
    Show one forecast, model by model.

    Example: fermata forecast show 3
    """
    answer = ask(url, fleet, "GET", f"/v1/forecasts/{forecast_id}", token=token)

    def human() -> None:
        _say(answer)
        if answer["note"]:
            sys.stdout.write(f"  {answer['note']}\n")
        for row in answer["models"]:
            low = min(row["low_rps"] or row["demand_rps"])
            high = max(row["high_rps"] or row["demand_rps"])
            mean = sum(row["demand_rps"]) / len(row["demand_rps"])
            sys.stdout.write(f"  {row['model']}: mean {mean:g} requests/s, from {low:g} to {high:g}\n")

    emit(answer, as_json=as_json, human=human)


def _say(stored: dict[str, Any]) -> None:
    corrects = f", corrects {stored['corrects']}" if stored["corrects"] else ""
    sys.stdout.write(
        f"{stored['id']}  {stored['name']}: {stored['model_count']} models, {stored['epoch_count']} epochs "
        f"from {stored['starts_at']}, {stored['source']}, by {stored['author']}{corrects}\n"
    )
