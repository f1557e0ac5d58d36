"""
The sign-in of a person with an identity provider: authorization code with PKCE.

What must be known again when the person comes back (state, nonce, verifier, where to go) waits in a cookie of
the very browser that began: nothing is stored for strangers, and nobody can finish what another began.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import asdict, dataclass
from hashlib import sha256
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import httpx

from api.access.oidc import TIMEOUT_S, Issuer, IssuerAway, People
from api.settings import Settings
from planner.service.access import Principal
from planner.service.tokens import NotRecognised


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in on its way."""

    state: str
    nonce: str
    verifier: str
    go_to: str

    def to_cookie(self) -> str:
        return urlencode(asdict(self))

    @classmethod
    def of_cookie(cls, text: str) -> Begun | None:
        found = {name: values[0] for name, values in parse_qs(text, max_num_fields=8).items()}
        try:
            return cls(**found)
        except TypeError:
            return None


class OidcSignIn:
    """Begins and finishes sign-ins at one issuer."""

    def __init__(self, settings: Settings, issuer: Issuer, people: People) -> None:
        self._settings = settings
        self._issuer = issuer
        self._people = people

    async def begin(self, *, redirect_uri: str, go_to: str) -> tuple[str, Begun]:
        """Where to send the browser, and what its cookie must hold. Raises ``IssuerAway``."""
        begun = Begun(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), go_to)
        endpoints = await self._issuer.endpoints()
        query = {
            "response_type": "code",
            "client_id": self._settings.oidc_client_id,
            "redirect_uri": redirect_uri,
            "scope": self._settings.oidc_scope,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": challenge(begun.verifier),
            "code_challenge_method": "S256",
        }
        join = "&" if urlsplit(endpoints.authorization).query else "?"
        return endpoints.authorization + join + urlencode(query), begun

    async def finish(self, begun: Begun | None, query: dict[str, str], *, redirect_uri: str) -> Principal:
        """Who signed in. Raises ``NotRecognised``, ``IssuerAway``."""
        state = query.get("state", "")
        if begun is None or not hmac.compare_digest(begun.state.encode(), state.encode()):
            raise NotRecognised("this browser did not begin this sign-in, or too long ago; begin anew")
        if query.get("iss", self._issuer.url) != self._issuer.url:
            raise NotRecognised("the answer comes from another issuer")
        if "error" in query or "code" not in query:
            raise NotRecognised(f"the issuer refused: {query.get('error', 'no code')[:100]}")
        token = await self._id_token(query["code"], begun, redirect_uri)
        claims = await self._people.claims(token, audience=self._settings.oidc_client_id, nonce=begun.nonce)
        if claims.get("azp", self._settings.oidc_client_id) != self._settings.oidc_client_id:
            raise NotRecognised("the signed token was made for another client")
        return self._people.person(claims)

    async def _id_token(self, code: str, begun: Begun, redirect_uri: str) -> str:
        """The code for a signed token; the secret, if there is one, goes as RFC 6749 section 2.3.1 says."""
        endpoints = await self._issuer.endpoints()
        settings = self._settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": settings.oidc_client_id,
            "code_verifier": begun.verifier,
        }
        secret = settings.oidc_client_secret
        auth = None
        if secret is not None:
            auth = httpx.BasicAuth(quote(settings.oidc_client_id), quote(secret.get_secret_value()))
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_S, auth=auth) as client:
                answer = await client.post(endpoints.token, data=form)
            found = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise IssuerAway(f"{endpoints.token}: {type(error).__name__}") from error
        if 400 <= answer.status_code < 500:
            raise NotRecognised(f"the issuer refused the code with status {answer.status_code}")
        token = found.get("id_token") if isinstance(found, dict) else None
        if not answer.is_success or not isinstance(token, str):
            raise IssuerAway(f"{endpoints.token} answered {answer.status_code} and no id_token")
        return token


def challenge(verifier: str) -> str:
    """S256 of RFC 7636, section 4.2."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
