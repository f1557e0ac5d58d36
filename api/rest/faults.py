"""Pydantic's complaints as faults: field, value, limit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dispatcher.contract.reading import shown
from profiles.faults import Fault

_WORDS = (
    (re.compile(r"^Field required$"), "is required"),
    (re.compile(r"^Extra inputs are not permitted$"), "unknown field"),
    (re.compile(r"^(Value|Assertion) error, "), ""),
    (re.compile(r"^Input should be "), "must be "),
    (re.compile(r"^Input should have "), "must have "),
    (re.compile(r"^(String|List|Value|Tuple|Dictionary) should "), "must "),
)


def faults_of_errors(errors: Iterable[Mapping[str, Any]], prefix: str = "") -> list[Fault]:
    """Each of ``ValidationError.errors()`` (or FastAPI's) as a fault, its path below ``prefix``."""
    return [_fault(error, prefix) for error in errors]


def _fault(error: Mapping[str, Any], prefix: str) -> Fault:
    location = list(error["loc"])
    if error["type"] == "json_invalid":
        at = f" (character {location[-1]}: {error.get('ctx', {}).get('error', 'unreadable')})"
        return Fault("(whole)", "what cannot be read", "must be valid JSON" + at)
    if location and location[0] in ("body", "path", "query", "header"):
        location = location[1:]
    missing = error["type"] == "missing"
    value = "nothing" if missing else shown(error.get("input"))
    return Fault(path_of(location, prefix), value, _limit(str(error["msg"])))


def path_of(location: Sequence[str | int], prefix: str = "") -> str:
    """``("models", 3, "slo_ms")`` below ``[0]`` as ``[0].models[3].slo_ms``."""
    path = prefix
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path or "(whole)"


def _limit(message: str) -> str:
    for pattern, word in _WORDS:
        message = pattern.sub(word, message)
    return message
