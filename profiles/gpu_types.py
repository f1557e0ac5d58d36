"""Kinds of GPU: memory, what of it is kept back, and what an hour costs."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GpuType:
    """
    A kind of GPU that can be rented.

    Parameters
    ----------
    memory_gib
        Memory of one device, as sold.
    reserve_gib
        What of it models cannot use: error correction, driver, the process's own context.
    price_usd_per_hour
        On-demand list price of one GPU for one hour, the host's share included.
    price_source, memory_source
        Where the figures come from: cloud, region, instance type, date.
    """

    id: str
    memory_gib: float
    reserve_gib: float
    price_usd_per_hour: float
    price_source: str
    memory_source: str

    def __post_init__(self) -> None:
        if not (math.isfinite(self.memory_gib) and self.memory_gib > 0):
            raise ValueError(f"memory_gib must be finite and positive, got {self.memory_gib}.")
        if not 0 <= self.reserve_gib < self.memory_gib:
            raise ValueError(f"reserve_gib must be in [0, {self.memory_gib}), got {self.reserve_gib}.")
        if not (math.isfinite(self.price_usd_per_hour) and self.price_usd_per_hour >= 0):
            raise ValueError(f"price_usd_per_hour must be finite, not negative: {self.price_usd_per_hour}.")

    @property
    def usable_gib(self) -> float:
        """Memory that models may use on one GPU."""
        return self.memory_gib - self.reserve_gib
