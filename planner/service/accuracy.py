"""Past hours held against what was said of them: by planners, and by the measured forecast as of then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from planner.demand.accuracy import Accuracy, accuracy
from planner.demand.forecast import ForecastSource
from planner.demand.foretold import HOUR, Floats, foretold, whole_hour
from planner.demand.measured.forecast import ORIGINS_A_DAY, rolling_forecasts
from planner.service.measured_demand import observed_rates
from planner.store.store import Store, UnitOfWork
from profiles.faults import Fault, InputInvalid

DAYS_DEFAULT, DAYS_MAX = 7, 28
LEARNING_DAYS = 28  # of load before the days asked for, from which the measured forecast learns
MODELS_MAX = 2_000
PEOPLE = frozenset({ForecastSource.PLANNER, ForecastSource.IMPORT})


@dataclass(frozen=True, slots=True)
class AccuracyRequest:
    """
    Days of [since, until); by default the seven that end with the newest observed hour. ``largest``: only so
    many models, those with the most load then.
    """

    models: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    largest: int | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    ``rows`` by model, those with the most load first; the arrays are (models, hours) in their order, NaN at
    gaps. The measured forecast of an hour was made at the beginning of its day, of what was known then.
    ``left_out`` counts the models that were heard of and are not among the largest.
    """

    since: datetime | None
    until: datetime | None
    rows: tuple[Accuracy, ...]
    observed: Floats
    planner: Floats
    low: Floats
    measured: Floats
    high: Floats
    left_out: int = 0


def comparison(store: Store, request: AccuracyRequest) -> Comparison:
    """Raises ``InputInvalid`` for a time that is empty or longer than ``DAYS_MAX`` days."""
    with store.reading() as work:
        newest = work.observed.newest()
        until = request.until or (None if newest is None else newest + HOUR)
        if until is None:
            nothing = np.zeros((0, 0))
            return Comparison(None, None, (), *(nothing,) * 5)
        until = whole_hour(until)
        since = whole_hour(request.since) if request.since else until - timedelta(days=DAYS_DEFAULT)
        hours = int((until - since) // HOUR)
        if not 1 <= hours <= DAYS_MAX * 24:
            limit = f"must be after since, {since.isoformat()}, by at most {DAYS_MAX} days"
            raise InputInvalid("request", [Fault("until", repr(until.isoformat()), limit)])
        models = list(request.models) or sorted(work.registry.model_ids())[:MODELS_MAX]
        left_out = 0
        if request.largest is not None and len(models) > request.largest:
            heard = _by_load(models, observed_rates(work, models, until, hours))
            models, left_out = heard[: request.largest], max(0, len(heard) - request.largest)
        return replace(_compared(work, models, since, hours), left_out=left_out)


def _by_load(models: Sequence[str], observed: Floats) -> list[str]:
    """Those that were heard of, the most load first."""
    heard = np.flatnonzero(np.isfinite(observed).any(axis=1))
    order = heard[np.argsort(-np.nansum(observed[heard], axis=1), kind="stable")]
    return [models[index] for index in order.tolist()]


def _compared(work: UnitOfWork, models: Sequence[str], since: datetime, hours: int) -> Comparison:
    until = since + HOUR * hours
    learning = LEARNING_DAYS * 24
    rates = observed_rates(work, models, until, learning + hours)
    observed = rates[:, learning:]
    heard = np.flatnonzero(np.isfinite(observed).any(axis=1))
    heard = heard[np.argsort(-np.nansum(observed[heard], axis=1), kind="stable")]
    names = [models[index] for index in heard.tolist()]
    observed = observed[heard]
    said = foretold(work.forecasts.overlapping(since, until), names, since, hours, PEOPLE)
    low, middle, high = _measured(rates[heard], learning, hours)
    rows = tuple(accuracy(names, observed, said, (low, middle, high)))
    return Comparison(since, until, rows, observed, said, low, middle, high)


def _measured(rates: Floats, begin: int, hours: int) -> tuple[Floats, Floats, Floats]:
    """Day by day from ``begin`` on, each day foretold at its beginning."""
    if not len(rates):  # nobody was heard
        nothing = np.zeros((0, hours))
        return nothing, nothing, nothing
    stride = 24 // ORIGINS_A_DAY
    days = -(-hours // 24)
    origins = np.arange(begin % stride, begin + days * 24 - 23, stride)
    found = rolling_forecasts(rates, origins, 24, day=24)
    chosen = np.flatnonzero((origins >= begin) & ((origins - begin) % 24 == 0))
    low, middle, high = (
        values[:, chosen].reshape(len(rates), len(chosen) * 24)[:, :hours]
        for values in (found.low, found.middle, found.high)
    )
    return low, middle, high
