"""
People of an identity provider: its discovery document, its keys, and what its signed tokens say.

The keys are kept for an hour, and asked for anew when a token names one that is not among them, at most once
in ten seconds. A key that the issuer has withdrawn is thereby good for an hour at most.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from api.settings import Settings
from planner.service.access import Grant, Principal
from planner.service.tokens import NotRecognised

KEYS_KEPT_S = 3_600.0
ASK_AGAIN_S = 10.0
TIMEOUT_S = 5.0
ANSWER_BYTES_MAX = 1_000_000
TOKEN_LENGTH_MAX = 16_384
NAME_LENGTH_MAX = 95
PERSON = "oidc:"
"""Stands before the name of a person in the audit log; no token's name has a colon."""


class IssuerAway(Exception):
    """The identity provider cannot be asked, or answers what it should not; the text says which."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What the discovery document says."""

    authorization: str
    token: str
    keys: str


class Issuer:
    """One identity provider. Its answers are kept; ``now_s`` is a monotonic clock in seconds."""

    def __init__(self, url: str, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self.url = url
        self._now_s = now_s
        self._endpoints: Endpoints | None = None
        self._keys: KeySet | None = None
        self._asked_s = -float("inf")
        self._lock = asyncio.Lock()

    async def endpoints(self) -> Endpoints:
        """Raises ``IssuerAway``."""
        if self._endpoints is None:
            found = await _json(self.url.rstrip("/") + "/.well-known/openid-configuration")
            if found.get("issuer") != self.url:
                raise IssuerAway(f"the issuer {self.url} calls itself {found.get('issuer')!r}")
            try:
                self._endpoints = Endpoints(
                    str(found["authorization_endpoint"]),
                    str(found["token_endpoint"]),
                    str(found["jwks_uri"]),
                )
            except KeyError as error:
                raise IssuerAway(f"the discovery document of {self.url} lacks {error}") from error
        return self._endpoints

    async def keys(self, key_id: str | None) -> KeySet:
        """The issuer's keys, asked for anew where ``key_id`` is not among them. Raises ``IssuerAway``."""
        async with self._lock:
            age_s = self._now_s() - self._asked_s
            is_known = self._keys is not None and any(key.kid == key_id for key in self._keys.keys)
            if self._keys is None or age_s >= KEYS_KEPT_S or (not is_known and age_s >= ASK_AGAIN_S):
                endpoints = await self.endpoints()
                found = await _json(endpoints.keys)
                try:
                    self._keys = KeySet.import_key_set(found)  # type: ignore[arg-type]
                except (JoseError, KeyError, TypeError, ValueError) as error:
                    raise IssuerAway(f"{endpoints.keys} holds no keys: {error}") from error
                self._asked_s = self._now_s()
            return self._keys


class People:
    """Recognises an issuer's signed tokens, and grants what its groups are granted."""

    def __init__(
        self, settings: Settings, issuer: Issuer, *, clock_s: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._issuer = issuer
        self._clock_s = clock_s

    async def principal(self, token: str) -> Principal:
        """The sender of a bearer token. Raises ``NotRecognised``, ``IssuerAway``."""
        audience = self._settings.oidc_audience or self._settings.oidc_client_id
        return self.person(await self.claims(token, audience=audience))

    async def claims(self, token: str, *, audience: str, nonce: str | None = None) -> Mapping[str, Any]:
        """What the token says, once signature, issuer, audience and times are found good."""
        if len(token) > TOKEN_LENGTH_MAX:
            raise NotRecognised(f"a signed token may have at most {TOKEN_LENGTH_MAX} characters")
        algorithms = list(self._settings.oidc_algorithms)
        try:
            header = jws.extract_compact(token.encode()).headers()
            if header.get("alg") not in algorithms:
                raise NotRecognised(f"its signature must be one of {', '.join(algorithms)}")
            keys = await self._issuer.keys(header.get("kid"))
            decoded = jwt.decode(token, keys, algorithms=algorithms)
            self._rules(audience, nonce).validate(decoded.claims)
        except (JoseError, ValueError, TypeError) as error:
            raise NotRecognised(f"the signed token is not good ({type(error).__name__}: {error})") from error
        return decoded.claims

    def _rules(self, audience: str, nonce: str | None) -> jwt.JWTClaimsRegistry:
        rules: dict[str, Any] = {
            "iss": {"essential": True, "value": self._issuer.url},
            "aud": {"essential": True, "value": audience},
            "exp": {"essential": True},
            "sub": {"essential": True},
        }
        if nonce is not None:
            rules["nonce"] = {"essential": True, "value": nonce}
        return jwt.JWTClaimsRegistry(
            now=lambda: int(self._clock_s()), leeway=int(self._settings.oidc_clock_skew_s), **rules
        )

    def person(self, claims: Mapping[str, Any]) -> Principal:
        """Raises ``NotRecognised`` where no group of the person is granted anything."""
        settings = self._settings
        groups = claims.get(settings.oidc_groups_claim, [])
        listed = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
        granted = [grant for grant in settings.oidc_grants if grant.group in listed]
        if not granted:
            raise NotRecognised("none of your groups is granted anything (setting oidc_grants)")
        name = PERSON + self._name(claims)
        return Principal(name, f"person:{claims['sub']}", _widest_common(granted))

    def _name(self, claims: Mapping[str, Any]) -> str:
        """A mail address that nobody has verified is what its owner says it is: the subject then."""
        claim = self._settings.oidc_name_claim
        said = claims.get(claim)
        if claim == "email" and claims.get("email_verified") is False:
            said = None
        text = said if isinstance(said, str) and said else str(claims["sub"])
        return "".join(c if "!" <= c <= "~" else "?" for c in text)[:NAME_LENGTH_MAX]


def _widest_common(granted: list[Any]) -> Grant:
    """
    One grant of several: all their scopes, on the fleets that every one of them reaches.

    A planner of one fleet who reads all of them must not plan for all: a pair of scope and fleet that no
    group was granted is never granted. So where fleets differ, the fleets of all are what is common.
    """
    scopes = frozenset(scope for grant in granted for scope in grant.scopes)
    fleets: frozenset[str] | None = None
    for grant in granted:
        if "*" not in grant.fleets:
            found = frozenset(grant.fleets)
            fleets = found if fleets is None else fleets & found
    return Grant(scopes, fleets)


async def _json(url: str) -> dict[str, Any]:
    """A JSON object of the issuer, of bounded size; redirects are not followed."""
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_S) as client, client.stream("GET", url) as answer:
            content = b""
            async for part in answer.aiter_bytes():
                content += part
                if len(content) > ANSWER_BYTES_MAX:
                    raise IssuerAway(f"{url} answered with more than {ANSWER_BYTES_MAX} bytes")
            answer.raise_for_status()
        found = httpx.Response(200, content=content).json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise IssuerAway(f"{url}: {error!r}") from error
    if not isinstance(found, dict):
        raise IssuerAway(f"{url} answered with no JSON object")
    return found
