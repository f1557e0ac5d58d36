"""The rules that a scheduler is given: when batches start, which requests are given up."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class Policy(StrEnum):
    """When a batch that could start does start."""

    ADAPTIVE = "adaptive"  # a share of the deferral, steered by missed windows
    DEFERRED = "deferred"  # not before one more request would make the head late
    EAGER = "eager"  # as soon as a GPU is free
    LATEST = "latest"  # at the last instant that is in time for the head
    TIMEOUT = "timeout"  # when the head has waited a share of its SLO
    CLOCKWORK = "clockwork"  # eager, a few batch sizes, committed a few milliseconds ahead
    NEXUS = "nexus"  # each model on its own GPUs, packed anew each epoch
    SHEPHERD = "shepherd"  # the largest batch first, at once; smaller ones are preempted


class DropRule(StrEnum):
    """Which waiting requests are given up."""

    WINDOW = "window"  # heads that keep a batch of the target size from being in time
    HOPELESS = "hopeless"  # heads that not even a batch of one could save
    NEVER = "never"  # none: a late answer is an answer


OWN_DROP_RULES = {Policy.CLOCKWORK: DropRule.HOPELESS, Policy.SHEPHERD: DropRule.HOPELESS}
"""Of the policies whose own rule is not ``window``."""

TIME_QUANTILES = (0.5, 0.999)
"""The least and the most that ``Rules.time_quantile`` may be."""


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
    commit_ahead_us
        Under ``Policy.CLOCKWORK`` a batch is sent behind the one that executes when that one
        has at most this long to go; 5 ms by Gujarati et al. 2020 (arXiv 2006.02464).
    preemption_factor
        Under ``Policy.SHEPHERD`` a batch is preempted by one at least this many times as large;
        above 1, 3.03 by Zhang et al. 2023 (NSDI).
    time_quantile
        Execution times are taken to be this quantile of those measured, as a multiple of the profile's
        and learnt while running (``pace``); in 0.5..0.999, None to trust the profile.
    """

    policy: Policy = Policy.ADAPTIVE
    drop: DropRule | None = None
    timeout_share: float = 0.25
    commit_ahead_us: int = 5_000
    preemption_factor: float = 3.03
    time_quantile: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.timeout_share <= 1:
            raise ValueError(f"timeout_share must be in 0..1, got {self.timeout_share}.")
        if self.commit_ahead_us < 0:
            raise ValueError(f"commit_ahead_us must not be negative, got {self.commit_ahead_us}.")
        if not (math.isfinite(self.preemption_factor) and self.preemption_factor > 1):
            raise ValueError(f"preemption_factor must be finite and above 1, got {self.preemption_factor}.")
        least, most = TIME_QUANTILES
        if self.time_quantile is not None and not least <= self.time_quantile <= most:
            raise ValueError(f"time_quantile must be in {least}..{most}, got {self.time_quantile}.")

    @property
    def drop_rule(self) -> DropRule:
        """The rule that counts."""
        return OWN_DROP_RULES.get(self.policy, DropRule.WINDOW) if self.drop is None else self.drop
