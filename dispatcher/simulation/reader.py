"""Reading a document field by field, remembering every fault instead of stopping at the first."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from profiles.faults import Fault

SHOWN_CHARS_MAX = 80
TEXT_CHARS_MAX = 200


@dataclass(slots=True)
class Reader:
    """
    Collects the faults of one document.

    Every method takes the path of a field and its value and gives the value, or a harmless
    one where the field is at fault.
    """

    faults: list[Fault] = field(default_factory=list)

    def refuse(self, path: str, value: object, limit: str) -> None:
        shown = repr(value)
        if len(shown) > SHOWN_CHARS_MAX:
            shown = shown[: SHOWN_CHARS_MAX - 3] + "..."
        self.faults.append(Fault(path, shown, limit))

    def fields(
        self, path: str, value: object, required: Collection[str], optional: Collection[str] = ()
    ) -> dict[str, Any]:
        """An object with these fields and no others; required ones that lack are faults."""
        if not isinstance(value, dict):
            self.refuse(path or "scenario", value, "must be an object")
            return {}
        known = [*required, *optional]
        for name in value:
            if name not in known:
                self.refuse(
                    joined(path, str(name)), value[name], f"unknown field; known are {', '.join(known)}"
                )
        for name in required:
            if name not in value:
                self.faults.append(Fault(joined(path, name), "nothing", "is required"))
        return value

    def items(self, path: str, value: object) -> Iterator[tuple[str, object]]:
        """Each element of a list that is not empty, with its path."""
        if not isinstance(value, list) or not value:
            self.refuse(path, value, "must be a list of at least one element")
            return
        for index, item in enumerate(value):
            yield f"{path}[{index}]", item

    def text(self, path: str, value: object) -> str:
        if isinstance(value, str) and 1 <= len(value) <= TEXT_CHARS_MAX and value.isprintable():
            return value
        self.refuse(path, value, f"must be a text of 1 to {TEXT_CHARS_MAX} printable characters")
        return ""

    def choice(self, path: str, value: object, allowed: Collection[str]) -> str | None:
        if isinstance(value, str) and value in allowed:
            return value
        self.refuse(path, value, f"must be one of {', '.join(allowed)}")
        return None

    def number(
        self, path: str, value: object, *, most: float, above: float | None = None, least: float = 0.0
    ) -> float:
        """A finite number > ``above``, or else >= ``least``, and <= ``most``; a boolean is none."""
        low = f"> {above:g}" if above is not None else f">= {least:g}"
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= most:
            number = float(value)
            if math.isfinite(number) and (number > above if above is not None else number >= least):
                return number
        self.refuse(path, value, f"must be a finite number {low} and <= {most:g}")
        return max(1.0, least)

    def whole(self, path: str, value: object, *, least: int, most: int) -> int:
        """A whole number within the limits; 3.0 is one, true is none."""
        if isinstance(value, float) and math.isfinite(value) and value == int(value):
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.refuse(path, value, f"must be a whole number >= {least} and <= {most}")
        return least


def joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
