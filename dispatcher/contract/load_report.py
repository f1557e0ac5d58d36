"""What a dispatcher tells the planner about the load it served."""

from __future__ import annotations

import msgspec


class ModelLoad(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    One model over one interval.

    ``arrived = served_in_time + late + dropped + rejected + cancelled``, but for what was pending at the
    beginning and at the end. ``cancelled``: its client left before the answer was there and before it was
    due; 0 in reports of dispatchers that do not count it yet.
    ``arrival_cv`` is the coefficient of variation of inter-arrival times, None below three
    arrivals. ``latency_ms_by_batch`` holds (batch size, batches, mean measured milliseconds).
    """

    model: str
    arrived: int
    served_in_time: int
    late: int
    dropped: int
    rejected: int
    arrival_cv: float | None
    batches: int
    batch_size_mean: float
    busy_s: float
    latency_ms_by_batch: tuple[tuple[int, int, float], ...] = ()
    cancelled: int = 0


class LoadReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    One sub-cluster over one interval; ``interval_start`` is ISO 8601 in UTC.

    ``(sub_cluster, plan_version)`` identifies the reporter within its fleet; each of its intervals counts
    once, sent twice or late, and may overlap others by no more than two clocks differ.
    """

    sub_cluster: str
    plan_version: int
    interval_start: str
    interval_s: float
    gpus: int
    gpu_busy_share: float
    models: tuple[ModelLoad, ...]
