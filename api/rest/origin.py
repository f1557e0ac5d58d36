"""Says where a request's changes come from, for the audit log."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from planner.store.origin import Origin, coming_from


class OriginMiddleware:
    """Below ``RequestIdMiddleware``, whose id it hands on; threads of endpoints inherit the context."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        origin = Origin(client[0] if client else None, scope.get("state", {}).get("request_id"))
        with coming_from(origin):
            await self._app(scope, receive, send)
