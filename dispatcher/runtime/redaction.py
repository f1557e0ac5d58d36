"""
Secrets are cut out of every line that is logged, wherever they come from.

Two nets: values under a telling name, and texts that have the form of a secret, which also catches
those in exceptions and in what libraries say.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

CUT = "[redacted]"
TELLING = re.compile(
    r"^(.*[_-])?(authorization|cookie|set-cookie|token|secret|password|passwd|api[_-]?key|code_verifier)$",
    re.IGNORECASE,
)
_FORMS = (
    (re.compile(r"(fermata_[a-z2-7]{10}_)[0-9a-f]{16,64}"), r"\1" + CUT),
    (re.compile(r"((?:fermata_session|fermata_sign_in)=)[^;\s'\"]+"), r"\1" + CUT),
    (re.compile(r"\b(Bearer|Basic)(\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), r"\1\2" + CUT),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), CUT),
    (re.compile(r"(whsec_)[A-Za-z0-9+/=_-]+"), r"\1" + CUT),
    (re.compile(r"(://[^/\s:@]*:)[^@\s/]+(@)"), r"\1" + CUT + r"\2"),
    (
        re.compile(
            r"(\b(?:authorization|cookie|set-cookie|client_secret|secret|password|code_verifier|code|id_token"
            r"|access_token)\b['\"]?\s*(?:[:=,]|=>)\s*b?['\"]?)(?!\[redacted\])[^\s'\",;&}\])]{6,}",
            re.IGNORECASE,
        ),
        r"\1" + CUT,
    ),
)


def redacted(text: str) -> str:
    for form, instead in _FORMS:
        text = form.sub(instead, text)
    return text


def redact_event(_logger: object, _name: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """A processor of structlog; to stand last before what renders."""
    return {key: CUT if TELLING.match(key) and value else _redact(value) for key, value in event.items()}


def _redact(value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, bytes):
        return redacted(value.decode("utf-8", "replace"))
    if isinstance(value, Mapping):
        return {
            key: CUT if isinstance(key, str) and TELLING.match(key) and each else _redact(each)
            for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [_redact(each) for each in value]
    return value


class RedactingFormatter(logging.Formatter):
    """The standard library's formatter; the whole line is looked at, its exception too."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))
