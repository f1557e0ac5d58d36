"""What was asked for and what was acknowledged: kept by the clients, apart from every server and database."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Write:
    """
    One write, however often it had to be sent.

    ``answer`` is what acknowledged it (None: nobody did, it may be stored or not), ``refusal`` a final no.
    """

    kind: str
    key: str
    content: Any
    attempts: int = 0
    answer: Any = None
    refusal: str | None = None

    @property
    def is_acknowledged(self) -> bool:
        return self.answer is not None


@dataclass
class Journal:
    writes: dict[tuple[str, str], Write] = field(default_factory=dict)

    def open(self, kind: str, key: str, content: Any) -> Write:
        write = Write(kind, key, content)
        if (kind, key) in self.writes:
            raise ValueError(f"{kind} {key} was written before")
        self.writes[kind, key] = write
        return write

    def of_kind(self, kind: str) -> Iterator[Write]:
        return (write for write in self.writes.values() if write.kind == kind)

    def acknowledged(self, kind: str) -> list[Write]:
        return [write for write in self.of_kind(kind) if write.is_acknowledged]

    def counts(self) -> dict[str, dict[str, int]]:
        """By kind: how many were acknowledged, refused, neither; and how many were sent more than once."""
        found: dict[str, Counter[str]] = {}
        for write in self.writes.values():
            count = found.setdefault(write.kind, Counter())
            count["acknowledged" if write.is_acknowledged else "refused" if write.refusal else "unknown"] += 1
            count["repeated"] += write.attempts > 1
        return {kind: dict(count) for kind, count in sorted(found.items())}

    def refusals(self) -> list[str]:
        return sorted({write.refusal for write in self.writes.values() if write.refusal})

    def save(self, path: Path) -> None:
        """One JSON object a line."""
        lines = [json.dumps(asdict(write)) for write in self.writes.values()]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
