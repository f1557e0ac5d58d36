"""``fermata replay``: past days as they would have been."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any

import typer

from api.cli.output import ExitCode, emit, fail, talk
from api.cli.remote import URL_DEFAULT, Fleet, Remote, Url

DAYS_MOST = 366
TIMEOUT_S = 600.0


def replay(
    since: Annotated[str, typer.Option(help="The first day (UTC), as in 2026-11-20.", show_default=False)],
    until: Annotated[
        str | None, typer.Option(help="The day after the last one; default: the first day alone.")
    ] = None,
    solver: Annotated[str, typer.Option(help="auto, highs, cp-sat, columns or greedy.")] = "auto",
    time_limit_s: Annotated[
        float, typer.Option(help="The solver's seconds for each day, at most 60.")
    ] = 10.0,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Seed of the search.")] = 0,
    fleet: Fleet = "default",
    url: Url = URL_DEFAULT,
    as_json: Annotated[bool, typer.Option("--json", help="Print the days as JSON.")] = False,
) -> None:
    """
    Plan past days from what was known when they began; state cost, GPUs and bad rate beside what was.

    Both plans are simulated at the load observed on the day. Ctrl-C ends with the days done.

    Example: fermata replay --since 2026-11-20 --until 2026-11-27 --url http://127.0.0.1:8080
    """
    first = _day("--since", since)
    end = _day("--until", until) if until else first + timedelta(days=1)
    count = (end - first).days
    if not 1 <= count <= DAYS_MOST:
        fail(f"--until must be 1 to {DAYS_MOST} days after --since, got {count}", code=ExitCode.BAD_INPUT)
    remote = Remote(url, fleet=fleet, timeout_s=TIMEOUT_S)
    options = {"solver": solver, "time_limit_s": time_limit_s, "seed": seed}
    found: list[dict[str, Any]] = []
    try:
        for offset in range(count):
            day = first + timedelta(days=offset)
            talk.print(f"  {day.isoformat()}", style="dim")
            found.append(remote.post("/v1/replays", {"day": day.isoformat(), **options}))
    except KeyboardInterrupt:
        talk.print(f"stopped after {len(found)} of {count} days", style="dim")
    emit(found, as_json=as_json, human=lambda: _show(found))


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"{option} must be a day as in 2026-11-20, got {text!r}", code=ExitCode.BAD_INPUT)


def _show(days: list[dict[str, Any]]) -> None:
    from rich.table import Table

    from api.cli.plan_tables import stdout

    table = Table(
        "day", "hours", "plan", "GPUs", "would be", "USD/h", "would be", "bad rate", "would be", "seen"
    )
    for day in days:
        was, would = day["active"], day["replayed"]
        table.add_row(
            day["day"],
            str(day["hours_observed"]),
            str(was["version"]) if was else "-",
            _of(was, "gpus", "{}"),
            _of(would, "gpus", "{}"),
            _of(was, "cost_usd_per_hour", "{:.2f}"),
            _of(would, "cost_usd_per_hour", "{:.2f}"),
            _of(was, "bad_rate", "{:.3%}"),
            _of(would, "bad_rate", "{:.3%}"),
            "-" if day["bad_rate_measured"] is None else f"{day['bad_rate_measured']:.3%}",
        )
    console = stdout()
    console.print(table)
    for day in days:
        for name, plan in (("the active plan", day["active"]), ("the plan made", day["replayed"])):
            if plan and plan["unserved_share"]:
                left = f"{plan['unserved_share']:.1%} of the requests"
                console.print(f"{day['day']}: {name} has no place for {left}")
        if day["excuse"]:
            console.print(f"{day['day']}: {day['excuse']}", markup=False)


def _of(plan: dict[str, Any] | None, name: str, form: str) -> str:
    return "-" if plan is None else form.format(plan[name])
