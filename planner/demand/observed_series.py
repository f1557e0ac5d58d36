"""Observed load as series in time: one value for each model and interval, and NaN where nobody reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.demand.load_frame import SECOND_US, Floats, Ints, LoadFrame, binned
from planner.demand.observed import joined_times_us


@dataclass(frozen=True, slots=True)
class ObservedSeries:
    """
    What was observed of m models in t intervals of equal length.

    Parameters
    ----------
    models
        The m ids, as asked for.
    starts_us
        (t,) int64, start of each interval, microseconds since 1970.
    resolution_s
        Length of an interval, in seconds.
    arrived
        (m, t) requests counted; NaN where nothing was reported, 0 where it was reported that none came.
    coverage
        (m, t) share of the interval for which the model's whole traffic was reported, in [0, 1]: where a
        sub-cluster takes part of it by its plan, its reports count in that proportion.
    arrival_cv
        (m, t) coefficient of variation of inter-arrival times, pooled (``load_frame``); NaN where unknown.
    bad
        (m, t) requests late, dropped or rejected; NaN as ``arrived``.
    source_resolution_s
        (m, t) the coarsest interval that the numbers come from, in seconds; NaN as ``arrived``. Where it
        exceeds ``resolution_s`` a roll-up was spread evenly over its time, and arrivals may be fractions.
    """

    models: tuple[str, ...]
    starts_us: Ints
    resolution_s: int
    arrived: Floats
    coverage: Floats
    arrival_cv: Floats
    bad: Floats
    source_resolution_s: Floats

    @property
    def rate_rps(self) -> Floats:
        """(m, t) arrivals over the time observed, in requests per second; NaN at gaps."""
        observed_s = self.coverage * self.resolution_s
        return np.divide(
            self.arrived, observed_s, out=np.full_like(self.arrived, np.nan), where=observed_s > 0
        )


def series(
    frame: LoadFrame,
    models: Sequence[str],
    since_us: int,
    until_us: int,
    resolution_s: int,
) -> ObservedSeries:
    """
    ``frame`` by intervals of ``resolution_s`` aligned to 1970: all that have a part in [since, until), whole.

    A row no longer than an interval counts whole to the one it starts in, so that sums are exact; a longer
    one is spread evenly over those it covers.
    """
    step_us = resolution_s * SECOND_US
    first = since_us // step_us
    count = max(0, -(-until_us // step_us) - first)
    index = {model: i for i, model in enumerate(models)}
    model_of = np.array([index.get(source.model, -1) for source in frame.sources], dtype=np.int64)
    model = model_of[frame.source] if len(frame) else np.zeros(0, dtype=np.int64)
    begins, ends = first * step_us, (first + count) * step_us
    rows = np.flatnonzero(
        (model >= 0) & (frame.start_us + frame.length_us > begins) & (frame.start_us < ends)
    )
    part = _parts(frame, rows, step_us, first, count)
    shape = (len(models), count)
    cell = model[part.row] * count + part.interval

    def total(values: Floats) -> Floats:
        return binned(cell, values[part.row] * part.weight, shape[0] * count).reshape(shape)

    seen = np.bincount(cell, minlength=shape[0] * count).reshape(shape) > 0
    arrived, cv_arrivals = total(_float(frame, "arrived")), total(_float(frame, "cv_arrivals"))
    bad = total(_float(frame, "late") + _float(frame, "dropped") + _float(frame, "rejected"))
    observed_us = total(_float(frame, "planned_us"))
    _add_unplanned(observed_us, frame, part, model)
    longest = np.zeros(shape[0] * count)
    np.maximum.at(longest, cell, frame.length_us[part.row] / SECOND_US)
    squares = total(frame.cv_squares)
    variation = np.sqrt(np.divide(squares, cv_arrivals, out=np.full(shape, np.nan), where=cv_arrivals > 0))
    return ObservedSeries(
        models=tuple(models),
        starts_us=(first + np.arange(count, dtype=np.int64)) * step_us,
        resolution_s=resolution_s,
        arrived=np.where(seen, arrived, np.nan),
        coverage=np.minimum(1.0, observed_us / step_us),
        arrival_cv=variation,
        bad=np.where(seen, bad, np.nan),
        source_resolution_s=np.where(seen, longest.reshape(shape), np.nan),
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    """
    Rows laid over intervals: (p,) arrays; ``weight`` is the share of the row that falls into the interval.
    """

    row: Ints
    interval: Ints
    weight: Floats


def _parts(frame: LoadFrame, rows: Ints, step_us: int, first: int, count: int) -> _Parts:
    start_us, length_us = frame.start_us[rows], frame.length_us[rows]
    spans = np.where(length_us <= step_us, 1, -(-(start_us % step_us + length_us) // step_us))
    row = np.repeat(rows, spans)
    offset = np.arange(len(row)) - np.repeat(np.cumsum(spans) - spans, spans)
    interval = np.repeat(start_us // step_us, spans) + offset
    begins = np.maximum(frame.start_us[row], interval * step_us)
    ends = np.minimum(frame.start_us[row] + frame.length_us[row], (interval + 1) * step_us)
    whole = np.repeat(spans == 1, spans)
    weight = np.where(whole, 1.0, (ends - begins) / frame.length_us[row])
    inside = (interval >= first) & (interval < first + count)
    return _Parts(row[inside], (interval - first)[inside], weight[inside])


def _float(frame: LoadFrame, name: str) -> Floats:
    return frame.column(name).astype(np.float64)


def _add_unplanned(observed_us: Floats, frame: LoadFrame, part: _Parts, model: Ints) -> None:
    """
    Where no plan says who takes what, those who report at once share the model: their joined time counts.
    """
    unplanned_us = frame.column("unplanned_us")
    chosen = np.flatnonzero(unplanned_us[part.row])
    cell = model[part.row[chosen]] * observed_us.shape[1] + part.interval[chosen]
    rows, weight = part.row[chosen], part.weight[chosen]
    begin_us = frame.begin_us[rows]
    end_us = begin_us + (frame.end_us[rows] - begin_us) * weight
    joined = joined_times_us(cell, begin_us, end_us, unplanned_us[rows] * weight, observed_us.size)
    observed_us += joined.reshape(observed_us.shape)
