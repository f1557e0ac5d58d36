"""Conditional requests: a client that has the current state gets 304 and no body."""

from __future__ import annotations

from hashlib import sha256

from fastapi import Request, Response


def etag_of(*parts: object) -> str:
    """A strong entity tag of everything the answer depends on."""
    text = "\x1f".join(str(part) for part in parts)
    return f'"{sha256(text.encode()).hexdigest()[:32]}"'


def is_current(request: Request, etag: str) -> bool:
    """Whether the client named this tag (or ``*``) in If-None-Match."""
    named = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    return etag in named or "*" in named


def not_modified(etag: str) -> Response:
    return Response(status_code=304, headers={"ETag": etag})
