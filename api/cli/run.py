"""``fermata run``: planning runs of a server."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from api.cli.asking import DEFAULT_URL, AsJson, Fleet, Url, ask, client, require_good
from api.cli.output import ExitCode, emit, fail, talk

app = typer.Typer(help="Planning runs of a server.", no_args_is_help=True)

RunId = Annotated[str, typer.Argument(help="The run's id.", show_default=False)]
RECONNECT_S = (0.5, 1.0, 2.0, 4.0, 8.0)
READ_TIMEOUT_S = 45.0  # the server says something every 15 s
EXIT_CODES = {"succeeded": ExitCode.OK, "failed": ExitCode.FAILURE, "cancelled": ExitCode.FAILURE}


@app.callback()
def run() -> None:
    """List, show, follow and cancel planning runs."""


@app.command("list")
def list_runs(
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 20,
    url: Url = DEFAULT_URL,
    fleet: Fleet = "default",
    as_json: AsJson = False,
) -> None:
    """
    List runs, the newest first.

    Example: fermata run list --url http://127.0.0.1:8080
    """
    answer = ask(url, fleet, "GET", "/v1/runs", limit=limit)
    found = answer if isinstance(answer, list) else answer["items"]
    emit(found, as_json=as_json, human=lambda: _print_table(found))


@app.command()
def show(run_id: RunId, url: Url = DEFAULT_URL, fleet: Fleet = "default", as_json: AsJson = False) -> None:
    """
    Show one run: state, progress, and the plan that it made.

    Example: fermata run show 9c1f4be2a07d3358
    """
    found = ask(url, fleet, "GET", f"/v1/runs/{run_id}")
    emit(found, as_json=as_json, human=lambda: _print_run(found))


@app.command()
def cancel(run_id: RunId, url: Url = DEFAULT_URL, fleet: Fleet = "default", as_json: AsJson = False) -> None:
    """
    Cancel a run, queued or running; its solver is killed.

    Example: fermata run cancel 9c1f4be2a07d3358
    """
    found = ask(url, fleet, "DELETE", f"/v1/runs/{run_id}")
    emit(found, as_json=as_json, human=lambda: _say(f"run {run_id} is {found['state']}"))


@app.command()
def watch(run_id: RunId, url: Url = DEFAULT_URL, fleet: Fleet = "default", as_json: AsJson = False) -> None:
    """
    Follow a run until it ends, through restarts of the server; ends with status 0 if it made a plan.

    With --json, each event is one line of JSON.

    Example: fermata run watch 9c1f4be2a07d3358
    """
    state = ""
    for event in _events(url, fleet, run_id):
        if event.kind == "state":
            state = event.data["state"]
        _say(json.dumps({"event": event.kind, **event.data}) if as_json else _line(event))
    if not state:
        state = ask(url, fleet, "GET", f"/v1/runs/{run_id}")["state"]
        if not as_json:
            _say(f"run {run_id} has {state}")
    raise typer.Exit(EXIT_CODES.get(state, ExitCode.FAILURE))


@dataclass(frozen=True, slots=True)
class _Event:
    id: int
    kind: str
    data: dict[str, Any]

    @property
    def is_last(self) -> bool:
        return self.kind == "state" and self.data["state"] in EXIT_CODES


def _events(url: str, fleet: str, run_id: str) -> Iterator[_Event]:
    """Every event once, in order; a broken connection is made again from the last event seen."""
    import httpx

    last, failures = 0, 0
    while True:
        try:
            with (
                client(url, fleet) as opened,
                opened.stream(
                    "GET",
                    f"/v1/runs/{run_id}/events",
                    headers={"Last-Event-ID": str(last)},
                    timeout=READ_TIMEOUT_S,
                ) as answer,
            ):
                if answer.status_code == 204:
                    return
                if answer.status_code < 500:
                    if not answer.is_success:
                        answer.read()
                    require_good(answer)
                    for event in _parsed(answer.iter_lines()):
                        last, failures = event.id, 0
                        yield event
                        if event.is_last:
                            return
        except httpx.TransportError as error:
            if last == 0 and failures == 0 and isinstance(error, httpx.ConnectError):
                fail(f"{url} cannot be reached: {error}", hint="is `fermata serve` running there? see --url")
        if failures >= len(RECONNECT_S):
            fail(f"{url} cannot be reached any more; the run goes on", hint=f"fermata run watch {run_id}")
        talk.print(f"the connection broke; trying again in {RECONNECT_S[failures]:g} s")
        time.sleep(RECONNECT_S[failures])
        failures += 1


def _parsed(lines: Iterator[str]) -> Iterator[_Event]:
    """Server-sent events; an event that is cut off is none."""
    fields: dict[str, str] = {}
    for line in lines:
        if not line:
            if "data" in fields:
                yield _Event(int(fields["id"]), fields.get("event", ""), json.loads(fields["data"]))
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")


def _line(event: _Event) -> str:
    data = event.data
    at = data["at"][11:19]
    if event.kind == "state":
        more = f": plan {data['plan_version']}" if data.get("plan_version") else ""
        more = more or (f": {data['error'].get('message', '')}" if data.get("error") else "")
        return f"{at}  {data['state']}{more}"
    return f"{at}  {data['stage']:<10} {_progress(data)}".rstrip()


def _progress(data: dict[str, Any]) -> str:
    parts = [f"{name} ${data[name]:,.2f}/h" for name in ("incumbent", "bound") if data.get(name) is not None]
    if data.get("gap") is not None:
        parts.append(f"gap {data['gap']:.1%}")
    if data.get("sub_clusters"):
        parts.append(
            f"{data.get('sub_clusters_certified', 0)} of {data['sub_clusters']} sub-clusters certified"
        )
    return "  ".join(parts)


def _print_table(found: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("run", "state", "stage", "created", "by", "plan"):
        table.add_column(name)
    for one in found:
        table.add_row(
            *(one["id"], one["state"], one["progress"].get("stage") or "", one["created_at"][:19]),
            *(one["actor"], str(one["plan_version"] or "")),
        )
    Console(highlight=False).print(table)


def _print_run(found: dict[str, Any]) -> None:
    _say(f"run {found['id']}  {found['state']}  attempt {found['attempts']}")
    _say(f"stage     {found['progress'].get('stage')}  {_progress(found['progress'])}".rstrip())
    _say(f"created   {found['created_at']} by {found['actor']}, forecast {found['forecast_id']}")
    for name in ("started", "finished"):
        if found[f"{name}_at"]:
            _say(f"{name:<9} {found[f'{name}_at']}")
    if found["plan_version"]:
        _say(f"plan      {found['plan_version']}")
    if found["error"]:
        _say(f"error     {found['error'].get('code')}: {found['error'].get('message')}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
