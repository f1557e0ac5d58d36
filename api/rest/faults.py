"""Pydantic's complaints as faults: field, value, limit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

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


def place_of(error: Mapping[str, Any]) -> str:
    """Which part of a request one of FastAPI's errors is about: body, query, path or header."""
    location = error["loc"]
    return str(location[0]) if location and location[0] in ("path", "query", "header") else "body"


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
    return Fault(path_of([_step(part) for part in location], prefix), value, _limit(str(error["msg"])))


_PLAIN = re.compile(r"^[A-Za-z_][A-Za-z0-9_-]*$")
_STEP = re.compile(r"""\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|\.?([A-Za-z_][A-Za-z0-9_-]*)""")


def pointer_of(path: str) -> str | None:
    """A fault's path as a JSON Pointer (RFC 6901) in a URI fragment; None for one that is no such path."""
    pointer, at = "#", 0
    while path != "(whole)" and at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            return None
        index, quoted, plain = step.groups()
        part = json.loads(quoted) if quoted else index or plain
        pointer += "/" + quote(part.replace("~", "~0").replace("/", "~1"), safe="~!$&'()*+,;=:@")
        at = step.end()
    return pointer


def path_of(location: Sequence[str | int], prefix: str = "") -> str:
    """``("models", 3, "slo_ms")`` below ``[0]`` as ``[0].models[3].slo_ms``."""
    path = prefix
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += part if part.startswith("[") or not path else f".{part}"
    return path or "(whole)"


def _step(part: str | int) -> str | int:
    """A name of the client's own in quotes, lest a point in it look like another step."""
    return part if isinstance(part, int) or _PLAIN.match(part) else f"[{json.dumps(part)}]"


def _limit(message: str) -> str:
    for pattern, word in _WORDS:
        message = pattern.sub(word, message)
    return message
