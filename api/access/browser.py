"""
Requests that a browser sends on behalf of a page of somebody else.

A bearer token is never sent by a browser on its own, a cookie is, and so is every request to a server
that is open. Both are taken only from pages of this server (the header Origin, or Sec-Fetch-Site where
there is no Origin), and an open server answers only to its own names, lest a foreign name be
pointed at the loopback address.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from api.access.identify import SESSION_COOKIE
from api.settings import Settings, is_loopback

SAFE_METHODS = ("GET", "HEAD")


def cross_site_reason(request: Request, settings: Settings, *, is_open: bool, by_cookie: bool) -> str | None:
    """Why the request may not come from a page of this server; None where it may."""
    if is_open and not _is_own_name(request.url.hostname or "", settings):
        return f"an open server does not answer to the name {request.url.hostname!r}"
    if request.method in SAFE_METHODS or not (is_open or by_cookie):
        return None
    return foreign_origin(request, settings, required=by_cookie)


def foreign_origin(request: Request, settings: Settings, *, required: bool) -> str | None:
    """Why the page that sends this is foreign. ``required``: a page that does not say is foreign too."""
    origin = request.headers.get("origin")
    if origin is not None:
        own = {request.headers.get("host", ""), urlsplit(settings.public_url or "").netloc}
        return None if urlsplit(origin).netloc in own - {""} else f"sent by a page of {origin}"
    fetched = request.headers.get("sec-fetch-site")
    if fetched is None:
        return "a change by cookie needs the header Origin" if required else None
    return None if fetched in ("same-origin", "none") else f"sent by a page that is {fetched}"


def is_https(request: Request, settings: Settings) -> bool:
    return request.url.scheme == "https" or (settings.public_url or "").startswith("https://")


def set_cookie_options(request: Request, settings: Settings) -> dict[str, object]:
    return {"httponly": True, "samesite": "strict", "secure": is_https(request, settings), "path": "/"}


def _is_own_name(host: str, settings: Settings) -> bool:
    return is_loopback(host) or host in (settings.host, urlsplit(settings.public_url or "").hostname)


__all__ = ["SESSION_COOKIE", "cross_site_reason", "foreign_origin", "is_https", "set_cookie_options"]
