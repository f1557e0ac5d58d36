r"""
How long the GPUs need to catch up: when a request like one just refused would be answered in time.

With :math:`n_m` requests of model m waiting, :math:`T_m` its target batch, G GPUs here, :math:`u_g` what is
left of the batches that GPU g holds, :math:`\rho` the load offered in the last five seconds, that of refused
requests included:

.. math::
    W &= \tfrac{1}{G} \Big( \sum_m n_m \ell_m(T_m) / T_m + \sum_g u_g \Big) \qquad\text{(backlog)} \\
    t_m &= \max(0,\; W - (budget_m - \ell_m(1)),\; 5\,\mathrm{s} \cdot (\rho - 1))

The first is exact where nothing more arrives: then the backlog has drained to what the request's own SLO
allows it to wait. The second is the time that the GPUs lack for all that was asked of them, refused or not:
clients who all came back earlier would only be refused again.
"""

from __future__ import annotations

import numpy as np

from dispatcher.core.rates import BUCKET_US
from dispatcher.core.state import RATE_BUCKETS, State

SPAN_US = RATE_BUCKETS * BUCKET_US


def catching_up_us(state: State, m: int, now_us: int) -> int | None:
    """Microseconds until a request of the model would be in time; None where no GPU is here."""
    gpus = int(state.totals[0]["gpus_here"])
    if gpus == 0:
        return None
    model, table = state.model, state.latency_us[state.totals[0]["fastest"]]
    batch = np.clip(model["target"], 1, model["batch_max"])
    each_us = table[model["curve"] + batch] / batch
    held = state.gpu[(state.gpu["is_here"] == 1) & (state.gpu["batches"] > 0)]
    left_us = np.maximum(0, held["free_us"] - now_us) + np.where(
        held["batches"] > 1, held["next_execution_us"], 0
    )
    backlog_us = (float((model["count"] * each_us).sum()) + float(left_us.sum())) / gpus
    may_wait_us = int(model[m]["budget_us"]) - int(table[model[m]["curve"] + 1])
    load = float((model["arrivals"] * each_us).sum()) / (SPAN_US * gpus)
    return round(max(0.0, backlog_us - may_wait_us, SPAN_US * (load - 1)))
