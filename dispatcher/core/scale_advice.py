r"""
How many GPUs to add or give back, from what the scheduler saw.

Symbols     N GPUs that serve, p the bad rate of the last interval, D the GPUs that the recent
            rates need in batches of the target size (``observation``), h the headroom.
Up          by :math:`N p / (1 - p)` where p is above its limit: if N GPUs answer the share 1 - p,
            so many more answer the rest. GPUs that still start count as added.
To          :math:`\lceil D (1 + h) \rceil` GPUs; fewer where even those of the highest ids that
            were touched are fewer: GPUs are granted lowest id first, so idle ones gather at the end.
Down        only to the most that was wanted at any time of the holding time.
Headroom    gains :math:`g (p - p_0)` each interval: what the bad rate may be decides how
            much room bursts need. Idle GPUs cannot tell, since near saturation the
            adaptive policy fills every GPU with small batches.
Source      Chen et al. 2023, arXiv 2308.07470 (GPU use in proportion to load, so that idle GPUs and
            the bad rate can steer the number of GPUs); D and h are ours.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from dispatcher.core.observation import Observation


class Reason(StrEnum):
    """Why a number of GPUs is advised."""

    BAD_RATE = "bad_rate"  # too many requests are late, dropped or refused
    NEED = "need"  # the rates need more GPUs
    IDLE = "idle"  # GPUs were not needed for the whole holding time
    ENOUGH = "enough"  # nothing to change


@dataclass(frozen=True, slots=True)
class Advice:
    """GPUs to add, or, where negative, to give back."""

    gpus: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class ScaleRules:
    """
    Parameters of the advice; the defaults are those of ``docs/decisions/0007-scale-advice.md``.

    Parameters
    ----------
    bad_rate_max
        Above it GPUs are added at once; a share in 0..1.
    bad_rate_goal
        What the headroom is steered to; a share in 0..1.
    need_intervals
        Intervals over whose mean the need is taken.
    hold_intervals
        Intervals for which GPUs must not have been wanted before they are given back.
    headroom_start, headroom_max
        The first headroom and its limit, as shares of the need. It never falls below ``headroom_min``.
    headroom_gain
        Headroom gained in an interval for each unit of bad rate above the goal.
    spare_gpus
        GPUs beyond the highest that was touched which count as in use.
    """

    bad_rate_max: float = 0.02
    bad_rate_goal: float = 0.005
    need_intervals: int = 6
    hold_intervals: int = 24
    headroom_start: float = 0.05
    headroom_min: float = 0.0
    headroom_max: float = 1.0
    headroom_gain: float = 0.2
    spare_gpus: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.bad_rate_goal <= self.bad_rate_max < 1:
            raise ValueError(
                "need 0 < bad_rate_goal <= bad_rate_max < 1, "
                f"got {self.bad_rate_goal} and {self.bad_rate_max}."
            )
        if not -1 < self.headroom_min <= self.headroom_start <= self.headroom_max:
            raise ValueError(
                "need -1 < headroom_min <= headroom_start <= headroom_max, "
                f"got {self.headroom_min}, {self.headroom_start} and {self.headroom_max}."
            )
        for name in ("need_intervals", "hold_intervals"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}.")
        if self.headroom_gain < 0 or self.spare_gpus < 0:
            raise ValueError("headroom_gain and spare_gpus must not be negative.")


class ScaleAdvisor:
    """Remembers what it was shown; one call for each interval, intervals of equal length."""

    def __init__(self, rules: ScaleRules = ScaleRules()) -> None:
        self._rules = rules
        self._needs: deque[float] = deque(maxlen=rules.need_intervals)
        self._wanted: deque[int] = deque(maxlen=rules.hold_intervals)
        self._touched: deque[int] = deque(maxlen=rules.hold_intervals)
        self.headroom = rules.headroom_start

    def advise(self, seen: Observation, gpus: int, gpus_starting: int) -> Advice:
        """
        What to change now.

        ``gpus`` were there or asked for at the end of the interval, ``gpus_starting`` of them do
        not serve yet. At least one GPU is always kept.
        """
        rules = self._rules
        self._needs.append(seen.gpus_needed)
        self._touched.append(seen.gpus_touched)
        bad_rate = min(seen.bad / seen.arrived, 0.5) if seen.arrived else 0.0
        if seen.arrived and not gpus_starting:
            gained = rules.headroom_gain * (bad_rate - rules.bad_rate_goal)
            self.headroom = min(max(self.headroom + gained, rules.headroom_min), rules.headroom_max)
        serving = gpus - gpus_starting
        wanted = self._gpus_wanted()
        if bad_rate > rules.bad_rate_max:
            missing = math.ceil(serving * bad_rate / (1 - bad_rate) - 1e-9)
            if missing > gpus_starting and serving + missing >= wanted:
                self._wanted.append(serving + missing)
                return Advice(missing - gpus_starting, Reason.BAD_RATE)
        self._wanted.append(wanted)
        if wanted > gpus:
            return Advice(wanted - gpus, Reason.NEED)
        kept = max(self._wanted)
        if len(self._wanted) == rules.hold_intervals and kept < gpus:
            return Advice(kept - gpus, Reason.IDLE)
        return Advice(0, Reason.ENOUGH)

    def _gpus_wanted(self) -> int:
        need = sum(self._needs) / len(self._needs)
        wanted = math.ceil(need * (1 + self.headroom) - 1e-9)
        return max(1, min(wanted, max(self._touched) + self._rules.spare_gpus))
