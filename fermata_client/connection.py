"""
One server, spoken to with patience.

A request that could not be sent, was not answered or was refused for the moment (429, 503) is sent again
after a growing pause, or after what ``Retry-After`` asks for. Every POST carries an ``Idempotency-Key``, the
same each time it is sent, so that the server does it once.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

import httpx

from fermata_client.errors import NotModified, Refused, Unexpected
from fermata_client.generated.client import Client
from fermata_client.generated.models import Problem
from fermata_client.generated.types import Response

IDEMPOTENCY_KEY = "Idempotency-Key"
TRIES_MAX = 5
PAUSE_S = 0.2
PAUSE_S_MAX = 10.0
TIMEOUT_S = 60.0
TRY_AGAIN = frozenset({429, 503})

Answer = TypeVar("Answer")
P = ParamSpec("P")
_etag: ContextVar[str] = ContextVar("_etag", default="")


def result(answered: Response[Any]) -> Any:
    """What was asked for; the methods say its type. Raises ``Refused``, ``NotModified``, ``Unexpected``."""
    _etag.set(answered.headers.get("etag", ""))
    status, parsed = int(answered.status_code), answered.parsed
    if status == httpx.codes.NOT_MODIFIED:
        raise NotModified
    if isinstance(parsed, Problem):
        raise Refused(parsed, dict(answered.headers))
    if parsed is None and status != httpx.codes.NO_CONTENT:
        raise Unexpected(status, bytes(answered.content))
    return parsed


def with_csv(kwargs: dict[str, Any], csv: str | bytes) -> dict[str, Any]:
    """A request as it is, but for its body."""
    content = csv.encode() if isinstance(csv, str) else csv
    other = {name: value for name, value in kwargs.items() if name != "json"}
    return {**other, "content": content, "headers": {**kwargs["headers"], "Content-Type": "text/csv"}}


def pause_s(tries: int, response: httpx.Response | None) -> float:
    """How long to wait after so many tries: as the server asks, or twice as long each time, with chance."""
    asked = response.headers.get("retry-after", "") if response else ""
    if asked.isdigit():
        return min(float(asked), PAUSE_S_MAX)
    longest: float = min(PAUSE_S * 2 ** (tries - 1), PAUSE_S_MAX)
    return random.uniform(longest / 2, longest)


def _prepared(request: httpx.Request) -> None:
    if request.method == "POST":
        request.headers.setdefault(IDEMPOTENCY_KEY, uuid.uuid4().hex)


class PatientTransport(httpx.BaseTransport):
    """Sends a request again while that may help."""

    def __init__(self, inner: httpx.BaseTransport, tries_max: int) -> None:
        self._inner = inner
        self._tries_max = tries_max

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        _prepared(request)
        tries = 0
        while True:
            tries += 1
            response: httpx.Response | None = None
            try:
                response = self._inner.handle_request(request)
                if response.status_code not in TRY_AGAIN or tries >= self._tries_max:
                    return response
                response.close()
            except httpx.TransportError:
                if tries >= self._tries_max:
                    raise
            time.sleep(pause_s(tries, response))

    def close(self) -> None:
        self._inner.close()


class AsyncPatientTransport(httpx.AsyncBaseTransport):
    """``PatientTransport``, awaited."""

    def __init__(self, inner: httpx.AsyncBaseTransport, tries_max: int) -> None:
        self._inner = inner
        self._tries_max = tries_max

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        _prepared(request)
        tries = 0
        while True:
            tries += 1
            response: httpx.Response | None = None
            try:
                response = await self._inner.handle_async_request(request)
                if response.status_code not in TRY_AGAIN or tries >= self._tries_max:
                    return response
                await response.aclose()
            except httpx.TransportError:
                if tries >= self._tries_max:
                    raise
            await asyncio.sleep(pause_s(tries, response))

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Connected:
    """
    A server at ``url``.

    Parameters
    ----------
    token
        Sent as ``Authorization: Bearer``; None where the server asks for none.
    timeout_s
        For one answer. Waiting for a run is not bound by it.
    tries_max
        How often a request is sent at most.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        timeout_s: float = TIMEOUT_S,
        tries_max: int = TRIES_MAX,
    ) -> None:
        self.url = url.rstrip("/")
        self.tries_max = tries_max
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._timeout = httpx.Timeout(timeout_s)
        self.client = Client(base_url=self.url)


class Connection(_Connected):
    """A server, and the calls that wait for its answers. Use it in a ``with`` block, or ``close`` it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.http.close()

    @property
    def http(self) -> httpx.Client:
        """For what no method is for."""
        return self.client.get_httpx_client()

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        timeout_s: float = TIMEOUT_S,
        tries_max: int = TRIES_MAX,
    ) -> None:
        super().__init__(url, token=token, timeout_s=timeout_s, tries_max=tries_max)
        transport = PatientTransport(httpx.HTTPTransport(), tries_max)
        self.client.set_httpx_client(
            httpx.Client(base_url=self.url, headers=self._headers, timeout=self._timeout, transport=transport)
        )

    def tagged(self, call: Callable[P, Answer], *args: P.args, **kwargs: P.kwargs) -> tuple[Answer, str]:
        """
        What ``call`` gives, and its ETag, to be sent as ``if_match`` with a change.

        ``model, etag = fermata.tagged(fermata.get_model, "resnet50")``
        """
        answer = call(*args, **kwargs)
        return answer, _etag.get()


class AsyncConnection(_Connected):
    """A server, and the calls that are awaited. Use it in an ``async with`` block, or ``close`` it."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        timeout_s: float = TIMEOUT_S,
        tries_max: int = TRIES_MAX,
    ) -> None:
        super().__init__(url, token=token, timeout_s=timeout_s, tries_max=tries_max)
        transport = AsyncPatientTransport(httpx.AsyncHTTPTransport(), tries_max)
        self.client.set_async_httpx_client(
            httpx.AsyncClient(
                base_url=self.url, headers=self._headers, timeout=self._timeout, transport=transport
            )
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self.http.aclose()

    @property
    def http(self) -> httpx.AsyncClient:
        """For what no method is for."""
        return self.client.get_async_httpx_client()

    async def tagged(
        self, call: Callable[P, Awaitable[Answer]], *args: P.args, **kwargs: P.kwargs
    ) -> tuple[Answer, str]:
        """What ``call`` gives, and its ETag, to be sent as ``if_match`` with a change."""
        answer = await call(*args, **kwargs)
        return answer, _etag.get()
