"""
The factors of 1 / rho = 1 + a x + b x^2 from the study.

A plan's load on a case is right when the needs of its members, ``u / rho`` each, add up to the GPUs: with phi
the members' parts of the load, 1 / share = sum phi / rho = 1 + a sum(phi x) + b sum(phi x^2). This is
linear in the factors, so they are found by quantile regression as a linear program (Koenker and
Bassett 1978, "Regression quantiles"): residuals relative to the need, ``QUANTILE`` of the cases below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from bench.capacity_model.study import Case, Loaded
from planner.problem.usable_share import REQUESTS_PER_SLO_LEAST

Floats = NDArray[np.float64]

QUANTILE = 0.8
SHARE_LEAST = 0.125  # below it single bursts decide, whatever the load: the share counts as this
HELD_OUT = 3  # every third case tests the fit and has no part in it


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """
    The study as arrays, one entry a case.

    ``linear`` and ``quadratic`` are the means of x and x^2 over the members, weighted by their load.
    """

    gpus: NDArray[np.int64]
    models: NDArray[np.int64]
    arrival_cv: Floats
    share: Floats
    linear: Floats
    quadratic: Floats
    held_out: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Factors:
    """a and b, and what of the formula remains to be said of them."""

    linear: float
    quadratic: float

    def planned(self, sample: Sample) -> Floats:
        """The share that the planner would use on each case."""
        return 1 / (1 + self.linear * sample.linear + self.quadratic * sample.quadratic)


def sample_of(measured: Sequence[tuple[Case, float]]) -> Sample:
    rows = [_row(case, share) for case, share in measured]
    gpus, models, cv, share, linear, quadratic, number = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    return Sample(gpus, models, cv, share, linear, quadratic, number % HELD_OUT == 0)


def _row(case: Case, share: float) -> tuple[int, int, float, float, float, float, int]:
    loaded = Loaded(case)
    rates = loaded.rates_rps(max(share, 0.01))
    load = np.array(
        [
            float(law.load_gpus(rate, size))
            for law, rate, size in zip(loaded.laws, rates, loaded.batch_sizes, strict=True)
        ]
    )
    part = load / load.sum()
    per_slo = np.maximum(REQUESTS_PER_SLO_LEAST, [law.requests_per_slo for law in loaded.laws])
    cv = np.array([member.arrival_cv for member in case.members])
    x = cv / np.sqrt(case.gpus * per_slo)
    return (
        case.gpus,
        len(case.members),
        float(part @ cv),
        share,
        float(part @ x),
        float(part @ x**2),
        case.number,
    )


def fit(sample: Sample) -> Factors:
    """The factors, from the cases that are not held out."""
    use = ~sample.held_out
    need = 1 / np.maximum(SHARE_LEAST, sample.share[use])
    terms = np.stack([sample.linear[use], sample.quadratic[use]], axis=1) / need[:, None]
    beyond = (need - 1) / need
    count = len(beyond)
    cost = np.concatenate([np.zeros(2), np.full(count, QUANTILE), np.full(count, 1 - QUANTILE)])
    equal = np.hstack([terms, np.eye(count), -np.eye(count)])
    bounds = [(0, None)] * len(cost)
    found = linprog(cost, A_eq=equal, b_eq=beyond, bounds=bounds, method="highs")
    return Factors(round(float(found.x[0]), 3), round(float(found.x[1]), 3))
