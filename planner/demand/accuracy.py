r"""
Who was right: what a planner said, what load foretold of itself, and what came.

Only hours count for which all that is compared is known. The error of either is
:math:`\sum_t |f_t - o_t| / \sum_t o_t`, a share of the load. The one with the smaller error was right if it
was better by more than ``EVEN`` of the other's; below that both were. Whoever is off by more than
``WRONG_SHARE`` was not right however wrong the other was: then it is neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

EVEN = 0.05
WRONG_SHARE = 0.5

Floats = npt.NDArray[np.float64]


class Verdict(StrEnum):
    PLANNER = "planner"
    MODEL = "model"
    BOTH = "both"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Accuracy:
    """
    One model over some hours.

    Parameters
    ----------
    hours, hours_compared
        Hours observed; hours of them for which both had said something.
    planner_error, model_error
        Shares of the load; None where nothing can be compared, or nothing came.
    planner_bias, model_bias
        Signed: above 0 where more was foretold than came.
    inside_share
        The part of the observed hours inside the measured forecast's 90 % interval.
    verdict
        None where there is nothing to compare.
    """

    model: str
    hours: int
    hours_compared: int
    planner_error: float | None
    planner_bias: float | None
    model_error: float | None
    model_bias: float | None
    inside_share: float | None
    verdict: Verdict | None


def accuracy(
    models: Sequence[str],
    observed: Floats,
    planner: Floats,
    measured: tuple[Floats, Floats, Floats],
) -> list[Accuracy]:
    """``observed``, ``planner`` and the measured (low, middle, high) are (m, t) rates with NaN at gaps."""
    low, middle, high = measured
    out = []
    for index, model in enumerate(models):
        seen, said, told = observed[index], planner[index], middle[index]
        both = np.isfinite(seen) & np.isfinite(said) & np.isfinite(told)
        alone = np.isfinite(seen) & np.isfinite(told)
        of_planner = np.isfinite(seen) & np.isfinite(said)
        planner_error, planner_bias = _errors(seen, said, both if both.any() else of_planner)
        model_error, model_bias = _errors(seen, told, both if both.any() else alone)
        inside = (seen[alone] >= low[index][alone]) & (seen[alone] <= high[index][alone])
        out.append(
            Accuracy(
                model=model,
                hours=int(np.isfinite(seen).sum()),
                hours_compared=int(both.sum()),
                planner_error=planner_error,
                planner_bias=planner_bias,
                model_error=model_error,
                model_bias=model_bias,
                inside_share=float(inside.mean()) if alone.any() else None,
                verdict=verdict(planner_error, model_error) if both.any() else None,
            )
        )
    return out


def verdict(planner_error: float | None, model_error: float | None) -> Verdict | None:
    """The rule of the module's docstring; None where one of them is not known."""
    if planner_error is None or model_error is None:
        return None
    if min(planner_error, model_error) > WRONG_SHARE:
        return Verdict.NEITHER
    if planner_error < (1 - EVEN) * model_error:
        return Verdict.PLANNER
    if model_error < (1 - EVEN) * planner_error:
        return Verdict.MODEL
    return Verdict.BOTH


def _errors(
    observed: Floats, foretold: Floats, where: npt.NDArray[np.bool_]
) -> tuple[float | None, float | None]:
    total = float(observed[where].sum()) if where.any() else 0.0
    if total <= 0:
        return None, None
    off = foretold[where] - observed[where]
    return float(np.abs(off).sum()) / total, float(off.sum()) / total
