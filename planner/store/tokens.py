"""Repository of API tokens and of console sessions. No secret is stored, only digests of secrets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.orm import Session

from planner.store.tables import SessionRow, TokenRow, table_of

TOKENS, SESSIONS = table_of(TokenRow), table_of(SessionRow)


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """
    A token without its secret.

    ``fleets`` None means all. ``digest`` is of the present secret; ``previous_digest`` of the one before,
    good until ``previous_until``. ``last_used_at`` is late by up to ten minutes.
    """

    id: str
    name: str
    scopes: tuple[str, ...]
    fleets: tuple[str, ...] | None
    digest: str
    previous_digest: str | None
    previous_until: datetime | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    rotated_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """
    One browser's sign-in; ``token_id`` names the token it was made with, and lives no longer than it.

    For people of an identity provider it is None, and ``actor``, ``scopes`` and ``fleets`` count.
    """

    digest: str
    token_id: str | None
    actor: str
    scopes: tuple[str, ...]
    fleets: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime


class TokenRepository:
    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now

    def any(self) -> bool:
        """Whether a token was ever made; one that was revoked counts."""
        return self._session.execute(select(TOKENS.c.id).limit(1)).first() is not None

    def one(self, token_id: str, *, for_update: bool = False) -> TokenRecord | None:
        query = select(TOKENS).where(TOKENS.c.id == token_id)
        row = self._session.execute(query.with_for_update() if for_update else query).one_or_none()
        return None if row is None else _token(row)

    def all(self) -> list[TokenRecord]:
        """Oldest first."""
        query = select(TOKENS).order_by(TOKENS.c.created_at, TOKENS.c.id)
        return [_token(row) for row in self._session.execute(query)]

    def add(self, token: TokenRecord) -> None:
        """Raises ``StoreConflict`` where a token of the same name is not revoked."""
        fleets = None if token.fleets is None else list(token.fleets)
        self._session.add(
            TokenRow(
                id=token.id,
                name=token.name,
                scopes=list(token.scopes),
                fleets=fleets,
                digest=token.digest,
                created_at=token.created_at,
                created_by=token.created_by,
                expires_at=token.expires_at,
            )
        )
        self._session.flush()

    def rotate(self, token_id: str, digest: str, *, previous_until: datetime) -> None:
        row = self._session.get_one(TokenRow, token_id)
        row.previous_digest, row.previous_until = row.digest, previous_until
        row.digest, row.rotated_at = digest, self._now
        self._session.flush()

    def revoke(self, token_id: str) -> None:
        self._session.get_one(TokenRow, token_id).revoked_at = self._now
        self._session.execute(delete(SessionRow).where(SessionRow.token_id == token_id))
        self._session.flush()

    def used(self, token_id: str) -> None:
        self._session.execute(update(TokenRow).where(TokenRow.id == token_id).values(last_used_at=self._now))

    def open_session(self, found: SessionRecord) -> None:
        """Ends sessions that are over, of anyone."""
        self._session.execute(delete(SessionRow).where(SessionRow.expires_at <= self._now))
        fleets = None if found.fleets is None else list(found.fleets)
        self._session.add(
            SessionRow(
                digest=found.digest,
                token_id=found.token_id,
                actor=found.actor,
                scopes=list(found.scopes),
                fleets=fleets,
                created_at=found.created_at,
                expires_at=found.expires_at,
            )
        )
        self._session.flush()

    def session(self, digest: str) -> SessionRecord | None:
        row = self._session.execute(select(SESSIONS).where(SESSIONS.c.digest == digest)).one_or_none()
        if row is None:
            return None
        return SessionRecord(
            row.digest,
            row.token_id,
            row.actor,
            tuple(row.scopes),
            _fleets(row.fleets),
            row.created_at,
            row.expires_at,
        )

    def close_session(self, digest: str) -> None:
        self._session.execute(delete(SessionRow).where(SessionRow.digest == digest))


def _token(row: Row[Any]) -> TokenRecord:
    return TokenRecord(
        row.id,
        row.name,
        tuple(row.scopes),
        _fleets(row.fleets),
        row.digest,
        row.previous_digest,
        row.previous_until,
        row.created_at,
        row.created_by,
        row.expires_at,
        row.rotated_at,
        row.revoked_at,
        row.last_used_at,
    )


def _fleets(found: list[str] | None) -> tuple[str, ...] | None:
    return None if found is None else tuple(found)
