"""A linear program with integers, collected as triplets and handed over as sparse arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
INFINITY = np.inf


@dataclass(slots=True)
class Builder:
    """Collects columns and rows; ``arrays()`` closes it."""

    column_names: list[str] = field(default_factory=list)
    column_lower: list[float] = field(default_factory=list)
    column_upper: list[float] = field(default_factory=list)
    column_integer: list[bool] = field(default_factory=list)
    row_names: list[str] = field(default_factory=list)
    row_lower: list[float] = field(default_factory=list)
    row_upper: list[float] = field(default_factory=list)
    row_starts: list[int] = field(default_factory=lambda: [0])
    indices: list[Integers] = field(default_factory=list)
    values: list[Floats] = field(default_factory=list)

    def column(self, name: str, *, lower: float = 0.0, upper: float = 1.0, integer: bool = False) -> int:
        """A new variable; returns its index."""
        self.column_names.append(name)
        self.column_lower.append(lower)
        self.column_upper.append(upper)
        self.column_integer.append(integer)
        return len(self.column_names) - 1

    def row(
        self,
        name: str,
        columns: Sequence[ArrayLike],
        coefficients: Sequence[ArrayLike],
        *,
        lower: float = -INFINITY,
        upper: float = INFINITY,
    ) -> None:
        """A new row; ``columns`` and ``coefficients`` are joined pairwise, zero coefficients left out."""
        index = np.concatenate([np.atleast_1d(np.asarray(c, dtype=np.int64)) for c in columns])
        value = np.concatenate(
            [
                np.broadcast_to(np.asarray(v, dtype=np.float64), np.atleast_1d(np.asarray(c)).shape)
                for c, v in zip(columns, coefficients, strict=True)
            ]
        )
        present = value != 0
        self.indices.append(index[present])
        self.values.append(value[present])
        self.row_starts.append(self.row_starts[-1] + int(present.sum()))
        self.row_names.append(name)
        self.row_lower.append(lower)
        self.row_upper.append(upper)

    def arrays(self) -> Arrays:
        empty = [np.zeros(0)]
        return Arrays(
            column_names=tuple(self.column_names),
            column_lower=np.array(self.column_lower),
            column_upper=np.array(self.column_upper),
            column_integer=np.array(self.column_integer, dtype=bool),
            row_names=tuple(self.row_names),
            row_lower=np.array(self.row_lower),
            row_upper=np.array(self.row_upper),
            row_starts=np.array(self.row_starts, dtype=np.int64),
            indices=np.concatenate(self.indices or empty).astype(np.int64),
            values=np.concatenate(self.values or empty).astype(np.float64),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Arrays:
    """Rows in compressed sparse row form: row i has ``indices[row_starts[i]:row_starts[i + 1]]``."""

    column_names: tuple[str, ...]
    column_lower: Floats
    column_upper: Floats
    column_integer: NDArray[np.bool_]
    row_names: tuple[str, ...]
    row_lower: Floats
    row_upper: Floats
    row_starts: Integers
    indices: Integers
    values: Floats

    @property
    def column_count(self) -> int:
        return len(self.column_names)

    @property
    def row_count(self) -> int:
        return len(self.row_names)

    def activities(self, solution: Floats) -> Floats:
        """(rows,) value of every row at a point."""
        products = self.values * solution[self.indices]
        sums = np.concatenate([[0.0], np.cumsum(products)])
        return np.asarray(sums[self.row_starts[1:]] - sums[self.row_starts[:-1]])

    def violation(self, solution: Floats) -> float:
        """By how much a point breaks a row or bound at most."""
        values = self.activities(solution)
        rows = np.maximum(self.row_lower - values, values - self.row_upper)
        columns = np.maximum(self.column_lower - solution, solution - self.column_upper)
        return float(max(rows.max(initial=0.0), columns.max(initial=0.0)))
