"""``fermata schedule`` and ``fermata replan``: planning again, every night or now."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.asking import DEFAULT_URL, AsJson, Fleet, Url, ask
from api.cli.output import ExitCode, emit, fail, read_json

app = typer.Typer(help="When a fleet is planned again by itself.", no_args_is_help=True)

LOOK_AGAIN_S = 1.0


@app.callback()
def schedule() -> None:
    """Show and set when a fleet is planned again by itself."""


@app.command()
def show(url: Url = DEFAULT_URL, fleet: Fleet = "default", as_json: AsJson = False) -> None:
    """
    Show the fleet's schedule, its next slot, and what became of the latest ones.

    Example: fermata schedule show --fleet europe
    """
    found = ask(url, fleet, "GET", "/v1/schedule")
    slots = ask(url, fleet, "GET", "/v1/schedule/slots", limit=10)
    found["slots"] = slots if isinstance(slots, list) else slots["items"]
    emit(found, as_json=as_json, human=lambda: _print(found))


@app.command("set")
def set_schedule(
    cron: Annotated[str, typer.Argument(help="Minute, hour, day of month, month, day of week.")],
    time_zone: Annotated[str, typer.Option(help="IANA name, as in Europe/Berlin.")] = "UTC",
    horizon_hours: Annotated[int, typer.Option(help="How far ahead to plan.")] = 24,
    time_limit_s: Annotated[float, typer.Option(help="The solver's time, in seconds.")] = 60.0,
    solver: Annotated[str, typer.Option(help="auto, highs, cp-sat, columns or greedy.")] = "auto",
    policy: Annotated[Path | None, typer.Option(help="JSON file of the plan's rules.")] = None,
    observed: Annotated[bool, typer.Option(help="Correct demand by the load observed.")] = True,
    enabled: Annotated[
        bool, typer.Option(help="Whether servers take slots up by themselves, or only `fermata replan` does.")
    ] = True,
    url: Url = DEFAULT_URL,
    fleet: Fleet = "default",
    as_json: AsJson = False,
) -> None:
    """
    Set when the fleet is planned again by itself.

    A time that the clocks skip is due right after the gap, one that they show twice the first time only.

    Example: fermata schedule set "30 2 * * *" --time-zone Europe/Berlin --time-limit-s 600
    """
    body = {
        "cron": cron,
        "time_zone": time_zone,
        "enabled": enabled,
        "horizon_hours": horizon_hours,
        "solver": solver,
        "time_limit_s": time_limit_s,
        "use_observed": observed,
        "policy": read_json(policy) if policy else {},
    }
    found = ask(url, fleet, "PUT", "/v1/schedule", body)
    emit(found, as_json=as_json, human=lambda: _print(found))


def replan(
    once: Annotated[
        bool, typer.Option("--once", help="Take up the schedule's latest due slot; required, to be explicit.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Until the slot's outcome is known.")] = False,
    url: Url = DEFAULT_URL,
    fleet: Fleet = "default",
    as_json: AsJson = False,
) -> None:
    """
    Have the fleet's latest due slot planned, for schedulers outside; a slot is taken up once, whoever asks.

    Run it as often as you like: servers with the same schedule, and this command on other machines, share
    the slots. Ends with status 1 if the slot failed.

    Example: fermata replan --once --fleet europe
    """
    if not once:
        fail("say --once: this takes up one slot and ends", code=ExitCode.BAD_INPUT)
    found = ask(url, fleet, "POST", "/v1/replans")
    while wait and found["outcome"] == "running":
        time.sleep(LOOK_AGAIN_S)
        found = _slot(url, fleet, found["slot"])
    emit(found, as_json=as_json, human=lambda: _say(_slot_line(found)))
    if found["outcome"] in ("failed", "cancelled"):
        raise typer.Exit(ExitCode.FAILURE)


def _slot(url: str, fleet: str, slot: str) -> dict[str, Any]:
    answer = ask(url, fleet, "GET", "/v1/schedule/slots", limit=50)
    slots = answer if isinstance(answer, list) else answer["items"]
    found: dict[str, Any] = next(one for one in slots if one["slot"] == slot)
    return found


def _print(found: dict[str, Any]) -> None:
    options = found["options"]
    _say(f"{found['cron']}  {found['time_zone']}{'' if found['enabled'] else '  (not taken up by servers)'}")
    _say(f"next slot    {found['next_slot']}")
    _say(
        f"plans        {options['horizon_hours']} h ahead, {options['solver']}, {options['time_limit_s']:g} s"
    )
    for slot in found.get("slots", []):
        _say(_slot_line(slot))


def _slot_line(slot: dict[str, Any]) -> str:
    details = slot["details"] or {}
    plan = f"  plan {details['plan_version']}" if details.get("plan_version") else ""
    missed = f"  after {slot['missed_before']} missed" if slot["missed_before"] else ""
    error = details.get("error") or {}
    why = "; ".join(details.get("reasons") or []) or error.get("message", "")
    run = f"  run {slot['run_id']}" if slot["run_id"] else ""
    return f"{slot['slot']}  {slot['outcome']}{run}{plan}{missed}{'  ' + why if why else ''}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
