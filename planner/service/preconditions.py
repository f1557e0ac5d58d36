"""What a change expects to find: a change by one who has not seen the present state is refused."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from planner.service.errors import PreconditionFailed, PreconditionRequired

TAGS_SHOWN = 3


def tag_of(record: Any) -> str:
    """A name for exactly this state of a record: 32 hexadecimal digits of a digest of all that it holds."""
    return sha256(msgspec.json.encode(record, order="deterministic")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Precondition:
    """
    Parameters
    ----------
    tags
        One of these must be the present state's; ``*`` stands for any; None: not asked for.
    tags_refused
        None of these may be the present state's; ``*`` stands for any: the thing must not be there yet.
    is_required
        Whether ``tags`` must be given to change what exists.
    """

    tags: frozenset[str] | None = None
    tags_refused: frozenset[str] = frozenset()
    is_required: bool = False

    def check(self, subject: str, current: Any | None) -> None:
        """
        Raises ``PreconditionFailed`` or ``PreconditionRequired``. ``current`` None: there is nothing.

        To be called in the transaction of the change, with ``current`` locked.
        """
        tag = None if current is None else tag_of(current)
        if self.tags is not None and (tag is None or not {tag, "*"} & self.tags):
            what = "is not there" if tag is None else "has changed since"
            named = f"If-Match named {_named(self.tags)}"
            raise PreconditionFailed(subject, what, current=tag, named=named)
        if tag is not None and {tag, "*"} & self.tags_refused:
            named = f"If-None-Match named {_named(self.tags_refused)}"
            raise PreconditionFailed(subject, "exists already", current=tag, named=named)
        if self.is_required and tag is not None and self.tags is None:
            raise PreconditionRequired([subject])


def _named(tags: frozenset[str]) -> str:
    """As a client wrote them; the first few of many."""
    shown = ["*" if tag == "*" else f'"{tag}"' for tag in sorted(tags)[:TAGS_SHOWN]]
    more = len(tags) - len(shown)
    return " or ".join(shown) + (f" or {more} others" if more else "") or "no strong ETag"


NO_PRECONDITION = Precondition()
