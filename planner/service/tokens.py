"""
API tokens: made, shown once, rotated, revoked, and recognised.

A token is ``fermata_<id>_<secret>``: ten letters and digits that find its row, and 256 random bits in
hexadecimal. The row holds the SHA-256 of the secret. A slow hash is for secrets that people choose and
others guess; nobody guesses 256 random bits, and a fast one lets every request be checked anew. So nothing
is cached, and a token that was revoked is refused from the next request on, at every server of the database.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from planner.service.access import Grant, Principal, Scope
from planner.service.errors import (
    FleetNotFound,
    GrantTooWide,
    TokenNameTaken,
    TokenNotFound,
    TokenRevoked,
)
from planner.service.preconditions import NO_PRECONDITION, Precondition
from planner.service.submission import Submission
from planner.store.errors import StoreConflict
from planner.store.store import Store
from planner.store.tokens import SessionRecord, TokenRecord

PREFIX = "fermata"
TOKEN_FORM = re.compile(r"fermata_([a-z2-7]{10})_([0-9a-f]{64})")
LAST_USED_EVERY = timedelta(minutes=10)
_ID_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What a token shall be; ``days`` None lets it live until it is revoked."""

    name: str
    grant: Grant
    days: float | None


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token's record and the token itself, which nothing can show a second time."""

    record: TokenRecord
    token: str


class NotRecognised(Exception):
    """A credential that is good for nothing; the message says why, for the one who sent it."""


def create(
    store: Store, submission: Submission[TokenRequest], *, by: Principal, days_default: float | None = None
) -> IssuedToken:
    """Raises ``InputInvalid``, ``GrantTooWide``, ``FleetNotFound``, ``TokenNameTaken``."""
    (request,) = submission.accepted({})
    _require_covered(by, request.grant)
    days = request.days if request.days is not None else days_default
    try:
        with store.writing() as work:
            for fleet in sorted(request.grant.fleets or ()):
                if work.fleets.get(fleet) is None:
                    raise FleetNotFound(fleet)
            issued = _issue(request, by.name, work.now, days)
            work.tokens.add(issued.record)
            work.audit.add(
                actor=by.name,
                action="token.create",
                subject=request.name,
                token=issued.record.id,
                scopes=list(issued.record.scopes),
                fleets=None if issued.record.fleets is None else list(issued.record.fleets),
            )
    except StoreConflict as error:
        raise TokenNameTaken(request.name) from error
    return issued


def create_first(store: Store, *, name: str, by: Principal) -> IssuedToken | None:
    """An admin token of every fleet, if there never was a token; else None."""
    request = TokenRequest(name, Grant(frozenset({Scope.ADMIN}), None), None)
    with store.writing() as work:
        if work.tokens.any():
            return None
        issued = _issue(request, by.name, work.now, None)
        work.tokens.add(issued.record)
        work.audit.add(actor=by.name, action="token.create", subject=name, token=issued.record.id)
    return issued


def tokens(store: Store, *, by: Principal) -> list[TokenRecord]:
    """Every token that ``by`` could have made, the oldest first; revoked ones too."""
    with store.reading() as work:
        return [token for token in work.tokens.all() if by.grant.covers(grant_of(token))]


def token(store: Store, token_id: str, *, by: Principal) -> TokenRecord:
    """Raises ``TokenNotFound``, also where ``by`` could not have made it."""
    with store.reading() as work:
        return _known(work.tokens.one(token_id), token_id, by)


def rotate(
    store: Store,
    token_id: str,
    *,
    grace_s: float,
    by: Principal,
    given: Precondition = NO_PRECONDITION,
) -> IssuedToken:
    """
    A new secret; the old one is good for ``grace_s`` more seconds.

    Raises ``TokenNotFound``, ``PreconditionFailed``, ``TokenRevoked``.
    """
    secret = secrets.token_hex(32)
    with store.writing() as work:
        found = _known(work.tokens.one(token_id, for_update=True), token_id, by)
        given.check(f"token {token_id!r}", found)
        if found.revoked_at is not None:
            raise TokenRevoked(token_id)
        work.tokens.rotate(token_id, digest_of(secret), previous_until=work.now + timedelta(seconds=grace_s))
        work.audit.add(
            actor=by.name, action="token.rotate", subject=found.name, token=token_id, grace_s=grace_s
        )
        record = work.tokens.one(token_id)
    assert record is not None
    return IssuedToken(record, f"{PREFIX}_{token_id}_{secret}")


def revoke(
    store: Store, token_id: str, *, by: Principal, given: Precondition = NO_PRECONDITION
) -> TokenRecord:
    """Revoking it again changes nothing. Raises ``TokenNotFound``, ``PreconditionFailed``."""
    with store.writing() as work:
        found = _known(work.tokens.one(token_id, for_update=True), token_id, by)
        given.check(f"token {token_id!r}", found)
        if found.revoked_at is None:
            work.tokens.revoke(token_id)
            work.audit.add(actor=by.name, action="token.revoke", subject=found.name, token=token_id)
        record = work.tokens.one(token_id)
    assert record is not None
    return record


def recognised(store: Store, token: str) -> tuple[Principal, bool]:
    """
    Who sent ``token``, and whether its last use should be noted. Raises ``NotRecognised``.

    The secret is compared in constant time; a token of unknown id costs the same comparison.
    """
    form = TOKEN_FORM.fullmatch(token)
    if form is None:
        raise NotRecognised("it has not the form of a token")
    digest = digest_of(form[2])
    with store.reading() as work:
        record, now = work.tokens.one(form[1]), work.now
    current = hmac.compare_digest(digest, record.digest if record else digest[::-1])
    before = hmac.compare_digest(digest, (record.previous_digest if record else None) or digest[::-1])
    if record is None or not (current or before):
        raise NotRecognised("it is not known")
    if not current and (record.previous_until is None or record.previous_until <= now):
        raise NotRecognised("it was rotated, and the time of grace is over")
    return _living(record, now)


def open_session(store: Store, principal: Principal, *, token_id: str | None, hours: float) -> str:
    """The secret of a new console session; only its digest is stored."""
    secret = secrets.token_hex(32)
    grant = principal.grant
    with store.writing() as work:
        work.tokens.open_session(
            SessionRecord(
                digest_of(secret),
                token_id,
                principal.name,
                tuple(sorted(grant.scopes)),
                None if grant.fleets is None else tuple(sorted(grant.fleets)),
                work.now,
                work.now + timedelta(hours=hours),
            )
        )
        work.audit.add(actor=principal.name, action="session.open", subject=principal.id)
    return secret


def session_principal(store: Store, secret: str) -> Principal:
    """Who signed in with this session. Raises ``NotRecognised``, also once its token is no longer good."""
    with store.reading() as work:
        found, now = work.tokens.session(digest_of(secret)), work.now
        token = work.tokens.one(found.token_id) if found and found.token_id else None
    if found is None or found.expires_at <= now:
        raise NotRecognised("the session is over")
    if token is not None:
        return _living(token, now)[0]
    grant = Grant(
        frozenset(Scope(scope) for scope in found.scopes),
        None if found.fleets is None else frozenset(found.fleets),
    )
    return Principal(found.actor, f"person:{found.actor}", grant)


def close_session(store: Store, secret: str) -> None:
    with store.writing() as work:
        work.tokens.close_session(digest_of(secret))


def note_use(store: Store, token_id: str) -> None:
    with store.writing() as work:
        work.tokens.used(token_id)


def any_token(store: Store) -> bool:
    with store.reading() as work:
        return work.tokens.any()


def grant_of(token: TokenRecord) -> Grant:
    return Grant(
        frozenset(Scope(scope) for scope in token.scopes),
        None if token.fleets is None else frozenset(token.fleets),
    )


def digest_of(secret: str) -> str:
    """SHA-256 in hexadecimal."""
    return sha256(secret.encode()).hexdigest()


def _living(record: TokenRecord, now: datetime) -> tuple[Principal, bool]:
    if record.revoked_at is not None:
        raise NotRecognised("it was revoked")
    if record.expires_at is not None and record.expires_at <= now:
        raise NotRecognised(f"it expired at {record.expires_at.isoformat()}")
    stale = record.last_used_at is None or now - record.last_used_at >= LAST_USED_EVERY
    return Principal(record.name, f"token:{record.id}", grant_of(record)), stale


def _issue(request: TokenRequest, by: str, now: datetime, days: float | None) -> IssuedToken:
    token_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(10))
    secret = secrets.token_hex(32)
    grant = request.grant
    record = TokenRecord(
        id=token_id,
        name=request.name,
        scopes=tuple(sorted(grant.scopes)),
        fleets=None if grant.fleets is None else tuple(sorted(grant.fleets)),
        digest=digest_of(secret),
        previous_digest=None,
        previous_until=None,
        created_at=now,
        created_by=by,
        expires_at=None if days is None else now + timedelta(days=days),
        rotated_at=None,
        revoked_at=None,
        last_used_at=None,
    )
    return IssuedToken(record, f"{PREFIX}_{token_id}_{secret}")


def _require_covered(by: Principal, grant: Grant) -> None:
    if not by.grant.covers(grant):
        raise GrantTooWide(by.name)


def _known(found: TokenRecord | None, token_id: str, by: Principal) -> TokenRecord:
    """One that reaches further than ``by`` is as good as unknown."""
    if found is None or not by.grant.covers(grant_of(found)):
        raise TokenNotFound(token_id)
    return found
