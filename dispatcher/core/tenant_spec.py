"""A tenant as the scheduler sees it."""

from __future__ import annotations

from dataclasses import dataclass

WEIGHT_MAX = 1_000_000
PRIORITY_MAX = 100
TENANTS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class TenantSpec:
    """
    One of those whose requests share the GPUs.

    Parameters
    ----------
    weight
        Its share of GPU time in overload, relative to the others of its priority.
    priority
        In overload a higher priority is served first, whatever the weights.
    """

    tenant_id: str
    weight: int = 1
    priority: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.weight <= WEIGHT_MAX:
            raise ValueError(f"{self.tenant_id}: weight must be in 1..{WEIGHT_MAX}, got {self.weight}.")
        if not 0 <= self.priority <= PRIORITY_MAX:
            raise ValueError(f"{self.tenant_id}: priority must be in 0..{PRIORITY_MAX}, got {self.priority}.")


EVERYONE = (TenantSpec("everyone"),)
"""A single tenant is never limited."""
