"""How long observed load is kept, and at which resolution."""

from __future__ import annotations

from dataclasses import dataclass

HOUR_S = 3_600
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Level:
    """
    One resolution of roll-ups.

    Parameters
    ----------
    resolution_s
        Length of its intervals.
    period_s
        The time of one stored row, which holds all intervals of one model on one sub-cluster in it.
    """

    resolution_s: int
    period_s: int


LEVELS = (Level(60, HOUR_S), Level(600, DAY_S), Level(3_600, DAY_S))
"""1 minute, 10 minutes, 1 hour; before them, reports stay as they came."""


@dataclass(frozen=True, slots=True)
class Retention:
    """
    How long each resolution is kept, in seconds, before it is rolled up into the next; hours are then
    deleted.

    What is kept is kept at least that long: a roll-up takes whole rows of the next level.
    """

    as_reported_s: float = HOUR_S
    minutes_s: float = DAY_S
    ten_minutes_s: float = 14 * DAY_S
    hours_s: float = 400 * DAY_S

    def __post_init__(self) -> None:
        times = (self.as_reported_s, self.minutes_s, self.ten_minutes_s, self.hours_s)
        if not 0 <= times[0] <= times[1] <= times[2] <= times[3]:
            raise ValueError(f"a coarser resolution must be kept at least as long, got {times} s.")

    def due_s(self, now_s: float) -> tuple[int, int, int]:
        """
        For each level, the instant before which load belongs into it or a coarser one, in seconds since 1970.

        It lies on the border of the level's rows, so that each is written once but for what comes late.
        """
        first, second, third = (
            int((now_s - kept_s) // level.period_s * level.period_s)
            for kept_s, level in zip(
                (self.as_reported_s, self.minutes_s, self.ten_minutes_s), LEVELS, strict=True
            )
        )
        return first, second, third

    def expired_s(self, now_s: float) -> int:
        """The instant before which hours are deleted."""
        period_s = LEVELS[-1].period_s
        return int((now_s - self.hours_s) // period_s * period_s)
