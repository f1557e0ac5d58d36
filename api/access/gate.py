"""
The gate: every request passes it before its body is read.

It finds the request's line in the table, who asks, and whether the grant allows the route's scope and reaches
its fleet. What has no line is not there (404), or does not take the method (405): a route can be
reached by its line alone. The one who asks is put into the header X-Actor, where routes look for
the name that goes into the audit log.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from starlette.datastructures import MutableHeaders, QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.browser import cross_site_reason
from api.access.buckets import Buckets
from api.access.identify import Authenticator, Identified
from api.access.oidc import IssuerAway
from api.access.table import RULES, Reach, Rule
from api.rest.problems import general, store_unavailable
from api.settings import Settings
from planner.service.access import ANYONE, Grant, Principal
from planner.service.tokens import NotRecognised
from planner.store.errors import StoreUnavailable

FLEET = "fleet"
DEFAULT_FLEET = "default"
SAFE_METHODS = ("GET", "HEAD")
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="fermata"'}
NAME_LENGTH_MAX = 100


@dataclass(frozen=True, slots=True)
class Line:
    """A route in the order in which the application looks at them."""

    methods: tuple[str, ...]
    template: str
    path: re.Pattern[str]
    rule: Rule


class RouteWithoutRule(RuntimeError):
    """A route of the application is missing in ``api.access.table``."""


def lines(routes: Sequence[tuple[str, str]], mounts: Sequence[str] = ()) -> list[Line]:
    """
    The table's lines in the order of ``routes`` (method and template).

    Raises ``RouteWithoutRule`` for a route without a line, and for a line without a route.
    """
    keys = [f"{method} {template}" for method, template in routes] + [f"GET {mount}" for mount in mounts]
    missing = [key for key in keys if key not in RULES]
    left = [key for key in RULES if key not in keys]
    if missing or left:
        raise RouteWithoutRule(f"api/access/table.py lacks {missing} and has no route for {left}")
    found = [
        Line((method,), path, compile_path(path)[0], RULES[f"{method} {path}"]) for method, path in routes
    ]
    files = [re.compile(f"^{re.escape(mount)}/.*$") for mount in mounts]
    return found + [
        Line(SAFE_METHODS, mount, form, RULES[f"GET {mount}"])
        for mount, form in zip(mounts, files, strict=True)
    ]


class AccessGate:
    """ASGI middleware; refusals are problem details, and a page's are redirects to the sign-in."""

    def __init__(
        self, app: ASGIApp, *, lines: Sequence[Line], authenticator: Authenticator, settings: Settings
    ) -> None:
        self._app = app
        self._lines = lines
        self._authenticator = authenticator
        self._settings = settings
        self._reads = Buckets("reads", settings.reads_per_s_max, now_s=time.monotonic)
        self._writes = Buckets("writes", settings.writes_per_s_max, now_s=time.monotonic)
        self._strangers = Buckets("strangers", settings.strangers_per_s_max, now_s=time.monotonic)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            answer = await self._refusal(request, scope)
        except IssuerAway as error:
            answer = general(request, "issuer-away", str(error), headers={"Retry-After": "5"})
        except StoreUnavailable as error:
            answer = store_unavailable(request, error)
        if answer is not None:
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, _with_headers(send, scope["state"].get("rate_headers", {})))

    async def _refusal(self, request: Request, scope: Scope) -> Response | None:
        """None where the request may go on; ``scope`` then says who asks."""
        line = self._line(request)
        if isinstance(line, Response):
            return line
        scope["state"]["rule"] = line.rule
        if line.rule.is_public:
            return await self._public(request, line)
        try:
            who = await self._authenticator.identified(request.headers)
        except NotRecognised as error:
            return self._unauthenticated(request, line, f"the credential is not good: {error}")
        if who.principal is None:
            return self._unauthenticated(request, line, "this needs a token")
        return self._admission(request, scope, line, who)

    def _admission(self, request: Request, scope: Scope, line: Line, who: Identified) -> Response | None:
        principal = who.principal
        assert principal is not None
        is_open = principal is ANYONE
        reason = cross_site_reason(request, self._settings, is_open=is_open, by_cookie=who.by_cookie)
        if reason is not None:
            return general(request, "cross-site", reason)
        if not is_open:
            buckets = self._reads if request.method in SAFE_METHODS else self._writes
            taken = buckets.take(principal.id)
            if not taken.granted:
                detail = f"{principal.name} may send {buckets.per_s:g} {buckets.name} per second"
                return general(request, "rate-limited", detail, headers=buckets.headers(taken))
            scope["state"]["rate_headers"] = buckets.headers(taken)
        reason = _forbidden(request, line, principal.grant)
        if reason is not None:
            return general(request, "forbidden", f"{principal.name}: {reason}")
        scope["state"]["principal"] = principal
        if not is_open:
            scope["headers"] = _acted_by(scope["headers"], principal)
        return None

    async def _public(self, request: Request, line: Line) -> Response | None:
        if line.rule.costly and not await self._authenticator.is_open():
            return self._stranger(request)
        return None

    def _unauthenticated(self, request: Request, line: Line, detail: str) -> Response:
        limited = self._stranger(request)
        if limited is not None:
            return limited
        if line.template.startswith("/console") and request.method == "GET":
            asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/console/sign-in?next={quote(asked, safe='/')}", status_code=303)
        hint = "send it in the header Authorization: Bearer TOKEN; `fermata init` prints the first one"
        return general(request, "unauthenticated", detail, headers=CHALLENGE, hint=hint)

    def _stranger(self, request: Request) -> Response | None:
        address = request.client.host if request.client else "unknown"
        taken = self._strangers.take(address)
        if taken.granted:
            return None
        detail = f"too many requests of {address} without a good credential"
        return general(request, "rate-limited", detail, headers=self._strangers.headers(taken))

    def _line(self, request: Request) -> Line | Response:
        """The first line that the application's own routing would take."""
        path = request.url.path
        allowed: list[str] = []
        for line in self._lines:
            found = line.path.match(path)
            if found and request.method in line.methods:
                request.scope["state"]["fleet_in_path"] = found.groupdict().get(line.rule.fleet_in_path or "")
                return line
            if found:
                allowed.extend(line.methods)
        if allowed:
            detail = f"{path} does not take {request.method}"
            return general(
                request, "method-not-allowed", detail, headers={"Allow": ", ".join(sorted(set(allowed)))}
            )
        return general(request, "route-not-found", f"there is nothing at {path}")


def _forbidden(request: Request, line: Line, grant: Grant) -> str | None:
    """Why the grant does not do; None where it does."""
    rule = line.rule
    route = f"{request.method} {line.template}"
    if not grant.allows(rule.scopes):
        needed = " or ".join(sorted(rule.scopes))
        return f"{route} needs the scope {needed}; granted: {', '.join(sorted(grant.scopes)) or 'none'}"
    bound = ", ".join(sorted(grant.fleets or ()))
    if rule.reach is Reach.ALL and not grant.reaches_all:
        return f"{route} changes what all fleets share and needs a grant of every fleet; granted: {bound}"
    named = QueryParams(request.scope["query_string"]).getlist(FLEET)
    if request.scope["state"]["fleet_in_path"] is not None:
        named.append(request.scope["state"]["fleet_in_path"])
    elif not named and rule.reach is Reach.FLEET:
        named.append(DEFAULT_FLEET)
    beyond = [fleet for fleet in named if not grant.reaches(fleet)]
    if beyond:
        return f"{route} needs a grant of the fleet {beyond[0]!r}; granted: {bound}"
    return None


def _acted_by(headers: list[tuple[bytes, bytes]], principal: Principal) -> list[tuple[bytes, bytes]]:
    name = principal.name.encode("ascii", "replace")[:NAME_LENGTH_MAX]
    kept = [(key, value) for key, value in headers if key.lower() != b"x-actor"]
    return [*kept, (b"x-actor", name)]


def _with_headers(send: Send, headers: dict[str, str]) -> Send:
    if not headers:
        return send

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            found = MutableHeaders(scope=message)
            for name, value in headers.items():
                found[name] = value
        await send(message)

    return send_with_headers
