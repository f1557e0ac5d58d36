"""
When a schedule is due: cron expressions in a time zone, days of changing clocks included.

The rule, as people expect it of cron: a **time of day** (neither minute nor hour begins with ``*``) that the
clocks skip is due at the first instant after the gap; one that they show twice is due the first time only.
What repeats (minute or hour begins with ``*``) follows elapsed time: none in an hour that is skipped, both
times in one that is repeated. Slots are instants in UTC and strictly ascend.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from planner.problem.names import nearest
from profiles.faults import Fault, InputInvalid

CRON_FIELDS = 5
CRON_LENGTH_MAX = 200
LOOK_BACK = tuple(timedelta(days=days) for days in (1 / 24, 1, 8, 32, 367, 5 * 366))
"""A slot is looked for in ever longer spans: what is due each minute is not counted through for years."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """A cron expression of five fields, read in an IANA time zone; build it by ``cadence``."""

    cron: str
    time_zone: str

    def after(self, instant: datetime) -> datetime:
        """The first slot after ``instant``."""
        return next(self._from(instant))

    def newest_due(self, after: datetime, now: datetime) -> datetime | None:
        """The last slot in (after, now]; None where there is none."""
        for span in LOOK_BACK:
            start = max(after, now - span)
            last = None
            for slot in self._from(start):
                if slot > now:
                    break
                last = slot
            if last is not None or start == after:
                return last
        return None

    def count(self, after: datetime, until: datetime, *, limit: int) -> int:
        """How many slots lie in (after, until], counted up to ``limit``."""
        found = 0
        for slot in self._from(after):
            if slot > until or found >= limit:
                break
            found += 1
        return found

    def _from(self, instant: datetime) -> Iterator[datetime]:
        """Slots after ``instant``; what the library gives twice, or from before it, is passed over."""
        last = instant.astimezone(UTC)
        for found in CronSim(self.cron, instant.astimezone(ZoneInfo(self.time_zone))):
            slot = found.astimezone(UTC)
            if slot > last:
                yield slot
                last = slot


def cadence(cron: str, time_zone: str) -> Cadence:
    """Raises ``InputInvalid`` with every fault of both."""
    faults = [*_cron_faults(cron), *_zone_faults(time_zone)]
    if faults:
        raise InputInvalid("schedule", faults)
    return Cadence(cron, time_zone)


def _cron_faults(cron: str) -> Iterator[Fault]:
    limit = "must be minute, hour, day of month, month and day of week, as in '0 2 * * *'"
    if len(cron) > CRON_LENGTH_MAX:
        yield Fault("cron", f"{len(cron)} characters", f"must have at most {CRON_LENGTH_MAX}")
    elif len(cron.split()) != CRON_FIELDS:
        yield Fault("cron", repr(cron), limit)
    else:
        try:
            next(CronSim(cron, datetime(2026, 1, 1, tzinfo=UTC)))
        except CronSimError as error:
            yield Fault("cron", repr(cron), f"{limit} ({str(error).lower()})")
        except StopIteration:
            yield Fault("cron", repr(cron), "must be due some day")


def _zone_faults(time_zone: str) -> Iterator[Fault]:
    known = available_timezones()
    if time_zone not in known:
        yield Fault("time_zone", repr(time_zone), f"must be an IANA time zone{nearest(time_zone, known)}")
