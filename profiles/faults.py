"""Bad input, reported whole: every fault at once, each with field, value and limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One thing wrong with an input.

    Parameters
    ----------
    field
        Path of the offending field, as in ``models[3].slo_ms``.
    value
        What was found there, as ``repr`` would show it.
    limit
        What is allowed there: "must be a finite number > 0".
    """

    field: str
    value: str
    limit: str

    def __str__(self) -> str:
        return f"{self.field}: {self.limit}, got {self.value}"


class InputInvalid(ValueError):
    """
    An input was refused; ``faults`` lists what is wrong with it.

    ``count`` says how many faults there are in all, where there are too many to list.
    """

    def __init__(self, subject: str, faults: Sequence[Fault], *, count: int | None = None) -> None:
        self.subject = subject
        self.faults = tuple(faults)
        self.count = len(self.faults) if count is None else count
        lines = "\n".join(f"  {fault}" for fault in self.faults)
        super().__init__(f"{subject} has {self.count} fault(s):\n{lines}")
