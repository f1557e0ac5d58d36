"""What a simulation found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.outbox import DEADLINE_UNREACHABLE, GPUS_BUSY, OVER_SHARE, QUEUE_FULL, WINDOW
from dispatcher.simulation.loop import DROPPED, EXECUTED, Fleet, Requests

US_PER_MS = 1e3
US_PER_S = 1e6


PERCENTILES = (50, 90, 99)


@dataclass(frozen=True, slots=True)
class Percentiles:
    """The times that half, 90 % and 99 % of the requests do not exceed; None where nothing was served."""

    p50: float | None
    p90: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class ModelResult:
    """
    One model over the measured interval, by the requests that arrived in it.

    ``arrived = served_in_time + late + dropped + rejected``. ``dropped`` is the sum of
    ``dropped_unreachable`` and ``dropped_window``. ``rejected`` counts those refused on arrival: they
    found the queue full, every GPU busy until too late, or their tenant beyond its share.
    ``latency_ms`` is from arrival to answer, ``queueing_ms`` from arrival to the start of
    execution. Batches count by the start of execution; ``gpus_busy_mean`` is the model's
    execution time divided by the interval, ``gpus_touched`` counts the GPUs that served its requests.
    """

    model_id: str
    arrived: int
    offered_rps: float
    goodput_rps: float
    bad_rate: float
    served_in_time: int
    late: int
    dropped: int
    dropped_unreachable: int
    dropped_window: int
    rejected: int
    rejected_queue_full: int
    rejected_gpus_busy: int
    rejected_over_share: int
    batches: int
    batch_size_mean: float
    gpus_busy_mean: float
    gpus_touched: int
    latency_ms: Percentiles
    queueing_ms: Percentiles


@dataclass(frozen=True, slots=True)
class TenantResult:
    """One tenant over the measured interval, by its requests of all models."""

    tenant_id: str
    arrived: int
    offered_rps: float
    goodput_rps: float
    bad_rate: float
    rejected_over_share: int


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """
    A whole run over the measured interval of ``duration_s``.

    ``bad_rate`` is the share of the requests that were late, dropped or rejected, over all
    models and for the model where it is largest. Counts and latencies are those of all models together.
    ``gpus_busy_mean`` is execution time divided by the interval, ``gpu_busy_share`` that
    divided by ``gpu_count``; ``gpus_touched`` executed anything at all. ``hold_factor`` is
    the scheduler's at the end; ``tenants`` is empty where there is only one.
    """

    duration_s: float
    gpu_count: int
    arrived: int
    offered_rps: float
    goodput_rps: float
    bad_rate: float
    worst_model_bad_rate: float
    dropped: int
    rejected: int
    late: int
    batch_size_mean: float
    latency_ms: Percentiles
    gpus_busy_mean: float
    gpu_busy_share: float
    gpus_touched: int
    hold_factor: float
    models: tuple[ModelResult, ...]
    tenants: tuple[TenantResult, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain objects, no number that is not finite."""
        return asdict(self)


def summarise(
    model_ids: list[str],
    requests: Requests,
    fleet: Fleet,
    resp_us: int,
    hold_factor: float,
    tenant_ids: Sequence[str] = (),
) -> SimulationResult:
    """Count and sort what the loop wrote down."""
    from_us, to_us = (int(each) for each in fleet.measured_us)
    first, last = np.searchsorted(requests.arrival_us, [from_us, to_us])
    measured = _selected(requests, slice(first, last))
    duration_s = (to_us - from_us) / US_PER_S
    order = np.argsort(measured.model_index, kind="stable")
    ends = np.searchsorted(measured.model_index[order], np.arange(len(model_ids) + 1))
    models = tuple(
        _model_result(
            model_id,
            _selected(measured, order[ends[m] : ends[m + 1]]),
            fleet.tally[m],
            resp_us,
            duration_s,
        )
        for m, model_id in enumerate(model_ids)
    )
    arrived = sum(each.arrived for each in models)
    served = sum(each.served_in_time for each in models)
    gpus_busy = float(fleet.gpu["busy_us"].sum()) / US_PER_S / duration_s
    return SimulationResult(
        duration_s=duration_s,
        gpu_count=len(fleet.gpu),
        arrived=arrived,
        offered_rps=arrived / duration_s,
        goodput_rps=served / duration_s,
        bad_rate=_share(arrived - served, arrived),
        worst_model_bad_rate=max((each.bad_rate for each in models), default=0.0),
        dropped=sum(each.dropped for each in models),
        rejected=sum(each.rejected for each in models),
        late=sum(each.late for each in models),
        batch_size_mean=_share(int(fleet.tally["requests"].sum()), int(fleet.tally["batches"].sum())),
        latency_ms=_percentiles_ms(_latency_us(measured, resp_us)),
        gpus_busy_mean=gpus_busy,
        gpu_busy_share=gpus_busy / len(fleet.gpu) if len(fleet.gpu) else 0.0,
        gpus_touched=int((fleet.gpu["executed"] > 0).sum()),
        hold_factor=hold_factor,
        models=models,
        tenants=tuple(
            _tenant_result(tenant_id, _selected(measured, measured.tenant_index == t), duration_s)
            for t, tenant_id in enumerate(tenant_ids)
            if len(tenant_ids) > 1
        ),
    )


def _tenant_result(tenant_id: str, requests: Requests, duration_s: float) -> TenantResult:
    arrived = len(requests.outcome)
    in_time = int(((requests.outcome == EXECUTED) & (requests.finish_us <= requests.deadline_us)).sum())
    return TenantResult(
        tenant_id=tenant_id,
        arrived=arrived,
        offered_rps=arrived / duration_s,
        goodput_rps=in_time / duration_s,
        bad_rate=_share(arrived - in_time, arrived),
        rejected_over_share=int((requests.outcome == DROPPED + OVER_SHARE).sum()),
    )


def _selected(requests: Requests, which: slice | NDArray[np.int64] | NDArray[np.bool_]) -> Requests:
    return Requests(
        arrival_us=requests.arrival_us[which],
        deadline_us=requests.deadline_us[which],
        model_index=requests.model_index[which],
        tenant_index=requests.tenant_index[which],
        outcome=requests.outcome[which],
        start_us=requests.start_us[which],
        finish_us=requests.finish_us[which],
        gpu=requests.gpu[which],
    )


def _model_result(
    model_id: str, requests: Requests, tally: np.void, resp_us: int, duration_s: float
) -> ModelResult:
    executed = requests.outcome == EXECUTED
    in_time = int((executed & (requests.finish_us <= requests.deadline_us)).sum())
    unreachable, window, queue_full, gpus_busy, over_share = (
        int((requests.outcome == DROPPED + reason).sum())
        for reason in (DEADLINE_UNREACHABLE, WINDOW, QUEUE_FULL, GPUS_BUSY, OVER_SHARE)
    )
    arrived = len(executed)
    return ModelResult(
        model_id=model_id,
        arrived=arrived,
        offered_rps=arrived / duration_s,
        goodput_rps=in_time / duration_s,
        bad_rate=_share(arrived - in_time, arrived),
        served_in_time=in_time,
        late=int(executed.sum()) - in_time,
        dropped=unreachable + window,
        dropped_unreachable=unreachable,
        dropped_window=window,
        rejected=queue_full + gpus_busy + over_share,
        rejected_queue_full=queue_full,
        rejected_gpus_busy=gpus_busy,
        rejected_over_share=over_share,
        batches=int(tally["batches"]),
        batch_size_mean=_share(int(tally["requests"]), int(tally["batches"])),
        gpus_busy_mean=int(tally["busy_us"]) / US_PER_S / duration_s,
        gpus_touched=int((np.bincount(requests.gpu[executed]) > 0).sum()),
        latency_ms=_percentiles_ms(_latency_us(requests, resp_us)),
        queueing_ms=_percentiles_ms(requests.start_us[executed] - requests.arrival_us[executed]),
    )


def _latency_us(requests: Requests, resp_us: int) -> NDArray[np.int64]:
    """From arrival to answer, of the requests that were executed."""
    executed = requests.outcome == EXECUTED
    taken_us: NDArray[np.int64] = requests.finish_us[executed] - requests.arrival_us[executed]
    return taken_us + resp_us


def _percentiles_ms(times_us: NDArray[np.int64]) -> Percentiles:
    if not len(times_us):
        return Percentiles(None, None, None)
    return Percentiles(*(np.percentile(times_us, PERCENTILES) / US_PER_MS).tolist())


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
