r"""
What is planned for: demand that is exceeded no more often than was asked for.

A model's corrected rate :math:`\lambda'` gets an interval. Where enough hours are known for which both a
forecast and an observation exist, its ends are conformal quantiles of their errors
:math:`(o - \lambda' ) / (\frac12 \lambda' + \frac12 L)`, mixed with those of all models
(``planner.demand.measured.conformal``); else they are those submitted, moved along with the correction;
else there is none. The rate planned for is the q-quantile, of the errors or between middle and
high end as a normal distribution has it, and above it the waves within an hour, w of the rate
(``planner.demand.waves``), as far as the burstiness that a plan is certified with does not explain them:

.. math:: \hat\lambda = \lambda' + \sqrt{(\lambda'_q - \lambda')^2 + (z_q w \lambda')^2}.

So headroom follows from how wrong forecasts have been and how bursty the model is, and nothing is a constant:
a model of which neither is known is planned as it was submitted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from planner.demand.corrected import CorrectedModel
from planner.demand.measured.conformal import MISSED_SHARE, POOLED_DAYS, conformal_quantile
from planner.demand.trend import Trend

ERRORS_MIN = 24  # hours in which any model has one: errors of one hour say the same many times
HIGH_SCORE = NormalDist().inv_cdf(1 - MISSED_SHARE)
QUANTILE_DEFAULT = 0.8
QUANTILE_LEAST, QUANTILE_MOST = 0.5, 0.995  # less than the middle is no plan; more, no errors tell of

Floats = npt.NDArray[np.float64]


class IntervalFrom(StrEnum):
    ERRORS = "errors"
    SUBMITTED = "submitted"
    MEASURED = "measured"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class PlannedModel:
    """
    One model's demand as a run takes it.

    Parameters
    ----------
    forecast_rps
        As submitted; None where the model is in no forecast and its load alone was asked.
    low_rps, middle_rps, high_rps
        The corrected interval.
    demand_rps
        What is planned for.
    corrected, growth_per_day
        How the forecast was corrected; None and 0 for a measured one.
    errors
        Hours of this model that the interval's ends rest on.
    wave
        How far the load swells within the hour, a share of the rate; 0 where nothing is known of it.
    epochs_measured
        Epochs that no forecast speaks for, and that a measured one was made for.
    """

    model: str
    forecast_rps: tuple[float, ...] | None
    low_rps: tuple[float, ...]
    middle_rps: tuple[float, ...]
    high_rps: tuple[float, ...]
    demand_rps: tuple[float, ...]
    arrival_cv: tuple[float, ...]
    interval_from: IntervalFrom
    corrected: CorrectedModel | None = None
    growth_per_day: float = 0.0
    errors: int = 0
    wave: float = 0.0
    epochs_measured: tuple[int, ...] = ()

    def with_measured(self, measured: PlannedModel) -> PlannedModel:
        """This one with the values of ``measured``, of the same epochs, where nobody spoke."""

        def mixed(own: Sequence[float], other: Sequence[float]) -> tuple[float, ...]:
            silent = frozenset(self.epochs_measured)
            return tuple(other[e] if e in silent else value for e, value in enumerate(own))

        return replace(
            self,
            low_rps=mixed(self.low_rps, measured.low_rps),
            middle_rps=mixed(self.middle_rps, measured.middle_rps),
            high_rps=mixed(self.high_rps, measured.high_rps),
            demand_rps=mixed(self.demand_rps, measured.demand_rps),
            arrival_cv=mixed(self.arrival_cv, measured.arrival_cv),
        )


@dataclass(frozen=True, slots=True)
class ErrorQuantiles:
    """Of normalised errors: below 0 the low end, above it the high end and the planned quantile."""

    low: float
    high: float
    planned: float
    level_rps: float
    hours: int


def error_quantiles(observed: Floats, foretold: Floats, quantile: float) -> list[ErrorQuantiles | None]:
    """
    For each model of (m, t) hourly rates, NaN at gaps; None where too little is known of all of them.

    ``foretold`` is corrected already: errors are those that would be left.
    """
    level = _levels(observed)
    scale = 0.5 * foretold + 0.5 * level[:, None] + 1e-12
    errors = (observed - foretold) / scale
    pool = np.sort(errors[np.isfinite(errors)])
    if np.isfinite(errors).any(axis=0).sum() < ERRORS_MIN:
        return [None] * len(observed)
    out: list[ErrorQuantiles | None] = []
    for row, its_level in zip(errors, level, strict=True):
        own = np.sort(row[np.isfinite(row)])
        out.append(
            ErrorQuantiles(
                low=max(0.0, _mixed(-own[::-1], -pool[::-1], MISSED_SHARE)),
                high=max(0.0, _mixed(own, pool, MISSED_SHARE)),
                planned=max(0.0, _mixed(own, pool, 1 - quantile)),
                level_rps=float(its_level),
                hours=len(own),
            )
        )
    return out


def planned_model(
    corrected: CorrectedModel,
    trend: Trend,
    epoch_days: Sequence[float],
    errors: ErrorQuantiles | None,
    quantile: float,
    wave: float = 0.0,
) -> PlannedModel:
    """
    A forecast's row as it is planned for; ``epoch_days`` are its epochs' places on the trend's axis of days.

    ``wave`` is the w of the module's docstring.
    """
    row = corrected.forecast
    measured = set(row.epochs_measured)
    growth = [1.0 if e in measured else trend.factor(day) for e, day in enumerate(epoch_days)]
    middle = tuple(rate * g for rate, g in zip(corrected.demand_rps, growth, strict=True))
    if errors is not None:
        scale = [0.5 * rate + 0.5 * errors.level_rps for rate in middle]
        low = tuple(max(0.0, rate - errors.low * s) for rate, s in zip(middle, scale, strict=True))
        high = tuple(rate + errors.high * s for rate, s in zip(middle, scale, strict=True))
        ahead = [errors.planned * s for s in scale]
        interval_from = IntervalFrom.ERRORS
    else:
        factors = [g if e in measured else corrected.factor * g for e, g in enumerate(growth)]
        low = tuple(min(m, v * f) for m, v, f in zip(middle, row.lows_rps, factors, strict=True))
        high = tuple(max(m, v * f) for m, v, f in zip(middle, row.highs_rps, factors, strict=True))
        share = NormalDist().inv_cdf(quantile) / HIGH_SCORE
        ahead = [share * (top - rate) for top, rate in zip(high, middle, strict=True)]
        has_interval = row.low_rps is not None or row.high_rps is not None
        interval_from = IntervalFrom.SUBMITTED if has_interval else IntervalFrom.NOTHING
    return PlannedModel(
        model=row.model,
        forecast_rps=row.demand_rps,
        low_rps=low,
        middle_rps=middle,
        high_rps=high,
        demand_rps=with_waves(middle, ahead, wave, quantile),
        arrival_cv=corrected.arrival_cv,
        interval_from=interval_from,
        corrected=corrected,
        growth_per_day=trend.growth_per_day,
        errors=0 if errors is None else errors.hours,
        wave=wave,
        epochs_measured=row.epochs_measured,
    )


def with_waves(
    middle: Sequence[float], ahead: Sequence[float], wave: float, quantile: float
) -> tuple[float, ...]:
    """The last formula of the module's docstring; ``ahead`` is the quantile less the middle, by epoch."""
    score = NormalDist().inv_cdf(quantile)
    return tuple(
        rate + math.hypot(above, score * wave * rate) for rate, above in zip(middle, ahead, strict=True)
    )


def _levels(observed: Floats) -> Floats:
    known = np.isfinite(observed)
    total = np.where(known, observed, 0.0).sum(axis=1)
    out: Floats = total / np.maximum(1, known.sum(axis=1))
    return out


def _mixed(own: Floats, pool: Floats, alpha: float) -> float:
    """A model's own quantile and that of all, by how many days of its own there are."""
    everyone = conformal_quantile(pool, alpha)
    days = len(own) / 24
    if not days:
        return float(everyone)
    return float((days * conformal_quantile(own, alpha) + POOLED_DAYS * everyone) / (days + POOLED_DAYS))
