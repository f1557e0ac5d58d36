r"""
How much of a sub-cluster's GPU time may be planned with: :math:`\rho(n, c_v, w)`.

Requests arrive at random, so GPUs planned full would be late. What absorbs a burst is what n GPUs can
execute before the first of its requests is due: :math:`C = n w` requests, w being what one GPU
executes within the SLO in its best batches. Arrivals of variation :math:`c_v` deviate over such a time
by about :math:`c_v \sqrt C`; so their deviation relative to C is

.. math:: x = c_v / \sqrt{n w}, \qquad 1/\rho = 1 + a x + b x^2

The linear term is square-root staffing (Halfin and Whitt 1981, "Heavy-traffic limits for queues with
many exponential servers"); the quadratic one the variance that a queue has to wait for (Kingman 1961, "The
single server queue in heavy traffic"). The factors are fitted to simulations of the dispatcher
(docs/studies/capacity-model.md); what the formula misses the certificate finds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from planner.problem.usable_share_fit import LINEAR, QUADRATIC

REQUESTS_PER_SLO_LEAST = 2.0
"""For callers that know no better: a GPU on which batches of one only just keep the SLO."""

ARRIVAL_CV_LEAST = 0.3  # the study has none steadier


def usable_share(
    gpus: ArrayLike, arrival_cv: ArrayLike, requests_per_slo: ArrayLike = REQUESTS_PER_SLO_LEAST
) -> NDArray[np.float64]:
    r"""
    Share of ``gpus`` GPUs that may be planned busy, in (0, 1); never falls as GPUs are added.

    Parameters
    ----------
    gpus
        GPUs of the sub-cluster, at least 1; the arguments broadcast.
    arrival_cv
        Coefficient of variation of inter-arrival times; 1 is Poisson; at least ``ARRIVAL_CV_LEAST``.
    requests_per_slo
        Requests that one GPU executes within the SLO, at least ``REQUESTS_PER_SLO_LEAST``.
    """
    capacity = np.asarray(gpus, dtype=np.float64) * np.maximum(REQUESTS_PER_SLO_LEAST, requests_per_slo)
    deviation = np.maximum(ARRIVAL_CV_LEAST, arrival_cv) / np.sqrt(capacity)
    return np.asarray(1 / (1 + LINEAR * deviation + QUADRATIC * deviation**2), dtype=np.float64)
