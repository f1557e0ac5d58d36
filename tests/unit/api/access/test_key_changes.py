"""The issuer's keys: kept, asked for anew, forgotten; on a clock of the test's own."""

from __future__ import annotations

import asyncio

from api.access.oidc import ASK_AGAIN_S, KEYS_KEPT_S, Issuer
from tests.issuer import issuing


def test_keys_are_asked_for_anew_when_a_new_one_signs_and_after_an_hour() -> None:
    now_s = 0.0
    with issuing() as provider:
        issuer = Issuer(provider.url, now_s=lambda: now_s)

        def known(kid: str) -> list[str | None]:
            return [key.kid for key in asyncio.run(issuer.keys(kid)).keys]

        assert known("first") == ["first"]
        provider.rotate("second")
        assert known("second") == ["first"]
        now_s += ASK_AGAIN_S
        assert known("second") == ["second"]
        provider.rotate("third")
        now_s += KEYS_KEPT_S
        assert known("second") == ["third"]  # withdrawn, and forgotten after an hour
        assert provider.key_requests == 3
