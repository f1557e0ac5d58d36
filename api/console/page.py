"""The console's routes: its pages and their static files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, PackageLoader, StrictUndefined

from api.console import sign_in
from api.console.demand_view import demand_view
from api.console.kept import Kept
from api.console.rollout_view import gpus_text, models_text, rollout_view
from api.console.view import console_view
from api.rest.dependencies import INTEGER_MAX, StoreDep
from planner.service.access import ANYONE

HERE = Path(__file__).parent
router = APIRouter(include_in_schema=False)


def install(app: FastAPI) -> None:
    app.state.kept = Kept()
    app.include_router(router)
    app.include_router(sign_in.router)
    app.mount("/console/static", StaticFiles(directory=HERE / "static"), name="console-static")


@router.get("/")
def root() -> RedirectResponse:
    return RedirectResponse("/console")


@router.get("/docs")
def docs() -> RedirectResponse:
    """Where people look for it first."""
    return RedirectResponse("/v1/openapi.json")


@router.get("/console")
def console(
    request: Request, store: StoreDep, plan: Annotated[int | None, Query(ge=1, le=INTEGER_MAX)] = None
) -> HTMLResponse:
    """Plans, sub-clusters, forecast against observed, runs."""
    view = console_view(store, request.app.state.kept, plan)
    principal = request.state.principal
    who = None if principal is ANYONE else principal.name
    return HTMLResponse(_templates.get_template("console.html").render(view=view, who=who))


@router.get("/console/rollout")
def rollout(store: StoreDep) -> HTMLResponse:
    """The way to the active plan alone, as its page shows it; nothing where no plan is active."""
    view = rollout_view(store)
    return HTMLResponse(_templates.get_template("rollout.html").render(rollout=view) if view else "")


@router.get("/console/demand")
def demand(request: Request, store: StoreDep) -> HTMLResponse:
    """Who was right: planner, model, or neither."""
    view = demand_view(store, request.app.state.kept)
    return HTMLResponse(_templates.get_template("demand.html").render(view=view))


def signed_percent(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:+.0f}\N{NO-BREAK SPACE}%"


def percent(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{value * 100:.{digits}f}\N{NO-BREAK SPACE}%"


def dollars(value: float | None) -> str:
    return "–" if value is None else f"${value:,.2f}"


def rate(value: float) -> str:
    """Requests per second with three significant digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def instant(value: datetime | None) -> str:
    return "–" if value is None else f"{value:%Y-%m-%d %H:%M:%S} UTC"


def clock(value: datetime | None) -> str:
    """The time of the day, where the day is known."""
    return "–" if value is None else f"{value:%H:%M:%S} UTC"


def seconds_between(start: datetime | None, end: datetime | None) -> str:
    if start is None or end is None:
        return "–"
    total_s = (end - start).total_seconds()
    return f"{total_s:.1f} s" if total_s < 100 else f"{total_s / 60:.0f} min"


_templates = Environment(
    loader=PackageLoader("api.console"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {
    "percent": percent,
    "signed_percent": signed_percent,
    "dollars": dollars,
    "rate": rate,
    "instant": instant,
    "clock": clock,
    "gpus_text": gpus_text,
    "models_text": models_text,
}
_templates.globals["seconds_between"] = seconds_between
