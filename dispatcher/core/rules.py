"""The rules that a scheduler is given: when batches start, which requests are given up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Policy(StrEnum):
    """When a batch that could start does start."""

    ADAPTIVE = "adaptive"  # a share of the deferral, steered by missed windows
    DEFERRED = "deferred"  # not before one more request would make the head late
    EAGER = "eager"  # as soon as a GPU is free
    LATEST = "latest"  # at the last instant that is in time for the head
    TIMEOUT = "timeout"  # when the head has waited a share of its SLO


class DropRule(StrEnum):
    """Which waiting requests are given up."""

    WINDOW = "window"  # heads that keep a batch of the target size from being in time
    HOPELESS = "hopeless"  # heads that not even a batch of one could save
    NEVER = "never"  # none: a late answer is an answer


@dataclass(frozen=True, slots=True)
class Rules:
    """
    How one sub-cluster is scheduled.

    Parameters
    ----------
    drop
        None stands for the rule that belongs to the policy (``drop_rule``).
    timeout_share
        Share of its SLO that a head waits under ``Policy.TIMEOUT``, in 0..1.
    """

    policy: Policy = Policy.ADAPTIVE
    drop: DropRule | None = None
    timeout_share: float = 0.25

    def __post_init__(self) -> None:
        if not 0 <= self.timeout_share <= 1:
            raise ValueError(f"timeout_share must be in 0..1, got {self.timeout_share}.")

    @property
    def drop_rule(self) -> DropRule:
        """The rule that counts."""
        return DropRule.WINDOW if self.drop is None else self.drop
