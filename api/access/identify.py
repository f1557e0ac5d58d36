"""From a request's credential to the one who asks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import cookie_parser

from api.settings import Auth, Settings
from planner.service import tokens
from planner.service.access import ANYONE, Principal
from planner.service.tokens import NotRecognised
from planner.store.errors import StoreConflict, StoreUnavailable
from planner.store.store import Store

SESSION_COOKIE = "fermata_session"
log = logging.getLogger(__name__)


class PeopleVerifier(Protocol):
    """Recognises signed tokens of an identity provider."""

    async def principal(self, token: str) -> Principal:
        """Raises ``NotRecognised``."""
        ...


@dataclass(frozen=True, slots=True)
class Identified:
    """``principal`` None: no credential was sent. ``by_cookie``: a browser sent it by itself."""

    principal: Principal | None
    by_cookie: bool = False


class Authenticator:
    """
    Open while the server listens on a loopback address and no token was ever made, or with ``auth`` off.

    Nothing that is recognised is kept: each request is checked against the database. That a token exists
    is kept, for it stays so.
    """

    def __init__(self, store: Store, settings: Settings, people: PeopleVerifier | None) -> None:
        self._store = store
        self._people = people
        self._is_off = settings.auth is Auth.OFF
        self._may_be_open = settings.auth is Auth.AUTO and settings.is_loopback and people is None
        self._chores: set[asyncio.Task[None]] = set()

    async def is_open(self) -> bool:
        if self._may_be_open and await run_in_threadpool(tokens.any_token, self._store):
            self._may_be_open = False
        return self._is_off or self._may_be_open

    async def identified(self, headers: Mapping[str, str]) -> Identified:
        """Raises ``NotRecognised`` where a credential is needed, was sent, and is not good."""
        if await self.is_open():
            return Identified(ANYONE)
        authorization = headers.get("authorization")
        if authorization is not None:
            return Identified(await self._bearer(authorization))
        secret = session_secret(headers.get("cookie", ""))
        if secret is not None:
            principal = await run_in_threadpool(tokens.session_principal, self._store, secret)
            return Identified(principal, by_cookie=True)
        return Identified(None)

    async def _bearer(self, authorization: str) -> Principal:
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise NotRecognised("the header Authorization must read: Bearer TOKEN")
        if token.count(".") == 2 and self._people is not None:
            return await self._people.principal(token)
        principal, note_use = await run_in_threadpool(tokens.recognised, self._store, token)
        if note_use:
            chore = asyncio.create_task(self._note_use(principal.id.removeprefix("token:")))
            self._chores.add(chore)
            chore.add_done_callback(self._chores.discard)
        return principal

    async def _note_use(self, token_id: str) -> None:
        """Beside the request: a database that is busy delays nobody for this."""
        try:
            await run_in_threadpool(tokens.note_use, self._store, token_id)
        except (StoreUnavailable, StoreConflict):
            log.info("the last use of token %s was not noted", token_id)


def session_secret(cookie: str) -> str | None:
    return cookie_parser(cookie).get(SESSION_COOKIE)
