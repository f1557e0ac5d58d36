"""
Signatures of webhook deliveries, as Standard Webhooks has them.

A delivery carries ``webhook-id`` (the same at every attempt: receivers keep it to drop repetitions),
``webhook-timestamp`` (seconds since 1970, of this attempt) and ``webhook-signature``
(``v1,`` and the base64 of HMAC-SHA256 over ``ID.TIMESTAMP.BODY``).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from hashlib import sha256

SECRET_PREFIX = "whsec_"
SECRET_BYTES = 32
TOLERANCE_S = 300
VERSION = "v1"


def new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(secret: str, delivery_id: str, timestamp_s: int, body: bytes) -> str:
    """The value of ``webhook-signature``."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{delivery_id}.{timestamp_s}.".encode() + body
    return f"{VERSION}," + base64.b64encode(hmac.digest(key, signed, sha256)).decode()


def is_signed(
    secret: str, delivery_id: str, timestamp: str, signatures: str, body: bytes, *, now_s: float
) -> bool:
    """
    Whether a receiver may believe the delivery: signed with the secret, and not long ago.

    ``signatures`` may hold several, separated by blanks. All values are those of the headers, unread.
    """
    if not timestamp.isascii() or not timestamp.isdigit() or abs(now_s - int(timestamp)) > TOLERANCE_S:
        return False
    try:
        expected = sign(secret, delivery_id, int(timestamp), body)
    except (binascii.Error, ValueError):
        return False
    return any(
        hmac.compare_digest(expected.encode(), one.encode("utf-8", "replace")) for one in signatures.split()
    )
