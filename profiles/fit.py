r"""
From measured (batch size, latency) points to a curve, or to a refusal.

Affine fit :math:`\ell(b) = \alpha b + \beta` by weighted least squares:
minimise :math:`\sum_i w_i^2 (\alpha b_i + \beta - t_i)^2` with :math:`w_i = 1/t_i`
(relative errors count) or :math:`w_i = 1` (microseconds count), subject to :math:`\beta \ge 0`.

b batch size, t latency in microseconds, alpha and beta in microseconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from profiles.faults import Fault, InputInvalid
from profiles.latency import AffineCurve, LatencyCurve, TabulatedCurve

Points: TypeAlias = Sequence[tuple[int, float]]

BATCH_SIZES_MIN = 3
"""Distinct batch sizes an affine fit needs: two points lie on a line whatever the truth is."""

MAPE_MAX = 0.05
"""Largest mean absolute percentage error of an accepted fit (a share of the latency).
A batch planned 5 % too short eats a tenth of the slack of an SLO of one and a half times its latency;
four in five published curves keep it, and the others can be kept as tables of their points."""

REPAIR_MAX = 0.05
"""Largest change (a share of the latency) that making a table monotone may need; more is no noise."""


class Weighting(StrEnum):
    """Which error the fit makes small."""

    RELATIVE = "relative"  # percent: small batches count as much as large ones
    ABSOLUTE = "absolute"  # microseconds: ordinary least squares


@dataclass(frozen=True, slots=True)
class AffineFit:
    """
    The figures of an affine fit, acceptable or not.

    Parameters
    ----------
    mape, error_max
        Mean and largest absolute percentage error over the points, as shares.
    batch_size_min, batch_size_max
        The range that was measured.
    """

    alpha_us: float
    beta_us: float
    mape: float
    error_max: float
    points_count: int
    batch_size_min: int
    batch_size_max: int

    @property
    def curve(self) -> AffineCurve:
        """Raises ``ValueError`` unless alpha is positive."""
        return AffineCurve(self.alpha_us, self.beta_us)


@dataclass(frozen=True, slots=True)
class CurveFit:
    """The curve that stands for some points, and its mean absolute percentage error (a share)."""

    curve: LatencyCurve
    mape: float


class FitRefused(ValueError):
    """Points that no curve of the asked form describes; ``reasons`` says why, ``fit`` has the figures."""

    def __init__(self, reasons: Sequence[str], fit: AffineFit | None = None) -> None:
        self.reasons = tuple(reasons)
        self.fit = fit
        super().__init__("; ".join(self.reasons))


def least_squares(points: Points, weighting: Weighting = Weighting.RELATIVE) -> AffineFit:
    """
    Fit the affine curve and say how good it is, without judging it.

    Raises ``InputInvalid`` for fewer than three distinct batch sizes, and for a batch size or latency
    that is not a positive number.
    """
    b, t = _checked(points)
    w = 1 / t if weighting is Weighting.RELATIVE else np.ones_like(t)
    (alpha, beta), *_ = np.linalg.lstsq(np.column_stack([b, np.ones_like(b)]) * w[:, None], t * w, rcond=None)
    if beta < 0:  # a launch cannot cost less than nothing: the best line through the origin instead
        alpha, beta = float(np.sum(w * w * b * t) / np.sum(w * w * b * b)), 0.0
    errors = np.abs((alpha * b + beta) / t - 1)
    return AffineFit(
        alpha_us=float(alpha),
        beta_us=float(beta),
        mape=float(np.mean(errors)),
        error_max=float(np.max(errors)),
        points_count=len(b),
        batch_size_min=int(b.min()),
        batch_size_max=int(b.max()),
    )


def fit_affine(
    points: Points, *, weighting: Weighting = Weighting.RELATIVE, mape_max: float = MAPE_MAX
) -> AffineFit:
    """
    The affine fit, refused when it describes the points badly.

    Raises ``FitRefused`` when latency does not grow with the batch (alpha is not positive) or the mean
    absolute percentage error exceeds ``mape_max``; ``InputInvalid`` as ``least_squares`` does.
    """
    fit = least_squares(points, weighting)
    reasons = []
    if fit.alpha_us <= 0:
        reasons.append(
            f"latency does not grow with the batch: alpha is {fit.alpha_us / 1_000:.4g} ms per request"
        )
    if fit.mape > mape_max:
        reasons.append(
            f"alpha {fit.alpha_us / 1_000:.4g} ms and beta {fit.beta_us / 1_000:.4g} ms"
            f" err by {fit.mape:.1%} on the mean (MAPE) and {fit.error_max:.1%} at most;"
            f" {mape_max:.1%} on the mean is allowed"
        )
    if reasons:
        raise FitRefused(reasons, fit)
    return fit


def tabulate(points: Points, *, repair_max: float = REPAIR_MAX) -> CurveFit:
    """
    The points themselves as a curve: medians by batch size, made monotone.

    Raises ``FitRefused`` when that needs a change of more than ``repair_max`` of a latency,
    ``InputInvalid`` for a batch size or latency that is not a positive number.
    """
    b, t = _checked(points, batch_sizes_min=1)
    sizes = np.unique(b)
    medians = np.array([np.median(t[b == size]) for size in sizes])
    latencies = monotone(medians)
    repair = float(np.max(np.abs(latencies / medians - 1)))
    if repair > repair_max:
        at = int(sizes[int(np.argmax(np.abs(latencies / medians - 1)))])
        raise FitRefused(
            [
                f"latency falls as the batch grows: the point at batch size {at} would have to change by"
                f" {repair:.1%}, more than the {repair_max:.1%} that noise explains"
            ]
        )
    curve = TabulatedCurve(tuple(int(s) for s in sizes), tuple(float(x) for x in latencies))
    errors = np.abs(np.interp(b, sizes, latencies) / t - 1)
    return CurveFit(curve, float(np.mean(errors)))


def fit_curve(points: Points, *, mape_max: float = MAPE_MAX) -> CurveFit:
    """
    The affine curve where it is good enough, else the table.

    Raises ``FitRefused`` when neither will do.
    """
    try:
        fit = fit_affine(points, mape_max=mape_max)
    except (FitRefused, InputInvalid):
        return tabulate(points)
    return CurveFit(fit.curve, fit.mape)


def monotone(latencies: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    The closest sequence that never falls, in least squares: neighbours that disagree share their mean.

    Pool adjacent violators (Barlow et al. 1972, "Statistical Inference under Order Restrictions").
    """
    blocks: list[tuple[float, int]] = []  # (mean, how many)
    for value in latencies:
        mean, count = float(value), 1
        while blocks and blocks[-1][0] > mean:
            mean_before, count_before = blocks.pop()
            mean = (mean * count + mean_before * count_before) / (count + count_before)
            count += count_before
        blocks.append((mean, count))
    return np.array([mean for mean, count in blocks for _ in range(count)], dtype=np.float64)


def _checked(
    points: Points, batch_sizes_min: int = BATCH_SIZES_MIN
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    faults = []
    for index, (batch_size, latency_us) in enumerate(points):
        at = f"points[{index}]"
        if isinstance(batch_size, bool) or not (batch_size >= 1 and float(batch_size).is_integer()):
            faults.append(Fault(f"{at}.batch_size", repr(batch_size), "must be a whole number >= 1"))
        if not (math.isfinite(latency_us) and latency_us > 0):
            faults.append(Fault(f"{at}.latency_us", repr(latency_us), "must be a finite number > 0"))
    distinct = len({batch_size for batch_size, _ in points})
    if distinct < batch_sizes_min:
        faults.append(
            Fault("points", f"{distinct}", f"must have at least {batch_sizes_min} distinct batch sizes")
        )
    if faults:
        raise InputInvalid("measured points", faults)
    b, t = np.array(points, dtype=np.float64).T
    return b, t
