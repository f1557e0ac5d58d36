"""``fermata plan approve|reject|activate|rollback|progress``: a plan's way in a running control plane."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any

import typer

from api.cli.output import ExitCode, emit, fail, talk
from api.cli.remote import URL_DEFAULT, ActorName, Fleet, Remote, Url

Version = Annotated[int, typer.Argument(min=1, help="The plan's version.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
PlanId = Annotated[
    str | None,
    typer.Option("--plan-id", help="The id that was looked at; default: the one that the plan has now."),
]
POLL_S = 0.5
ID_SHOWN = 12


def approve(
    version: Version,
    plan_id: PlanId = None,
    reason: Annotated[str | None, typer.Option(help="Why, for the audit log.")] = None,
    actor: ActorName = None,
    fleet: Fleet = "default",
    url: Url = URL_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """
    Approve a certified plan; the approval holds for the content that PLAN_ID names and no other.

    Example: fermata plan approve 7 --plan-id 3f9c0a... --url http://127.0.0.1:8080
    """
    remote = Remote(url, fleet=fleet, actor=actor)
    body = _decision(remote, version, plan_id, reason)
    _tell(remote.post(f"/v1/plans/{version}/approval", body), as_json=as_json)


def reject(
    version: Version,
    reason: Annotated[str, typer.Option(help="Why; kept with the plan.", show_default=False)],
    plan_id: PlanId = None,
    actor: ActorName = None,
    fleet: Fleet = "default",
    url: Url = URL_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """
    Reject a plan that is not active, for good.

    Example: fermata plan reject 7 --reason "moves bert on a Friday"
    """
    remote = Remote(url, fleet=fleet, actor=actor)
    body = _decision(remote, version, plan_id, reason)
    _tell(remote.post(f"/v1/plans/{version}/rejection", body), as_json=as_json)


def activate(
    version: Version,
    reason: Annotated[str | None, typer.Option(help="Why, for the audit log.")] = None,
    actor: ActorName = None,
    fleet: Fleet = "default",
    url: Url = URL_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """
    Make an approved plan the active one, in one step with superseding the one before.

    Example: fermata plan activate 7 --url http://127.0.0.1:8080
    """
    remote = Remote(url, fleet=fleet, actor=actor)
    state = remote.get(f"/v1/plans/{version}")["state"]
    if state == "superseded":
        fail(f"plan version {version} was active before", hint=f"fermata plan rollback {version}")
    _activated(remote, {"plan_version": version, "reason": reason}, as_json=as_json)


def rollback(
    version: Version,
    reason: Annotated[str | None, typer.Option(help="Why; needed with --skip-certification.")] = None,
    skip_certification: Annotated[
        bool,
        typer.Option(
            "--skip-certification", help="Do not certify it against today's demand; audited as such."
        ),
    ] = False,
    actor: ActorName = None,
    fleet: Fleet = "default",
    url: Url = URL_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """
    Go back to a plan that was active before, once it is certified against today's demand.

    Exit status 1: it does not hold today; the run's error says why, and what runs stays.

    Example: fermata plan rollback 5 --reason "plan 7 drops requests"
    """
    remote = Remote(url, fleet=fleet, actor=actor)
    body = {
        "plan_version": version,
        "reason": reason,
        "certify": "skip" if skip_certification else "required",
    }
    _activated(remote, body, as_json=as_json)


def progress(
    wait: Annotated[
        bool, typer.Option("--wait", help="Tell of every wave until the fleet holds the plan.")
    ] = False,
    fleet: Fleet = "default",
    url: Url = URL_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """
    How far the fleet's nodes are on their way to the active plan: the open wave, and whom it waits for.

    Example: fermata plan progress --wait
    """
    remote, told = Remote(url, fleet=fleet), ""
    while True:
        found = remote.get("/v1/activations/current/rollout")
        text = json.dumps(found) if as_json else _progress_text(found)
        if text != told:
            typer.echo(text)
            told = text
        if not wait or found["state"] in ("done", "at_once"):
            return
        time.sleep(POLL_S)


def _progress_text(found: dict[str, Any]) -> str:
    left_out = "".join(f"; not used: {reason}" for reason in found.get("spares_left_out", ()))
    return _state_text(found) + left_out


def _state_text(found: dict[str, Any]) -> str:
    plan = f"plan {found['plan_version']}"
    match found["state"]:
        case "ordering":
            return f"{plan}: its waves are being ordered; nodes keep what they hold"
        case "done":
            return f"{plan}: held by the fleet after {found['waves']} wave(s)"
        case "at_once":
            why = f": {'; '.join(found['reasons'])}" if found["reasons"] else ""
            return f"{plan}: no waves, nodes take it up at once{why}"
    lost = "".join(f"; {model} lacks {rps:.1f} requests/s" for model, rps in found["lost_rps"].items())
    waits = ", ".join(found["waits_for"]) or "nobody"
    spares = f", goes through {', '.join(found['spares'])}" if found.get("spares") else ""
    return f"{plan}: wave {found['wave']} of {found['waves']} is open, waits for {waits}{spares}{lost}"


def _activated(remote: Remote, body: dict[str, Any], *, as_json: bool) -> None:
    answer = remote.post(
        "/v1/activations", {name: value for name, value in body.items() if value is not None}
    )
    if "state" in answer:  # a run that certifies it first
        answer = _followed(remote, answer)
    emit(
        answer,
        as_json=as_json,
        human=lambda: typer.echo(f"plan {answer['plan_version']} is active since {answer['activated_at']}"),
    )


def _followed(remote: Remote, run: dict[str, Any]) -> dict[str, Any]:
    """The activation that the run ends with."""
    talk.print(f"certifying plan {run['options']['plan_version']} against today's demand: run {run['id']}")
    stage = ""
    while run["state"] in ("queued", "running"):
        if run["progress"]["stage"] != stage:
            stage = run["progress"]["stage"]
            talk.print(f"  {stage}", style="dim")
        time.sleep(POLL_S)
        run = remote.get(f"/v1/runs/{run['id']}")
    if run["state"] != "succeeded":
        error = run["error"] or {}
        fail(
            f"run {run['id']} {run['state']}: {error.get('message', 'it was cancelled')}",
            code=ExitCode.FAILURE,
        )
    found: dict[str, Any] = remote.get("/v1/activations/current")
    return found


def _decision(remote: Remote, version: int, plan_id: str | None, reason: str | None) -> dict[str, Any]:
    if plan_id is None:
        plan_id = remote.get(f"/v1/plans/{version}")["plan_id"]
        talk.print(f"plan {version} is {plan_id[:ID_SHOWN]}...", style="dim")
    return {"plan_id": plan_id} | ({"reason": reason} if reason else {})


def _tell(plan: dict[str, Any], *, as_json: bool) -> None:
    emit(
        plan,
        as_json=as_json,
        human=lambda: typer.echo(
            f"plan {plan['version']} ({plan['plan_id'][:ID_SHOWN]}...) is {plan['state']}"
        ),
    )
