r"""
Whether a model executes as its profile says, by the batches that dispatchers measured.

Batches are put together by intervals k of ten minutes. For each batch size b and for all sizes together:

.. math::
    r_k = \frac{\sum t_{k,b}}{\sum n_{k,b} \, \ell(b)}, \qquad
    P\bigl(r_{(j)} \le \operatorname{med}(r) \le r_{(K+1-j)}\bigr) = 1 - 2 \, F(j - 1), \qquad
    F \sim \operatorname{Bin}(K, 1/2)

n batches, t their measured time, l the registered curve, r_(1) <= .. <= r_(K) the ratios in order. The
interval between order statistics holds for any distribution (Thompson 1936, "On confidence ranges for the
median"); one interval that went wrong, or a few, move it nowhere. A profile has drifted where that interval,
at the rule's confidence shared out among the sizes tested (Bonferroni), lies wholly beyond the error allowed.

The corrected curve keeps the registered one's form. An affine one is fitted again to the medians by size
where these say what its slope is (three sizes, the largest at least twice the smallest), else scaled; of a
table each point is scaled by the ratio at its batch size, between those measured linearly, beyond them as at
the nearest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from planner.demand.load_frame import SECOND_US, Floats, LoadFrame, Source, binned, rolled_up
from profiles.fit import MAPE_MAX, least_squares, monotone
from profiles.latency import AffineCurve, LatencyCurve, TabulatedCurve

BATCH_SIZES_TO_FIT = 3
SPAN_TO_FIT = 2.0
ONE_SOURCE = (Source("", "", 0),)


@dataclass(frozen=True, slots=True)
class DriftRule:
    """
    When measurements are evidence enough.

    Parameters
    ----------
    error_min
        Relative error of the profile (a share) beyond which it is corrected. A batch planned 5 % too short
        eats a tenth of the slack of an SLO of one and a half times its latency.
    confidence
        Of the interval about the median ratio, all batch sizes together.
    interval_s
        Batches within so long count as one measurement.
    intervals_min, batches_min
        What there must be of both, in all and for a batch size to be looked at by itself.
    batches_per_interval_min
        Intervals with fewer are no measurement.
    share_min
        A batch size that drifted alone counts from this share of all batches.
    """

    error_min: float = 0.05
    confidence: float = 0.99
    interval_s: int = 600
    intervals_min: int = 8
    batches_min: int = 200
    batches_per_interval_min: int = 5
    share_min: float = 0.05


@dataclass(frozen=True, slots=True)
class MeasuredRatio:
    """
    Measured over profiled execution time: the median over ``intervals``, with its confidence interval.

    ``batch_size`` is None for all sizes together, and then the latencies are means over them.
    """

    batch_size: int | None
    batches: int
    intervals: int
    measured_ms: float
    profiled_ms: float
    ratio: float
    ratio_low: float
    ratio_high: float

    def beyond(self, error_min: float) -> bool:
        return self.ratio_low > 1 + error_min or self.ratio_high < 1 - error_min


@dataclass(frozen=True, slots=True)
class Drift:
    """
    A profile that measurements contradict.

    Parameters
    ----------
    curve
        The corrected curve.
    overall, by_batch_size
        The evidence.
    error_before, error_after
        Mean relative error of the registered and the corrected curve against the medians by size, weighted by
        batches.
    """

    curve: LatencyCurve
    overall: MeasuredRatio
    by_batch_size: tuple[MeasuredRatio, ...]
    error_before: float
    error_after: float
    since_us: int
    until_us: int


def drift(
    frame: LoadFrame, curve: LatencyCurve, batch_size_max: int, rule: DriftRule | None = None
) -> Drift | None:
    """
    What the rows of ``frame`` (all of one model on one GPU type) say of ``curve``; None: no drift is shown.
    """
    rule = rule or DriftRule()
    together = replace(frame, sources=ONE_SOURCE, source=np.zeros_like(frame.source))
    looks = rolled_up(together, rule.interval_s * SECOND_US)
    row, size, batches, execution_us = looks.latencies
    usable = (batches > 0) & (size >= 1) & (size <= batch_size_max)
    if not usable.any():
        return None
    row, size, batches, execution_us = row[usable], size[usable], batches[usable], execution_us[usable]
    profiled = {int(b): float(curve.latency_us(int(b))) for b in np.unique(size)}
    profiled_us = batches * np.array([profiled[int(b)] for b in size])

    def measured(chosen: np.ndarray[tuple[int], np.dtype[np.bool_]], tests: int) -> MeasuredRatio | None:
        at, count = row[chosen], len(looks)
        n = binned(at, batches[chosen], count)
        t = binned(at, execution_us[chosen], count)
        p = binned(at, profiled_us[chosen], count)
        enough = n >= rule.batches_per_interval_min
        return _ratio(n[enough], t[enough], p[enough], rule, tests)

    sizes = [int(b) for b in np.unique(size) if batches[size == b].sum() >= rule.batches_min]
    tests = len(sizes) + 1
    overall = measured(np.ones_like(row, dtype=np.bool_), tests)
    if overall is None:
        return None
    found = [(b, measured(size == b, tests)) for b in sizes]
    by_size = tuple(replace(one, batch_size=b) for b, one in found if one is not None)
    least = rule.share_min * overall.batches
    if not overall.beyond(rule.error_min) and not any(
        one.beyond(rule.error_min) and one.batches >= least for one in by_size
    ):
        return None
    corrected = corrected_curve(curve, overall.ratio, by_size)
    return Drift(
        corrected,
        overall,
        by_size,
        _error(curve, by_size, overall),
        _error(corrected, by_size, replace(overall, ratio=1.0)),
        int(frame.begin_us.min()),
        int(frame.end_us.max()),
    )


def median_interval(ordered: Floats, confidence: float) -> tuple[float, float] | None:
    """Confidence interval of the median by order statistics; None where there are too few values for it."""
    count = len(ordered)
    tail, term, rank = 0.0, 0.5**count, 0
    while rank < count and tail + term <= (1 - confidence) / 2:
        tail += term
        term *= (count - rank) / (rank + 1)
        rank += 1
    if rank == 0:
        return None
    return float(ordered[rank - 1]), float(ordered[count - rank])


def corrected_curve(curve: LatencyCurve, ratio: float, by_size: tuple[MeasuredRatio, ...]) -> LatencyCurve:
    """``curve`` as measured (module docstring: how); ``ratio`` is that of all sizes together."""
    if isinstance(curve, AffineCurve):
        return _fitted(by_size) or AffineCurve(curve.alpha_us * ratio, curve.beta_us * ratio)
    ratios = sorted((one.batch_size or 0, one.ratio) for one in by_size) or [(1, ratio)]
    factors = np.interp(curve.batch_sizes, [b for b, _ in ratios], [r for _, r in ratios])
    latencies = monotone(np.array(curve.latencies_us) * factors)
    return TabulatedCurve(curve.batch_sizes, tuple(float(us) for us in latencies))


def _fitted(by_size: tuple[MeasuredRatio, ...]) -> AffineCurve | None:
    points = [(one.batch_size or 0, one.measured_ms * 1_000) for one in by_size]
    if len(points) < BATCH_SIZES_TO_FIT or points[-1][0] < SPAN_TO_FIT * points[0][0]:
        return None
    fit = least_squares(points)
    return fit.curve if fit.alpha_us > 0 and fit.mape <= MAPE_MAX else None


def _ratio(n: Floats, t: Floats, p: Floats, rule: DriftRule, tests: int) -> MeasuredRatio | None:
    """None where there is too little for a verdict."""
    batches = int(n.sum())
    if len(n) < rule.intervals_min or batches < rule.batches_min:
        return None
    ratios = np.sort(t / p)
    interval = median_interval(ratios, 1 - (1 - rule.confidence) / tests)
    if interval is None:
        return None
    middle = float(median(ratios))
    profiled_ms = float(p.sum()) / batches / 1_000
    return MeasuredRatio(None, batches, len(n), profiled_ms * middle, profiled_ms, middle, *interval)


def _error(curve: LatencyCurve, by_size: tuple[MeasuredRatio, ...], overall: MeasuredRatio) -> float:
    """Against the medians by size; where no size was measured enough by itself, of all together."""
    total = sum(one.batches for one in by_size)
    if not total:
        return abs(1 / overall.ratio - 1)
    errors = (
        one.batches * abs(curve.latency_us(one.batch_size or 1) / (one.measured_ms * 1_000) - 1)
        for one in by_size
    )
    return math.fsum(errors) / total
