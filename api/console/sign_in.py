"""The console's sign-in: with a token, or with the identity provider; and the way out."""

from __future__ import annotations

from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from api.access.browser import foreign_origin, is_https
from api.access.identify import SESSION_COOKIE, session_secret
from api.access.oidc import IssuerAway
from api.access.oidc_sign_in import Begun, OidcSignIn
from api.rest.dependencies import ServerStoreDep, SettingsDep
from api.settings import Settings
from planner.service import tokens
from planner.service.access import Principal
from planner.service.tokens import NotRecognised
from planner.store.store import Store

router = APIRouter(include_in_schema=False)

BEGUN_COOKIE = "fermata_sign_in"
BEGUN_S_MAX = 600
FORM_BYTES_MAX = 8_192
CALLBACK = "/console/sign-in/callback"
_templates = Environment(
    loader=PackageLoader("api.console"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


@router.get("/console/sign-in")
def sign_in_page(request: Request, next: str = "/console") -> HTMLResponse:
    return _page(request, go_to=_own(next))


@router.post("/console/sign-in")
async def sign_in(request: Request, store: ServerStoreDep, settings: SettingsDep) -> Response:
    """With a token, from the page's form."""
    body = await request.body()
    form = parse_qs(body.decode("utf-8", "replace")[:FORM_BYTES_MAX], max_num_fields=8)
    go_to = _own(form.get("next", ["/console"])[0])
    foreign = foreign_origin(request, settings, required=False)
    if foreign is not None:
        return _page(request, go_to=go_to, fault=f"this form was {foreign}", status=403)
    try:
        principal, _ = await run_in_threadpool(tokens.recognised, store, form.get("token", [""])[0].strip())
    except NotRecognised as error:
        return _page(request, go_to=go_to, fault=f"This token is not good: {error}.", status=401)
    token_id = principal.id.removeprefix("token:")
    return await _signed_in(request, store, settings, principal, token_id=token_id, go_to=go_to)


@router.get("/console/sign-in/oidc")
async def sign_in_oidc(request: Request, settings: SettingsDep, next: str = "/console") -> Response:
    """On to the identity provider."""
    oidc: OidcSignIn | None = request.app.state.oidc_sign_in
    if oidc is None:
        return _page(request, go_to="/console", fault="No identity provider is set up.", status=404)
    try:
        address, begun = await oidc.begin(redirect_uri=_callback(request, settings), go_to=_own(next))
    except IssuerAway as error:
        return _page(request, go_to=_own(next), fault=f"The identity provider is away: {error}", status=503)
    answer = RedirectResponse(address, status_code=303)
    answer.set_cookie(
        BEGUN_COOKIE,
        begun.to_cookie(),
        max_age=BEGUN_S_MAX,
        path="/console/sign-in",
        httponly=True,
        samesite="lax",  # it must come back with the browser from the provider's page
        secure=is_https(request, settings),
    )
    return answer


@router.get(CALLBACK)
async def sign_in_callback(request: Request, store: ServerStoreDep, settings: SettingsDep) -> Response:
    """Back from the identity provider."""
    oidc: OidcSignIn | None = request.app.state.oidc_sign_in
    begun = Begun.of_cookie(request.cookies.get(BEGUN_COOKIE, ""))
    if oidc is None:
        return _page(request, go_to="/console", fault="No identity provider is set up.", status=404)
    try:
        principal = await oidc.finish(
            begun, dict(request.query_params), redirect_uri=_callback(request, settings)
        )
    except NotRecognised as error:
        return _page(request, go_to="/console", fault=f"You are not signed in: {error}.", status=401)
    except IssuerAway as error:
        return _page(request, go_to="/console", fault=f"The identity provider is away: {error}", status=503)
    assert begun is not None
    answer = await _signed_in(request, store, settings, principal, token_id=None, go_to=_own(begun.go_to))
    answer.delete_cookie(BEGUN_COOKIE, path="/console/sign-in")
    return answer


@router.post("/console/sign-out")
async def sign_out(request: Request, store: ServerStoreDep, settings: SettingsDep) -> Response:
    if foreign_origin(request, settings, required=True) is not None:
        return RedirectResponse("/console", status_code=303)
    secret = session_secret(request.headers.get("cookie", ""))
    if secret is not None:
        await run_in_threadpool(tokens.close_session, store, secret)
    answer = RedirectResponse("/console/sign-in", status_code=303)
    answer.delete_cookie(SESSION_COOKIE, path="/")
    return answer


async def _signed_in(
    request: Request,
    store: Store,
    settings: Settings,
    principal: Principal,
    *,
    token_id: str | None,
    go_to: str,
) -> Response:
    """
    A page that leads on. A redirect would not do after an identity provider: the browser still counts it
    as coming from there, and keeps a strict cookie back.
    """
    secret = await run_in_threadpool(
        tokens.open_session, store, principal, token_id=token_id, hours=settings.session_hours
    )
    answer = HTMLResponse(
        _templates.get_template("signed_in.html").render(go_to=go_to), headers={"Cache-Control": "no-store"}
    )
    answer.set_cookie(
        SESSION_COOKIE,
        secret,
        max_age=int(settings.session_hours * 3_600),
        path="/",
        httponly=True,
        samesite="strict",
        secure=is_https(request, settings),
    )
    return answer


def _page(request: Request, *, go_to: str, fault: str | None = None, status: int = 200) -> HTMLResponse:
    has_oidc = request.app.state.oidc_sign_in is not None
    html = _templates.get_template("sign_in.html").render(go_to=go_to, fault=fault, has_oidc=has_oidc)
    return HTMLResponse(html, status_code=status, headers={"Cache-Control": "no-store"})


def _own(path: str) -> str:
    """Only pages of the console: an address of elsewhere would make this a way to send people astray."""
    is_own = path == "/console" or path.startswith(("/console?", "/console/"))
    return path if is_own and "\\" not in path and "/sign-" not in path else "/console"


def _callback(request: Request, settings: Settings) -> str:
    base = settings.public_url or str(request.base_url)
    return base.rstrip("/") + CALLBACK
