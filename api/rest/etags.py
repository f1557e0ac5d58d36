"""Conditional requests: 304 for a client that has the present state, 412 for a change of another state."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Request, Response

from planner.service.preconditions import Precondition, tag_of

Stored = TypeVar("Stored")

TAGS_PATTERN = r'^(\*|(W/)?"[\x21\x23-\x7e]*"(\s*,\s*(W/)?"[\x21\x23-\x7e]*")*)$'


def _tags_header(description: str) -> Any:
    return Header(max_length=2_000, pattern=TAGS_PATTERN, description=description)


NotWanted = Annotated[
    str | None, _tags_header("ETags the client has: the answer is 304, and empty, if one is the present.")
]
Wanted = Annotated[
    str | None, _tags_header("The ETag of the state to be changed; 412 if it is another by now.")
]
NotThere = Annotated[str | None, _tags_header("`*`: only if it does not exist yet; 412 if it does.")]
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "The client has the present state."}}


def etag_of(*parts: object) -> str:
    """A strong entity tag of everything the answer depends on."""
    text = "\x1f".join(str(part) for part in parts)
    return f'"{sha256(text.encode()).hexdigest()[:32]}"'


def record_etag(record: object) -> str:
    """The entity tag by which ``Precondition`` knows the record."""
    return f'"{tag_of(record)}"'


def is_current(request: Request, etag: str) -> bool:
    """Whether the client named this tag (or ``*``) in If-None-Match."""
    named = _tags(request.headers.get("if-none-match", ""), weak=True)
    return etag.strip('"') in named or "*" in named


def not_modified(etag: str) -> Response:
    return Response(status_code=304, headers={"ETag": etag})


def fresh(request: Request, response: Response, etag: str) -> Response | None:
    """304 for a client that has the state of ``etag``; otherwise None, and the answer will carry the tag."""
    if is_current(request, etag):
        return not_modified(etag)
    response.headers["ETag"] = etag
    return None


def tagged(response: Response, record: Stored) -> Stored:
    """The record as it is now stored; the answer carries its tag."""
    response.headers["ETag"] = record_etag(record)
    return record


async def _if_none_match(if_none_match: NotWanted = None) -> None:
    """Stands in the documentation; ``is_current`` reads it."""


async def _wished(if_match: Wanted = None, if_none_match: NotThere = None) -> Precondition:
    return Precondition(
        tags=None if if_match is None else _tags(if_match, weak=False),
        tags_refused=frozenset() if if_none_match is None else _tags(if_none_match, weak=True),
    )


async def _given(request: Request, wished: Annotated[Precondition, Depends(_wished)]) -> Precondition:
    return replace(wished, is_required=request.app.state.settings.if_match_required)


def _tags(header: str, *, weak: bool) -> frozenset[str]:
    """Tags without their quotes; a weak one counts only where ``weak`` is, for it promises no exact state."""
    tags = [tag.strip() for tag in header.split(",")]
    return frozenset(tag.removeprefix("W/").strip('"') for tag in tags if weak or not tag.startswith("W/"))


CONDITIONAL = Depends(_if_none_match)
"""For the ``dependencies`` of a GET that heeds If-None-Match."""
Given = Annotated[Precondition, Depends(_given)]
"""What a change demands of the present state (If-Match, If-None-Match); a server may ask for the first."""
Wished = Annotated[Precondition, Depends(_wished)]
"""The same where no server asks for it: decisions name in their body what was looked at."""
