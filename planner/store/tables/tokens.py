"""API tokens and console sessions: digests only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from planner.store.columns import Document
from planner.store.tables.base import Base, Id

DIGEST_LENGTH = 64


class TokenRow(Base):
    """A row is never deleted: that one exists is what closes a server that needs no token till then."""

    __tablename__ = "tokens"
    __table_args__ = (
        Index(
            "uq_tokens_name_living",
            "name",
            unique=True,
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(Id)
    scopes: Mapped[list[Any]]
    fleets: Mapped[list[Any] | None] = mapped_column(Document)  # none: every fleet
    digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH))
    previous_digest: Mapped[str | None] = mapped_column(String(DIGEST_LENGTH))
    previous_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(Id)
    expires_at: Mapped[datetime | None]
    rotated_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class SessionRow(Base):
    """A browser's sign-in to the console."""

    __tablename__ = "sessions"

    digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH), primary_key=True)
    token_id: Mapped[str | None] = mapped_column(ForeignKey("tokens.id"), index=True)
    actor: Mapped[str] = mapped_column(Id)
    scopes: Mapped[list[Any]]
    fleets: Mapped[list[Any] | None] = mapped_column(Document)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
