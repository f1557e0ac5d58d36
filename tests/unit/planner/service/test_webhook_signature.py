"""Signatures of deliveries, against an independent reckoning."""

from __future__ import annotations

import base64
import hashlib
import hmac

from planner.service.webhooks.signature import TOLERANCE_S, is_signed, new_secret, sign

BODY = b'{"type":"plan.waiting"}'
NOW_S = 1_780_000_000


def test_the_signature_is_that_of_standard_webhooks() -> None:
    secret = "whsec_" + base64.b64encode(b"k" * 32).decode()
    expected = hmac.new(b"k" * 32, b"d1.1780000000." + BODY, hashlib.sha256).digest()
    assert sign(secret, "d1", NOW_S, BODY) == "v1," + base64.b64encode(expected).decode()


def test_secrets_are_long_and_never_the_same() -> None:
    first, second = new_secret(), new_secret()
    assert first != second
    assert len(base64.b64decode(first.removeprefix("whsec_"))) == 32


def test_anything_changed_or_old_is_not_believed() -> None:
    secret = new_secret()
    signature = sign(secret, "d1", NOW_S, BODY)

    def believed(**changes: object) -> bool:
        facts: dict[str, object] = {
            "secret": secret,
            "delivery_id": "d1",
            "timestamp": str(NOW_S),
            "signatures": signature,
            "body": BODY,
            "now_s": NOW_S + 5,
        }
        return is_signed(**(facts | changes))  # type: ignore[arg-type]

    assert believed()
    assert believed(signatures=f"v2,abc {signature}")
    assert not believed(body=BODY + b" ")
    assert not believed(delivery_id="d2")
    assert not believed(timestamp=str(NOW_S + 1))
    assert not believed(timestamp="٣")
    assert not believed(secret=new_secret())
    assert not believed(secret="whsec_not base64")
    assert not believed(signatures="")
    assert not believed(now_s=NOW_S + TOLERANCE_S + 1)
