"""
Bodies that are compressed on their way: gzip and deflate, in bounded memory.

What a body grows to is bounded before it has grown: of a few bytes that would become
gigabytes no more is unpacked than the model's longest request may have.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from dispatcher.frontend.http_body import Scope, too_large
from dispatcher.frontend.infer_request import RequestInvalid
from dispatcher.frontend.infer_response import Response

GZIP, DEFLATE = b"gzip", b"deflate"
WINDOW_BITS = {GZIP: 16 + zlib.MAX_WBITS, b"x-gzip": 16 + zlib.MAX_WBITS, DEFLATE: zlib.MAX_WBITS}
"""By coding; ``deflate`` means zlib's form (RFC 9110, section 8.4.1.2)."""

ANSWER_BYTES_MIN = 1_024
"""A shorter answer is sent as it is: it fits a packet either way."""

LEVEL = 1
"""Fast: an answer is in a hurry."""

HERE_BYTES_MAX = 4 * 2**10
"""
What is longer is packed and unpacked in a thread. So much may become 4 MiB, in 2.4 ms; packing a MiB
takes 23 ms.
"""

T = TypeVar("T")


def content_coding(scope: Scope) -> bytes | None:
    """How the body is compressed; None where it is not. Raises ``RequestInvalid`` (415) for other codings."""
    value = _header(scope, b"content-encoding").lower()
    if value in (b"", b"identity"):
        return None
    if value not in WINDOW_BITS:
        shown = value[:40].decode(errors="replace")
        raise RequestInvalid(f"Content-Encoding: must be gzip, deflate or identity, got {shown}", 415)
    return value


def answer_coding(scope: Scope) -> bytes | None:
    """
    How the answer is to be compressed, None where it is not.

    Only for a client that asks for one coding alone. A list of them is what HTTP libraries send unasked, and
    numbers seldom shrink enough to repay the time.
    """
    value = _header(scope, b"accept-encoding")
    if not value:
        return None
    name, _, parameters = value.lower().partition(b";")
    is_refused = parameters.replace(b" ", b"") in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000")
    return name.strip() if name.strip() in (GZIP, DEFLATE) and not is_refused else None


async def decoded(body: bytes, coding: bytes, bytes_max: int) -> bytes:
    """The body unpacked. Raises ``RequestInvalid``: 413 for one that grows beyond ``bytes_max``, else 400."""
    return await _aside(len(body), lambda: _unpacked(body, coding, bytes_max))


async def encoded(response: Response, coding: bytes) -> Response:
    """A response compressed where that is worth it."""
    if len(response.body) < ANSWER_BYTES_MIN:
        return response
    body = await _aside(len(response.body), lambda: _packed(response.body, coding))
    vary = [(b"content-encoding", coding), (b"vary", b"accept-encoding")]
    return replace(response, body=body, headers=[*response.headers, *vary])


def _unpacked(body: bytes, coding: bytes, bytes_max: int) -> bytes:
    stream = zlib.decompressobj(WINDOW_BITS[coding])
    name = coding.decode()
    try:
        unpacked = stream.decompress(body, bytes_max + 1)
    except zlib.error as error:
        raise RequestInvalid(f"body: must be {name}, as Content-Encoding says: {error}") from error
    if len(unpacked) > bytes_max:
        raise too_large(bytes_max, "more when unpacked")
    if not stream.eof or stream.unused_data:
        found = "bytes behind it" if stream.eof else "one that is cut off"
        raise RequestInvalid(f"body: must be one whole {name} stream, got {found}")
    return unpacked


def _packed(body: bytes, coding: bytes) -> bytes:
    stream = zlib.compressobj(LEVEL, wbits=WINDOW_BITS[coding])
    return stream.compress(body) + stream.flush()


async def _aside(bytes_in: int, work: Callable[[], T]) -> T:
    """In a thread unless it is short."""
    return work() if bytes_in <= HERE_BYTES_MAX else await asyncio.to_thread(work)


def _header(scope: Scope, wanted: bytes) -> bytes:
    value: bytes = next((value for name, value in scope["headers"] if name == wanted), b"")
    return value.strip()
