"""Factories for access: tokens of every kind straight from the store, and a request for each route."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import httpx

from planner.service import tokens
from planner.service.access import COMMAND_LINE, Grant, Principal, Scope
from planner.service.submission import Submission
from planner.service.tokens import IssuedToken, TokenRequest
from planner.store.store import Store

OTHER_FLEET = "other"


def issue(
    store: Store,
    name: str,
    *scopes: Scope,
    fleets: Iterable[str] | None = None,
    days: float | None = None,
    by: Principal = COMMAND_LINE,
) -> IssuedToken:
    grant = Grant(frozenset(scopes), None if fleets is None else frozenset(fleets))
    return tokens.create(store, Submission("token", (TokenRequest(name, grant, days),)), by=by)


def add_fleet(store: Store, fleet: str) -> None:
    with store.writing() as work:
        work.fleets.add(fleet, "test", {})


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def requested(client: httpx.Client, key: str, *, fleet: str | None = None, **options: Any) -> httpx.Response:
    """The route of a line of the table, its parameters filled with something that does not exist."""
    method, template = key.split(" ", 1)
    path = re.sub(r"\{[^}]*\}", "1", template)
    query = {} if fleet is None else {"fleet": fleet}
    if method in ("POST", "PUT"):
        options.setdefault("content", b"{}")
        options["headers"] = {"content-type": "application/json"} | options.get("headers", {})
    return client.request(method, path, params=query, follow_redirects=False, **options)


def problem_of(answer: httpx.Response) -> str:
    """The short name of the problem, or nothing where the answer is none."""
    if answer.headers.get("content-type") != "application/problem+json":
        return ""
    return str(answer.json()["type"]).removeprefix("urn:fermata:problem:")
