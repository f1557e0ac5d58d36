"""What a simulation found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.outbox import DEADLINE_UNREACHABLE, QUEUE_FULL, WINDOW
from dispatcher.simulation.loop import DROPPED, EXECUTED, Fleet, Requests

US_PER_MS = 1e3
US_PER_S = 1e6


@dataclass(frozen=True, slots=True)
class ModelResult:
    """
    One model over the measured interval, by the requests that arrived in it.

    ``arrived = served_in_time + late + dropped + rejected``. ``dropped`` is the sum of
    ``dropped_unreachable`` and ``dropped_window``; ``rejected`` found the queue full.
    ``p50_ms`` and ``p99_ms`` are from arrival to answer, ``queueing_*`` from arrival to the
    start of execution; None where nothing was served. Batches count by the start of execution.
    """

    model_id: str
    arrived: int
    served_in_time: int
    late: int
    dropped: int
    dropped_unreachable: int
    dropped_window: int
    rejected: int
    batches: int
    batch_size_mean: float
    bad_rate: float
    goodput_rps: float
    p50_ms: float | None
    p99_ms: float | None
    queueing_p50_ms: float | None
    queueing_p99_ms: float | None


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """
    A whole run over the measured interval of ``duration_s``.

    ``bad_rate`` is the share of the requests that were late, dropped or rejected.
    ``gpus_busy_mean`` is execution time divided by the interval, ``gpu_busy_share`` that
    divided by ``gpu_count``; ``gpus_touched`` executed anything at all. ``hold_factor`` is
    the scheduler's at the end.
    """

    duration_s: float
    gpu_count: int
    arrived: int
    bad_rate: float
    goodput_rps: float
    batch_size_mean: float
    gpus_busy_mean: float
    gpu_busy_share: float
    gpus_touched: int
    hold_factor: float
    models: tuple[ModelResult, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain objects, no number that is not finite."""
        return asdict(self)


def summarise(
    model_ids: list[str], requests: Requests, fleet: Fleet, resp_us: int, hold_factor: float
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
            fleet.tally[m].tolist(),
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
        bad_rate=_share(arrived - served, arrived),
        goodput_rps=served / duration_s,
        batch_size_mean=_share(int(fleet.tally["requests"].sum()), int(fleet.tally["batches"].sum())),
        gpus_busy_mean=gpus_busy,
        gpu_busy_share=gpus_busy / len(fleet.gpu) if len(fleet.gpu) else 0.0,
        gpus_touched=int((fleet.gpu["executed"] > 0).sum()),
        hold_factor=hold_factor,
        models=models,
    )


def _selected(requests: Requests, which: slice | NDArray[np.int64]) -> Requests:
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
    model_id: str, requests: Requests, tally: tuple[int, int], resp_us: int, duration_s: float
) -> ModelResult:
    executed = requests.outcome == EXECUTED
    in_time = int((executed & (requests.finish_us <= requests.deadline_us)).sum())
    unreachable, window, rejected = (
        int((requests.outcome == DROPPED + reason).sum())
        for reason in (DEADLINE_UNREACHABLE, WINDOW, QUEUE_FULL)
    )
    arrived = len(executed)
    arrival_us = requests.arrival_us[executed]
    p50, p99 = _percentiles_ms(requests.finish_us[executed] + resp_us - arrival_us)
    queueing_p50, queueing_p99 = _percentiles_ms(requests.start_us[executed] - arrival_us)
    batches, batched = tally
    return ModelResult(
        model_id=model_id,
        arrived=arrived,
        served_in_time=in_time,
        late=int(executed.sum()) - in_time,
        dropped=unreachable + window,
        dropped_unreachable=unreachable,
        dropped_window=window,
        rejected=rejected,
        batches=batches,
        batch_size_mean=_share(batched, batches),
        bad_rate=_share(arrived - in_time, arrived),
        goodput_rps=in_time / duration_s,
        p50_ms=p50,
        p99_ms=p99,
        queueing_p50_ms=queueing_p50,
        queueing_p99_ms=queueing_p99,
    )


def _percentiles_ms(times_us: NDArray[np.int64]) -> tuple[float | None, float | None]:
    if not len(times_us):
        return None, None
    p50, p99 = np.percentile(times_us, [50, 99]) / US_PER_MS
    return float(p50), float(p99)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
