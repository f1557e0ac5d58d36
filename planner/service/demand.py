"""Submit forecasts, and look at them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from planner.demand.forecast import Forecast, ForecastEpoch, ForecastSource
from planner.demand.resolved import ResolvedForecast, resolve
from planner.service.errors import ForecastNotFound
from planner.service.preconditions import NO_PRECONDITION, Precondition
from planner.service.submission import Submission
from planner.store.records import ForecastSummary
from planner.store.store import Store, UnitOfWork
from profiles.faults import Fault, InputInvalid


def submit_forecasts(
    store: Store,
    submission: Submission[Forecast],
    *,
    actor: str,
    given: Precondition = NO_PRECONDITION,
) -> list[ForecastSummary]:
    """
    Store new forecasts; each gets its own id, whatever its name.

    Of one entry, ``given`` must hold of the forecast that it corrects: nobody corrects unseen what another
    has corrected meanwhile. Raises ``InputInvalid``, ``PreconditionFailed``.
    """
    with store.writing() as work:
        entries = submission.accepted({"model": work.registry.model_ids()})
        _require_corrected(work, entries)
        if given != NO_PRECONDITION and len(entries) == 1:
            corrected = entries[0].corrects
            subject = "a forecast that corrects none" if corrected is None else f"forecast {corrected}"
            given.check(subject, None if corrected is None else work.forecasts.lock(corrected))
        stored = [work.forecasts.add(entry, author=actor) for entry in entries]
        for summary in stored:
            work.audit.add(
                actor=actor, action="forecast.submitted", subject=str(summary.id), models=summary.model_count
            )
        return stored


def _require_corrected(work: UnitOfWork, entries: Sequence[Forecast]) -> None:
    """Raises ``InputInvalid`` for every entry that corrects what is not there."""
    faults = [
        Fault(
            "corrects" if len(entries) == 1 else f"[{index}].corrects",
            str(entry.corrects),
            "must be the id of an earlier forecast of this fleet",
        )
        for index, entry in enumerate(entries)
        if entry.corrects is not None and work.forecasts.summary(entry.corrects) is None
    ]
    if faults:
        raise InputInvalid("forecast", faults)


def forecasts(
    store: Store, *, limit: int, before: int | None = None, source: ForecastSource | None = None
) -> list[ForecastSummary]:
    with store.reading() as work:
        return work.forecasts.newest(limit=limit, before=before, source=source)


def resolved(store: Store, start: datetime, epochs: int, hours: float) -> ResolvedForecast:
    """What the forecasts submitted so far say of ``epochs`` epochs of ``hours`` from ``start`` on."""
    with store.reading() as work:
        return resolved_cells(work, start, epochs, hours)


def resolved_cells(
    work: UnitOfWork, start: datetime, epochs: int, hours: float, *, known_at: datetime | None = None
) -> ResolvedForecast:
    """``known_at``: only what was submitted before it."""
    horizon = horizon_epochs(start, epochs, hours)
    found = work.forecasts.overlapping(horizon[0].start, horizon[-1].end, created_before=known_at)
    return resolve(found, horizon)


def horizon_epochs(start: datetime, epochs: int, hours: float) -> tuple[ForecastEpoch, ...]:
    return tuple(ForecastEpoch(start + timedelta(hours=hours * i), hours) for i in range(epochs))


def forecast(store: Store, forecast_id: int) -> tuple[ForecastSummary, Forecast]:
    """Raises ``ForecastNotFound``."""
    with store.reading() as work:
        found = work.forecasts.whole(forecast_id)
    if found is None:
        raise ForecastNotFound(forecast_id)
    return found
