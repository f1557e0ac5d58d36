"""The body of an HTTP request: whole, in time, and no longer than allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from dispatcher.frontend.infer_request import RequestInvalid

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]

BODY_WAIT_S = 30.0
"""A client that sends its body slower than this is let go."""

UNREAD_BYTES_MAX = 64 * 2**20
"""So much of a body too long is read and thrown away, so that its client gets to read why it was refused."""


class ClientGone(Exception):
    """The client closed the connection before its request was whole, or answered."""


async def read_body(scope: Scope, receive: Receive, bytes_max: int) -> bytes:
    """
    Raises ``RequestInvalid`` (413, 408) for a body longer than ``bytes_max`` or too slow.

    Raises ``ClientGone`` when the connection ends first.
    """
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        try:
            async with asyncio.timeout(BODY_WAIT_S):
                body = await _all_parts(receive, body, bytes_max, _declared_length(scope))
        except TimeoutError:
            raise RequestInvalid(f"body: must be sent within {BODY_WAIT_S:g} s", 408) from None
    if len(body) > bytes_max:
        raise too_large(bytes_max, str(len(body)))
    return body


async def _all_parts(receive: Receive, first: bytes, bytes_max: int, declared: int) -> bytes:
    parts = [first]
    length = len(first)
    more = True
    while more:
        if max(length, declared) > bytes_max:
            parts.clear()
            if max(length, declared) > bytes_max + UNREAD_BYTES_MAX:
                raise too_large(bytes_max, str(declared) if declared else f"{length} and more")
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        more = message.get("more_body", False)
    if length > bytes_max:
        raise too_large(bytes_max, str(length))
    return b"".join(parts)


def _declared_length(scope: Scope) -> int:
    """By ``Content-Length``; 0 where the body comes in chunks."""
    value = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(value) if value.isdigit() and len(value) < 20 else 0


def too_large(bytes_max: int, found: str) -> RequestInvalid:
    """413, with the limit and what was found."""
    return RequestInvalid(f"body: must be at most {bytes_max} bytes, got {found}", 413)
