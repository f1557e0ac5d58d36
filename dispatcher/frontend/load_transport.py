"""What the load client needs of a protocol: send one request now, hear of its answer once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

from dispatcher.frontend.load_result import Reply

NO_REASON = ""


@dataclass(slots=True)
class Sending:
    """One request on its way; ``due_s`` is the instant at which it was to leave (``time.monotonic``)."""

    model: str
    due_s: float


class Verdict(NamedTuple):
    """
    What the server said.

    ``reason`` is its own word for a refusal, or a sentence for an error. An ``OK`` may still turn
    out to be late by the client's clock.
    """

    reply: Reply
    reason: str = NO_REASON


OnAnswer: TypeAlias = Callable[[Sending, Verdict], None]


class Transport(Protocol):
    """One protocol towards one server, or several that take turns."""

    @property
    def held_back(self) -> int:
        """Requests so far that could not leave at once for want of a connection."""
        ...

    async def open(self, on_answer: OnAnswer) -> None:
        """Get ready to send; ``on_answer`` hears of every request exactly once, unless it is closed first."""
        ...

    def send(self, sending: Sending) -> None:
        """Returns at once. Raises ``KeyError`` for a model that the transport was not made for."""
        ...

    async def close(self) -> None: ...
