"""A small identity provider on loopback: discovery, keys that can be changed, codes with PKCE, tokens."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.control_plane import wait_until

CLIENT_ID = "fermata"
CLIENT_SECRET = "the-secret-of-this-server-at-the-issuer"


class TestIssuer:
    """``claims`` are those of the person who signs in next; ``key_requests`` counts askers for keys."""

    __test__ = False

    def __init__(self) -> None:
        self.url = ""
        self.key = RSAKey.generate_key(2048, {"kid": "first"})
        self.published = [self.key]
        self.key_requests = 0
        self.claims: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}

    def rotate(self, kid: str) -> None:
        """A new key takes the place of the old one."""
        self.key = ECKey.generate_key("P-256", {"kid": kid})  # type: ignore[assignment]
        self.published = [self.key]

    def token(self, *, key: Any = None, alg: str | None = None, kid: str | None = None, **claims: Any) -> str:
        key = key or self.key
        header = {"alg": alg or ("RS256" if key.key_type == "RSA" else "ES256"), "kid": kid or key.kid}
        now = int(time.time())
        standard = {"iss": self.url, "aud": CLIENT_ID, "sub": "42", "iat": now, "exp": now + 300}
        all_claims = {k: v for k, v in (standard | self.claims | claims).items() if v is not None}
        return jwt.encode(header, all_claims, key, algorithms=[header["alg"]])

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/keys", self._keys),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _discovery(self, _request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
            }
        )

    async def _keys(self, _request: Request) -> Response:
        self.key_requests += 1
        return JSONResponse({"keys": [key.as_dict(private=False) for key in self.published]})

    async def _authorize(self, request: Request) -> Response:
        """The person says yes at once."""
        query = dict(request.query_params)
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        back = urlencode({"code": code, "state": query["state"], "iss": self.url})
        return RedirectResponse(f"{query['redirect_uri']}?{back}", status_code=303)

    async def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        asked = self.codes.pop(form.get("code", ""), None)
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            asked is None
            or request.headers.get("authorization") != f"Basic {basic}"
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != form["redirect_uri"]
        ):
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        token = self.token(nonce=self.claims.get("nonce", asked["nonce"]))
        return JSONResponse({"access_token": "opaque", "token_type": "Bearer", "id_token": token})


@contextmanager
def issuing() -> Iterator[TestIssuer]:
    issuer = TestIssuer()
    server = uvicorn.Server(uvicorn.Config(issuer.app(), host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started)
        issuer.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        yield issuer
    finally:
        server.should_exit = True
        thread.join()
