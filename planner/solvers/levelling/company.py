"""Which models live beside each other, and which moves the rules allow: all of them taken as hard."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from planner.problem.rules import UNLIMITED, RuleTables
from planner.problem.tables import CapacityTables


def tied(rules: RuleTables) -> set[int]:
    """Models that stay where they are put: alone in a sub-cluster, in a named one, spread over zones."""
    pinned = np.array([pin is not None for pin in rules.pinned], dtype=bool)
    return set(map(int, np.flatnonzero(rules.dedicated | pinned | (rules.zones_min > 1))))


@dataclass(slots=True, eq=False)
class Company:
    """``members`` of each place, and the models that may not live beside a model, for those that have any."""

    members: list[set[int]]
    rivals: dict[int, set[int]]
    dedicated: set[int]
    models_max: int

    @classmethod
    def of(cls, tables: CapacityTables, members: Sequence[Collection[int]]) -> Company:
        rivals: dict[int, set[int]] = {}
        for group in tables.rules.exclusions:
            for m in map(int, group):
                rivals.setdefault(m, set()).update(int(other) for other in group if other != m)
        alone = set(map(int, np.flatnonzero(tables.rules.dedicated)))
        return cls([set(here) for here in members], rivals, alone, tables.rules.models_max)

    @property
    def is_open(self) -> bool:
        """Whether no rule says who lives beside whom."""
        return not self.rivals and not self.dedicated and self.models_max >= UNLIMITED

    def admits(self, coming: Collection[int], leaving: Collection[int], k: int) -> bool:
        """Whether these models may come to place k once those have left it."""
        if self.is_open:
            return True
        after = self.members[k].difference(leaving).union(coming)
        return (
            len(after) <= max(self.models_max, len(self.members[k]))
            and (len(after) == 1 or not self.dedicated & after)
            and not any(self.rivals[m] & after for m in coming if m in self.rivals)
        )

    def move(self, coming: Collection[int], leaving: Collection[int], k: int) -> None:
        self.members[k].difference_update(leaving)
        self.members[k].update(coming)
