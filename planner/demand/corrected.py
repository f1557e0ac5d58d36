r"""
The demand that the next plan is made for: the forecast, corrected by what was observed.

For each model, over the epochs e in which it was observed for t_e seconds:

.. math::
    N &= \sum_e t_e \lambda_e \quad\text{(arrivals expected)}, \qquad A = \text{arrivals observed} \\
    r &= \min(3, \max(1/3, A / N)) \\
    Z &= n / (n + k), \qquad n = \max(A, N), \quad k = 100 \max(1, c_v^2) \\
    \lambda'_e &= \lambda_e \, (1 + w Z (r - 1)), \qquad w = 1/2

Z is Buehlmann's credibility (Buehlmann 1967, "Experience rating and credibility"): many arrivals
are believed, a handful hardly, and bursty ones less. w is how far one observation may move
a plan: half way, because yesterday is not tomorrow. r is bounded so that an outage or a
burst cannot empty or triple the fleet's plan at once. The burstiness moves the same way,
:math:`c_v' = c_v + w Z (c_{v,\text{observed}} - c_v)`.

Where the forecast expected nothing (N = 0) and arrivals were seen, a ratio means nothing: the
observed epochs get w Z times the observed rate instead.

Epochs in which a measured forecast stands in (``ModelForecast.epochs_measured``) come from what was observed
already: they take no part in the sums and keep their rates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planner.demand.forecast import Forecast, ModelForecast
from planner.demand.observed import ObservedLoad, ObservedModel

RATIO_MIN = 1 / 3
RATIO_MAX = 3.0
OBSERVATION_WEIGHT = 0.5
CREDIBILITY_ARRIVALS = 100.0  # arrivals at which Poisson traffic is believed half


@dataclass(frozen=True, slots=True)
class CorrectedModel:
    """
    One model's forecast with its correction beside it.

    Parameters
    ----------
    forecast
        As it was submitted; never changed.
    demand_rps, arrival_cv
        What is planned for, one value for each epoch.
    arrived, arrivals_expected
        What was observed, and what the forecast expected over the same time.
    ratio
        ``arrived / arrivals_expected``, unbounded; None where either says nothing.
    credibility
        Z in [0, 1]: how far the observation is believed; 0 without one.
    factor
        What the forecast's rates were multiplied with.
    """

    forecast: ModelForecast
    demand_rps: tuple[float, ...]
    arrival_cv: tuple[float, ...]
    arrived: int
    arrivals_expected: float
    ratio: float | None
    credibility: float
    factor: float


@dataclass(frozen=True, slots=True)
class CorrectedDemand:
    """``models_unforecast``: models that were observed and that the forecast does not name."""

    models: tuple[CorrectedModel, ...]
    models_unforecast: tuple[str, ...]


def corrected_demand(forecast: Forecast, observed: Mapping[int, ObservedLoad]) -> CorrectedDemand:
    """
    Join ``forecast`` with the load observed in some of its epochs (module docstring: the rule).

    ``observed`` maps an epoch's index to what was measured in it, as ``observe_by_epoch`` gives it.
    A model that was not observed keeps its forecast.
    """
    models = tuple(
        _corrected(
            row, {e: load.models[row.model] for e, load in observed.items() if row.model in load.models}
        )
        for row in forecast.models
    )
    named = {row.model for row in forecast.models}
    seen = {model for load in observed.values() for model, found in load.models.items() if found.arrived}
    return CorrectedDemand(models, tuple(sorted(seen - named)))


def _corrected(row: ModelForecast, observed: Mapping[int, ObservedModel]) -> CorrectedModel:
    measured = set(row.epochs_measured)
    observed = {epoch: found for epoch, found in observed.items() if epoch not in measured}
    arrived = sum(found.arrived for found in observed.values())
    expected = sum(found.observed_s * row.demand_rps[epoch] for epoch, found in observed.items())
    seen_cv = _observed_cv(observed)
    trust = _credibility(max(arrived, expected), row.arrival_cv_mean if seen_cv is None else seen_cv)
    step = OBSERVATION_WEIGHT * trust
    rates = list(row.demand_rps)
    factor = 1.0
    if expected > 0:
        ratio = arrived / expected
        factor = 1 + step * (min(RATIO_MAX, max(RATIO_MIN, ratio)) - 1)
        rates = [rate if e in measured else rate * factor for e, rate in enumerate(rates)]
    else:
        ratio = None
        for epoch, found in observed.items():
            rates[epoch] = step * found.rate_rps
    cvs = row.arrival_cv if seen_cv is None else tuple(cv + step * (seen_cv - cv) for cv in row.arrival_cv)
    return CorrectedModel(row, tuple(rates), cvs, arrived, expected, ratio, trust, factor)


def _credibility(arrivals: float, arrival_cv: float) -> float:
    """Z = n / (n + k), k = 100 max(1, cv^2)."""
    return arrivals / (arrivals + CREDIBILITY_ARRIVALS * max(1.0, arrival_cv**2))


def _observed_cv(observed: Mapping[int, ObservedModel]) -> float | None:
    """Mean over the epochs, weighted by arrivals; None when no report knew it."""
    known = [(found.arrival_cv, found.arrived) for found in observed.values() if found.arrival_cv is not None]
    total = sum(arrived for _, arrived in known)
    return sum(cv * arrived for cv, arrived in known) / total if total else None
