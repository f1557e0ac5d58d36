"""Repository of idempotency keys: reserved before a request is carried out, finished with its effect."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from planner.store.tables import IdempotencyKeyRow
from planner.store.upserts import insert_once


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """
    A request that is to count once: whose, in which fleet, under which key, and what it asks.

    Keys and requests are SHA-256 digests in hexadecimal; ``token`` is new with every attempt.
    """

    fleet: str
    principal: str
    key_digest: str
    request_digest: str
    token: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What the request was answered; ``body`` None: it was not to be kept."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes | None


class Standing(Enum):
    """What is known of a key."""

    RESERVED = "reserved"  # by this attempt: carry it out
    ANSWERED = "answered"
    IN_FLIGHT = "in flight"
    OTHER_REQUEST = "other request"


@dataclass(frozen=True, slots=True)
class Reservation:
    standing: Standing
    answer: KeptAnswer | None = None


class IdempotencyRepository:
    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now

    def reserve(self, request: KeyedRequest, *, hold: timedelta, keep: timedelta) -> Reservation:
        """
        Take the key for this attempt, or say what stands against it.

        A key that was reserved and not finished within ``hold`` is free to be taken by the same request
        again; one older than ``keep``, by any.
        """
        row = {
            "fleet": request.fleet,
            "principal": request.principal,
            "key_digest": request.key_digest,
            **self._fresh(request, hold, keep),
        }
        if insert_once(self._session, IdempotencyKeyRow, row, ["fleet", "principal", "key_digest"]):
            return Reservation(Standing.RESERVED)
        found = self._session.scalars(
            select(IdempotencyKeyRow).where(*_of(request)).with_for_update()
        ).one_or_none()
        if found is None:  # released in this very moment
            return Reservation(Standing.IN_FLIGHT)
        if found.expires_at > self._now:
            if found.request_digest != request.request_digest:
                return Reservation(Standing.OTHER_REQUEST)
            if found.status is not None:
                return Reservation(Standing.ANSWERED, _answer(found))
            if found.reserved_until > self._now:
                return Reservation(Standing.IN_FLIGHT)
        for name, value in self._fresh(request, hold, keep).items():
            setattr(found, name, value)
        self._session.flush()
        return Reservation(Standing.RESERVED)

    def finish(self, request: KeyedRequest, answer: KeptAnswer) -> bool:
        """Keep the answer; False when the key is no longer this attempt's, which must not count then."""
        values = {
            "status": answer.status,
            "headers": [list(header) for header in answer.headers],
            "body": None if answer.body is None else zlib.compress(answer.body),
        }
        query = update(IdempotencyKeyRow).where(*_of(request), IdempotencyKeyRow.token == request.token)
        done = self._session.execute(query.values(**values).returning(IdempotencyKeyRow.token))
        return done.scalar_one_or_none() is not None

    def release(self, request: KeyedRequest) -> None:
        """The request came to nothing that should be kept: the key is as good as never used."""
        self._session.execute(
            delete(IdempotencyKeyRow).where(*_of(request), IdempotencyKeyRow.token == request.token)
        )

    def forget_expired(self) -> int:
        """Delete keys that are older than they are kept; returns how many there were."""
        gone = self._session.execute(
            delete(IdempotencyKeyRow)
            .where(IdempotencyKeyRow.expires_at <= self._now)
            .returning(IdempotencyKeyRow.token)
        )
        return len(gone.all())

    def _fresh(self, request: KeyedRequest, hold: timedelta, keep: timedelta) -> dict[str, object]:
        return {
            "request_digest": request.request_digest,
            "token": request.token,
            "reserved_until": self._now + hold,
            "expires_at": self._now + keep,
            "status": None,
            "headers": [],
            "body": None,
        }


def _of(request: KeyedRequest) -> tuple[Any, ...]:
    return (
        IdempotencyKeyRow.fleet == request.fleet,
        IdempotencyKeyRow.principal == request.principal,
        IdempotencyKeyRow.key_digest == request.key_digest,
    )


def _answer(row: IdempotencyKeyRow) -> KeptAnswer:
    body = None if row.body is None else zlib.decompress(row.body)
    return KeptAnswer(row.status or 0, tuple((name, value) for name, value in row.headers), body)
