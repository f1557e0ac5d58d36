"""Reading JSON values one field at a time, remembering every fault instead of stopping at the first."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from planner.problem.names import nearest
from profiles.faults import Fault

TEXT_LENGTH_MAX = 200
SHOWN_LENGTH_MAX = 80


@dataclass(slots=True)
class Reader:
    """
    Collects the faults of one document.

    Every method takes the path of the field for its message and returns the value, or a
    harmless stand-in when the field is at fault; ``faults`` then tells.
    """

    faults: list[Fault] = field(default_factory=list)

    def refuse(self, path: str, value: object, limit: str) -> None:
        shown = repr(value)
        if len(shown) > SHOWN_LENGTH_MAX:
            shown = shown[:SHOWN_LENGTH_MAX] + "..."
        self.faults.append(Fault(path or "document", shown, limit))

    def object_at(
        self, path: str, value: object, known: Collection[str], required: Collection[str]
    ) -> dict[str, Any]:
        """A JSON object with ``known`` fields only, ``required`` ones present; {} if it is none."""
        if not isinstance(value, Mapping):
            self.refuse(path, value, "must be an object")
            return {}
        for name in value:
            if name not in known:
                self.refuse(join(path, str(name)), value[name], "unknown field" + nearest(str(name), known))
        for name in required:
            if name not in value:
                self.faults.append(Fault(join(path, name), "nothing", "is required"))
        return dict(value)

    def items(self, path: str, value: object, *, count_min: int = 0) -> Iterator[tuple[str, object]]:
        """Each element of a JSON array with its path."""
        if not isinstance(value, list | tuple):
            self.refuse(path, value, "must be an array")
            return
        if len(value) < count_min:
            self.refuse(path, value, f"must have at least {count_min} element(s)")
        for index, item in enumerate(value):
            yield f"{path}[{index}]", item

    def text(self, path: str, value: object) -> str:
        if not isinstance(value, str) or not value.strip():
            self.refuse(path, value, "must be a text that is not empty")
            return ""
        if len(value) > TEXT_LENGTH_MAX or any(ord(c) < 32 or 0xD800 <= ord(c) <= 0xDFFF for c in value):
            self.refuse(
                path, value, f"must be at most {TEXT_LENGTH_MAX} characters, none of them a control character"
            )
            return ""
        return value

    def choice(self, path: str, value: object, allowed: Collection[str]) -> str:
        if not isinstance(value, str) or value not in allowed:
            self.refuse(path, value, "must be one of " + ", ".join(repr(a) for a in allowed))
            return next(iter(allowed))
        return value

    def number(
        self, path: str, value: object, *, above: float | None = None, least: float | None = None, most: float
    ) -> float:
        """A finite number within the limits; a boolean is none."""
        limit = _limit("a finite number", above, least, most)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(path, value, limit)
        else:
            try:
                number = float(value)
            except OverflowError:
                number = math.inf
            low = (above is None or number > above) and (least is None or number >= least)
            if math.isfinite(number) and low and number <= most:
                return number
            self.refuse(path, value, limit)
        return most if above is None and least is None else max(above or 0.0, least or 0.0) or min(1.0, most)

    def boolean(self, path: str, value: object) -> bool:
        if not isinstance(value, bool):
            self.refuse(path, value, "must be true or false")
            return False
        return value

    def integer(self, path: str, value: object, *, least: int, most: int) -> int:
        """A whole number within the limits; 3.0 is one, 3.5 and true are none."""
        whole = isinstance(value, int) and not isinstance(value, bool)
        if isinstance(value, float) and math.isfinite(value) and value == int(value):
            whole, value = True, int(value)
        if whole and isinstance(value, int) and least <= value <= most:
            return value
        self.refuse(path, value, _limit("a whole number", None, least, most))
        return least


def join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _limit(kind: str, above: float | None, least: float | None, most: float) -> str:
    parts = [f"> {above:g}"] if above is not None else []
    parts += [f">= {least:g}"] if least is not None else []
    return f"must be {kind} " + " and ".join([*parts, f"<= {most:g}"])
