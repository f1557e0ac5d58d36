"""A mapping that differs from another in a few places, without a copy of the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

Value = TypeVar("Value")


class Patched(Mapping[str, Value]):
    """``base`` with ``changes`` in the place of what it has; nothing is taken away."""

    __slots__ = ("base", "changes")

    def __init__(self, base: Mapping[str, Value], changes: dict[str, Value]) -> None:
        self.base = base
        self.changes = changes

    def get(self, name: str, default: Any = None) -> Any:
        """As of any mapping, without the detour of the inherited one."""
        return self.changes[name] if name in self.changes else self.base.get(name, default)

    def __getitem__(self, name: str) -> Value:
        return self.changes[name] if name in self.changes else self.base[name]

    def __contains__(self, name: object) -> bool:
        return name in self.changes or name in self.base

    def __iter__(self) -> Iterator[str]:
        yield from self.base
        yield from (name for name in self.changes if name not in self.base)

    def __len__(self) -> int:
        return len(self.base) + sum(name not in self.base for name in self.changes)
