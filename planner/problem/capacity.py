r"""
What a model costs in GPUs: the mathematics that formulation, verification and certificate share.

Symbols     :math:`\ell(b)` latency of a batch of b on one GPU, :math:`n` GPUs of the sub-cluster,
            :math:`S` the SLO less the fixed delays ``ctrl`` and ``resp``, :math:`\delta` the delay
            ``data`` of one request's input, :math:`r` requests per second.
Batch       Batches start staggered, so a request that just misses one waits
            :math:`\ell(b)/n` for the next: :math:`(1 + 1/n)\,\ell(b) + b\delta \le S`.
Mean batch  Under deferral a batch grows until one more request would make its head late:
            :math:`\bar b = \min(b,\; 1 + r\,(S - \bar b\delta - \ell(\bar b + 1)))`, at least 1.
Load        :math:`u = r\,\ell(\bar b)/\bar b`, GPUs busy on average.
Source      Staggered execution and deferral: Chen et al. 2023, arXiv 2308.07470, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dispatcher.core.delays import Delays
from planner.problem.problem import GpuType, GpuTypeId, Model, ModelProfile, PlanningProblem
from planner.problem.usable_share import usable_share

US_PER_S = 1e6
FITS_EVERYWHERE = 2**31 - 1
DEARER_AT_MOST = 1e-3  # a batch is promised smaller than possible only for more than that
_ROUNDING = 1e-9  # GiB and microseconds: binary noise of decimal inputs


@dataclass(frozen=True, slots=True, eq=False)
class BatchLaw:
    r"""
    One profile under one SLO: which batches are possible and which fill.

    Attributes
    ----------
    latency_us
        float64, shape ``(batch_size_max + 2,)``: :math:`\ell(b)`; entry 0 is 0, the last continues
        the slope before it.
    gpus_least
        int64, shape ``(batch_size_max + 1,)``: fewest GPUs with which a batch of b keeps the
        SLO, ``FITS_EVERYWHERE`` where none does. Never falls with b.
    fill_rps
        float64, shape ``(batch_size_max + 1,)``: least rate at which the mean batch reaches b.
    requests_per_slo
        Requests that one GPU executes within the SLO in the best of the possible batches,
        :math:`\max_b S\,b/\ell(b)`; 0 where none is possible.
    has_steps
        Whether a request costs more in some batch than in a smaller one.
    """

    latency_us: NDArray[np.float64]
    gpus_least: NDArray[np.int64]
    fill_rps: NDArray[np.float64]
    requests_per_slo: float
    has_steps: bool
    budget_us: int
    data_us: int

    @property
    def batch_size_max(self) -> int:
        return len(self.gpus_least) - 1

    def batch_sizes(self, gpus: ArrayLike) -> NDArray[np.int64]:
        """Largest batch that keeps the SLO with so many GPUs; 0 where none does."""
        return np.searchsorted(self.gpus_least[1:], np.asarray(gpus), side="right").astype(np.int64)

    def mean_batch(self, rate_rps: ArrayLike, batch_size: ArrayLike) -> NDArray[np.float64]:
        r"""Mean batch under deferral at a rate, :math:`\bar b`; the arguments broadcast."""
        rate = np.asarray(rate_rps, dtype=np.float64)
        whole = np.searchsorted(self.fill_rps[1:], rate, side="right")
        inside = np.minimum(whole, self.batch_size_max)
        step = self.latency_us[np.minimum(inside + 2, self.batch_size_max + 1)] - self.latency_us[inside + 1]
        spare_us = self.budget_us - inside * self.data_us - self.latency_us[inside + 1]
        arrivals = rate / US_PER_S
        part = (arrivals * spare_us - (inside - 1)) / (1 + arrivals * (self.data_us + step))
        filled = np.where(whole >= self.batch_size_max, whole, inside + np.clip(part, 0.0, 1.0))
        return np.asarray(np.minimum(np.maximum(filled, 1.0), batch_size), dtype=np.float64)

    def load_gpus(self, rate_rps: ArrayLike, batch_size: ArrayLike) -> NDArray[np.float64]:
        r"""GPUs kept busy, :math:`u = r\,\ell(\bar b)/\bar b`; the arguments broadcast."""
        mean = self.mean_batch(rate_rps, batch_size)
        latency_us = np.interp(mean, np.arange(len(self.latency_us)), self.latency_us)
        return np.asarray(np.asarray(rate_rps) / US_PER_S * latency_us / mean, dtype=np.float64)

    def cheapest_batch(self, rate_rps: ArrayLike, largest: ArrayLike) -> NDArray[np.int64]:
        """
        For each of ``largest``: of the batches up to it, the one to promise at these rates.

        It is the largest that costs the busiest epoch at most ``DEARER_AT_MOST`` more than the cheapest does;
        a smaller one than ``largest`` only where the curve has steps. 0 for 0.
        """
        most = np.asarray(largest, dtype=np.int64)
        sizes = np.arange(1, int(most.max(initial=0)) + 1)
        if not len(sizes):
            return np.zeros_like(most)
        busiest = self.load_gpus(np.atleast_1d(rate_rps)[None, :], sizes[:, None]).max(axis=1, initial=0.0)
        good = busiest <= np.minimum.accumulate(busiest) * (1 + DEARER_AT_MOST)
        chosen = np.maximum.accumulate(np.where(good, sizes, 0))
        return np.asarray(np.concatenate([[0], chosen])[most], dtype=np.int64)

    def usable_share(self, gpus: ArrayLike, arrival_cv: ArrayLike) -> NDArray[np.float64]:
        r"""Share of so many GPUs that arrivals of that variation may keep busy, :math:`\rho(n, c_v, w)`."""
        return usable_share(gpus, arrival_cv, self.requests_per_slo)


def batch_law(model: Model, gpu_type: GpuTypeId, delays: Delays) -> BatchLaw:
    """The model's batches on a GPU type; KeyError where it has no profile for it."""
    return _batch_law(model.profiles[gpu_type], slo_us(model), delays)


@lru_cache(maxsize=16_384)
def _batch_law(profile: ModelProfile, slo: int, delays: Delays) -> BatchLaw:
    largest = profile.batch_size_max
    table = profile.curve.table_us(largest)
    slope = table[-1] - table[-2]
    latency_us = np.append(table, table[-1] + slope).astype(np.float64)
    sizes = np.arange(largest + 1)
    budget_us = slo - delays.ctrl_us - delays.resp_us
    spare_us = budget_us - sizes * delays.data_us - table
    possible = spare_us > 0
    gpus_least = np.full(largest + 1, FITS_EVERYWHERE, dtype=np.int64)
    gpus_least[possible] = np.maximum(1, -(-table[possible] // spare_us[possible]))
    waiting_us = budget_us - sizes * delays.data_us - latency_us[1:]
    fill_rps = np.full(largest + 1, np.inf)
    np.divide((sizes - 1) * US_PER_S, waiting_us, out=fill_rps, where=waiting_us > 0)
    fill_rps[:2] = 0.0
    per_us = sizes[1:] / latency_us[1:-1]
    per_slo = budget_us * float(per_us[possible[1:]].max(initial=0.0))
    for array in (latency_us, gpus_least, fill_rps):
        array.setflags(write=False)
    has_steps = bool((np.diff(per_us) < 0).any())
    return BatchLaw(latency_us, gpus_least, fill_rps, per_slo, has_steps, budget_us, delays.data_us)


def slo_us(model: Model) -> int:
    """The SLO in whole microseconds, rounded down."""
    return int(model.slo_ms * 1_000 + _ROUNDING * 1_000)


def latency_needed_us(model: Model, gpu_type: GpuTypeId, batch_size: int, gpus: int, delays: Delays) -> float:
    r"""Worst wait, transfer and execution, :math:`(1 + 1/n)\,\ell(b) + ctrl + b\delta + resp`, in us."""
    latency_us = float(model.profiles[gpu_type].curve.latency_us(batch_size))
    return latency_us * (1 + 1 / gpus) + delays.lead_us(batch_size) + delays.resp_us


def latency_feasible(model: Model, gpu_type: GpuTypeId, batch_size: int, gpus: int, delays: Delays) -> bool:
    """Whether batches of that size keep the SLO on that many GPUs."""
    law = batch_law(model, gpu_type, delays)
    return 1 <= batch_size <= law.batch_size_max and int(law.gpus_least[batch_size]) <= gpus


def batch_size_feasible(model: Model, gpu_type: GpuTypeId, gpus: int, delays: Delays) -> int:
    """Largest batch that keeps the SLO on ``gpus`` GPUs; 0 where not even one request does."""
    if gpu_type not in model.profiles or gpus < 1:
        return 0
    return int(batch_law(model, gpu_type, delays).batch_sizes(gpus))


def batch_size_in_memory(profile: ModelProfile, gpu_type: GpuType) -> int:
    """Largest batch whose workspace fits beside the model's own weights; 0 where the weights do not fit."""
    free_gib = gpu_type.usable_gib - profile.weights_gib + _ROUNDING
    if free_gib < 0:
        return 0
    if profile.workspace_gib_per_item * profile.batch_size_max <= free_gib:
        return profile.batch_size_max
    return int(free_gib / profile.workspace_gib_per_item)


def batch_size_planned(problem: PlanningProblem, model: Model, gpu_type: GpuTypeId, gpus: int) -> int:
    """The batch a plan promises a model alone, in its SLO and its workspace in memory; 0 for none."""
    if gpu_type not in model.profiles:
        return 0
    in_memory = batch_size_in_memory(model.profiles[gpu_type], problem.gpu_types[gpu_type])
    largest = min(in_memory, batch_size_feasible(model, gpu_type, gpus, problem.policy.delays))
    law = batch_law(model, gpu_type, problem.policy.delays)
    return int(law.cheapest_batch(model.demand_rps, largest))


def mean_batch(
    model: Model, gpu_type: GpuTypeId, rate_rps: ArrayLike, batch_size: int, delays: Delays
) -> NDArray[np.float64]:
    """Mean batch that deferral forms of ``rate_rps`` when it may form up to ``batch_size``."""
    return batch_law(model, gpu_type, delays).mean_batch(rate_rps, batch_size)


def load_gpus(
    model: Model, gpu_type: GpuTypeId, rate_rps: ArrayLike, batch_size: int, delays: Delays
) -> NDArray[np.float64]:
    """GPUs kept busy by ``rate_rps`` of the model; same shape as ``rate_rps``."""
    return batch_law(model, gpu_type, delays).load_gpus(rate_rps, batch_size)


def need_gpus(
    model: Model, gpu_type: GpuTypeId, rate_rps: ArrayLike, batch_size: int, gpus: ArrayLike, delays: Delays
) -> NDArray[np.float64]:
    r"""
    GPUs to plan for that load in a sub-cluster of ``gpus``: :math:`u / \rho(n, c_v, w)`.

    A sub-cluster of n GPUs is large enough when the needs of its models sum to at most n;
    each model brings the spare part that its own burstiness asks for.
    """
    law = batch_law(model, gpu_type, delays)
    load = law.load_gpus(rate_rps, batch_size)
    return np.asarray(load / law.usable_share(gpus, model.arrival_cv), dtype=np.float64)
