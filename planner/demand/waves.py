r"""
Waves: how far a model's load swells and ebbs within the hour, beyond what its arrivals explain.

Arrivals whose inter-arrival times have the coefficient of variation c make counts that vary by
:math:`c^2 \mu` about a mean of :math:`\mu` (renewal theory; Cox 1962). A plan's certificate draws such
arrivals, so that it has GPUs for them already, and headroom for them would be paid twice. Load that rises for
minutes varies more than that. With :math:`s^2` the variance of counts about the mean of their hour and e its
standard error, the wave is the share of the rate

.. math:: w = \sqrt{\max(0, s^2 - 2 e - c^2 \mu)} / \mu, \qquad e^2 = (m_4 - s^4) / \nu

:math:`m_4` being the fourth central moment and :math:`\nu` the degrees of freedom: what may be chance is
no wave.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from planner.demand.observed_series import ObservedSeries

HOUR_S = 3_600
FREEDOM_MIN = 100  # degrees of freedom: fewer say little about a variance
COVERAGE_MIN = 0.9  # of an interval: counts of parts of it vary for other reasons
LENGTH_SLACK = 1.1  # a dispatcher that reports every minute does so every 60.01 s
DOUBT = 2.0  # standard errors that count as chance

Floats = npt.NDArray[np.float64]


def waves(series: ObservedSeries, arrival_cv: Floats) -> Floats:
    """
    (m,) the wave of each model as a share of its rate; NaN where too little is known of it.

    ``series`` begins with a whole hour and has several intervals in each; ``arrival_cv`` (m,) is the
    variation that arrivals are drawn with.
    """
    in_hour = HOUR_S // series.resolution_s
    hours = len(series.starts_us) // in_hour
    shape = (len(series.models), hours, in_hour)
    whole = (series.coverage >= COVERAGE_MIN) & (
        series.source_resolution_s <= LENGTH_SLACK * series.resolution_s
    )
    counts = np.where(whole, series.arrived / np.maximum(series.coverage, COVERAGE_MIN), np.nan)
    counts = counts[:, : hours * in_hour].reshape(shape)
    known = np.isfinite(counts)
    number = known.sum(axis=2, keepdims=True)
    mean = np.where(known, counts, 0.0).sum(axis=2, keepdims=True) / np.maximum(1, number)
    off = np.where(known, counts - mean, 0.0)
    freedom = np.maximum(0, number - 1).sum(axis=(1, 2)).astype(np.float64)
    enough = freedom >= FREEDOM_MIN
    freedom = np.maximum(freedom, 1.0)
    variance = (off**2).sum(axis=(1, 2)) / freedom
    fourth = (off**4).sum(axis=(1, 2)) / freedom
    chance = np.sqrt(np.maximum(0.0, fourth - variance**2) / freedom)
    level = np.where(known, counts, 0.0).sum(axis=(1, 2)) / np.maximum(1, known.sum(axis=(1, 2)))
    excess = np.maximum(0.0, variance - DOUBT * chance - arrival_cv**2 * level)
    share = np.divide(np.sqrt(excess), level, out=np.zeros_like(level), where=level > 0)
    out: Floats = np.where(enough, share, np.nan)
    return out
