r"""
Whether a fleet's load is still the one that its active plan was made for; then that plan is left in peace.

Searches are cut by the clock and many plans cost all but the same: planned afresh, an unchanged load moves
a third of what is loaded every night (decision 14). So where a run names no ``replan_worth_min`` and the
load is steady,

.. math::
    \sum_{m,e} t_e |\lambda_{me} - \lambda^a_{me}| \le \frac{1}{10} \sum_{m,e} t_e \lambda^a_{me},

that rule is ``WORTH_STEADY``. :math:`\lambda` and :math:`\lambda^a` are the middles of what is asked now
and of what the active plan was made for, without headroom, epochs of :math:`t_e` hours matched by the time
of the day: headroom that grows makes no other load. A load that really moves is planned as before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from planner.demand.forecast import Forecast, ForecastEpoch
from planner.service.plan_demand import PlanDemand
from planner.store.records import PlanDocuments
from planner.store.store import UnitOfWork

STEADY_SHARE = 0.1
WORTH_STEADY = 0.5
RULE = "replan_worth_min"

Rates = Mapping[str, npt.NDArray[np.float64]]


def policy_of_a_replan(
    work: UnitOfWork,
    policy: Mapping[str, Any],
    active: PlanDocuments | None,
    forecast: Forecast,
    planned: PlanDemand | None,
) -> dict[str, Any]:
    """``policy`` with the rule of a steady load; as it is where it names one, or no plan is active."""
    if active is None or RULE in policy:
        return dict(policy)
    before = middles_of_plan(work, active)
    epochs = [ForecastEpoch(datetime.fromisoformat(e["start"]), e["hours"]) for e in active.problem["epochs"]]
    changed = changed_share(forecast.epochs, _middles(forecast, planned), epochs, before)
    return {**policy, RULE: WORTH_STEADY} if changed <= STEADY_SHARE else dict(policy)


def changed_share(
    epochs: Sequence[ForecastEpoch], rates: Rates, epochs_before: Sequence[ForecastEpoch], before: Rates
) -> float:
    """The left side of the module's formula over the right one's sum; infinite where nothing was asked."""
    horizon, last = Forecast("", tuple(epochs_before), ()), len(epochs_before) - 1
    found = [horizon.epoch_at(epoch.start) for epoch in epochs]
    places = [min(place, last) if at is None else at for place, at in enumerate(found)]
    hours = np.array([epoch.hours for epoch in epochs])
    none = np.zeros(len(epochs))
    off, total = 0.0, 0.0
    for model in {*rates, *before}:
        was = before[model][places] if model in before else none
        off += float(hours @ np.abs(rates.get(model, none) - was))
        total += float(hours @ was)
    return off / total if total > 0 else float("inf")


def middles_of_plan(work: UnitOfWork, plan: PlanDocuments) -> Rates:
    """What the plan was made for, without headroom where its run tells it apart."""
    rates = {model["id"]: np.array(model["demand_rps"]) for model in plan.problem["models"]}
    run = None if plan.summary.run_id is None else work.runs.get(plan.summary.run_id)
    if run is not None and run.demand is not None:
        said = {model["model"]: np.array(model["middle_rps"]) for model in run.demand["models"]}
        rates |= {model: middle for model, middle in said.items() if model in rates}
    return rates


def _middles(forecast: Forecast, planned: PlanDemand | None) -> Rates:
    if planned is None:
        return {row.model: np.array(row.demand_rps) for row in forecast.models}
    return {model.model: np.array(model.middle_rps) for model in planned.models}
