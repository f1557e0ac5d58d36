"""The arrivals of one sub-cluster in one epoch: the forecast's rates and variation, drawn from a seed."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.model_spec import ModelSpec
from dispatcher.simulation.arrivals import gamma_arrivals, merged
from planner.certify.counting import STRETCHES
from planner.plan.plan import SubCluster
from planner.problem.capacity import slo_us
from planner.problem.problem import PlanningProblem

REQUESTS_PER_REPLICATION = 20_000
REQUESTS_PER_MODEL = 100  # of the slowest model, as far as REQUESTS_PER_REPLICATION_MAX allows
REQUESTS_PER_REPLICATION_MAX = 200_000
REPLICATION_S_MIN, REPLICATION_S_MAX = 5.0, 1_200.0
SLOS_PER_STRETCH = 2  # a dispatcher forgets within an SLO or two; as far as INDEPENDENT_S_MAX allows
INDEPENDENT_S_MAX = 10.0
WARMUP_S_MAX = 5.0  # the window of the scheduler's mean rate
WARMUP_SHARE = 0.5  # of the measured interval, where that is less
ARRIVAL_CV_MIN = 0.05  # all but equal times; the gamma shape of 0 would be infinite
US_PER_S = 1e6
REQUESTS_KEPT_MAX = 4_000_000  # of drawn arrivals, to be run on other GPU counts too: 48 MB


def model_specs(problem: PlanningProblem, cluster: SubCluster) -> list[ModelSpec]:
    """The sub-cluster's models as the scheduler sees them, in the order of its placements."""
    specs = []
    for placement in cluster.placements:
        model = problem.models[placement.model]
        table = model.profiles[cluster.gpu_type].curve.table_us(placement.batch_size)
        specs.append(ModelSpec(model.id, slo_us(model), table))
    return specs


def gamma_shape(arrival_cv: float) -> float:
    """The shape of gamma inter-arrival times with that coefficient of variation; at least a tiny one."""
    return 1 / max(arrival_cv, ARRIVAL_CV_MIN) ** 2


class Traffic:
    """
    The same arrivals for every GPU count tried: replication k of an epoch has a seed of its own.

    What is drawn is kept as far as ``REQUESTS_KEPT_MAX`` allows, and drawn again beyond it.
    """

    def __init__(
        self, problem: PlanningProblem, cluster: SubCluster, epoch: int, seed: int, duration_s: float | None
    ) -> None:
        models = [problem.models[p.model] for p in cluster.placements]
        self.rates_rps = [
            m.demand_rps[epoch] * p.share[epoch] for m, p in zip(models, cluster.placements, strict=True)
        ]
        self.total_rps = float(sum(self.rates_rps))
        self._slo_s_max = max((slo_us(model) for model in models), default=0) / US_PER_S
        self._shapes = [gamma_shape(model.arrival_cv) for model in models]
        self._entropy = [seed, zlib.crc32(cluster.id.encode()), epoch]
        self._measured_s = duration_s
        self._kept: dict[int, tuple[NDArray[np.int64], NDArray[np.int32]]] = {}

    @property
    def measured_us(self) -> tuple[int, int]:
        """The measured interval of a replication: after the warm-up, for as long as enough requests take."""
        measured_s = self._measured_s or self._long_enough_s()
        warmup_s = min(WARMUP_S_MAX, WARMUP_SHARE * measured_s)
        return round(warmup_s * US_PER_S), round((warmup_s + measured_s) * US_PER_S)

    def arrivals(self, replication: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Of all models, ``(arrival_us, model_index)``, ordered by time."""
        if replication in self._kept:
            return self._kept[replication]
        random = np.random.default_rng([*self._entropy, replication])
        until_us = self.measured_us[1]
        drawn = merged(
            [
                gamma_arrivals(random, rate, shape, until_us)
                for rate, shape in zip(self.rates_rps, self._shapes, strict=True)
            ]
        )
        if sum(len(times) for times, _ in self._kept.values()) + len(drawn[0]) <= REQUESTS_KEPT_MAX:
            self._kept[replication] = drawn
        return drawn

    def _long_enough_s(self) -> float:
        slowest_rps = min(rate for rate in self.rates_rps if rate > 0)
        wanted_s = max(REQUESTS_PER_REPLICATION / self.total_rps, REQUESTS_PER_MODEL / slowest_rps)
        capped_s = min(wanted_s, REQUESTS_PER_REPLICATION_MAX / self.total_rps)
        independent_s = min(STRETCHES * SLOS_PER_STRETCH * self._slo_s_max, INDEPENDENT_S_MAX)
        return min(max(capped_s, independent_s, REPLICATION_S_MIN), REPLICATION_S_MAX)
