"""Metrics in Prometheus text form, version 0.0.4."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from dispatcher.frontend.service import Outcome, Reason
from dispatcher.runtime.load_meter import Tally
from dispatcher.runtime.measures import TIME_BOUNDS_S, Measures, TimeHistogram
from dispatcher.runtime.metric_families import FAMILIES

_Sample: TypeAlias = tuple[str, float]
"""A suffix of the family's name with labels, and the value."""

BATCH_BOUNDS = tuple(2**power for power in range(11))
NO_OUTCOMES: Mapping[tuple[int, Outcome], int] = {}


def metrics_text(
    *,
    models: Sequence[str],
    tallies: Sequence[Tally],
    measures: Measures,
    pending: int,
    gpus: int,
    gpus_ready: int,
    gpus_advised: int,
    hold_factor: float,
    plan_version: int,
    tenants: Sequence[str] = (),
    tenant_outcomes: Mapping[tuple[int, Outcome], int] = NO_OUTCOMES,
) -> str:
    """
    All metrics of one dispatcher; ``tallies`` count since its start, one for each model.

    ``tenant_outcomes`` counts by (index of the tenant, outcome).
    """
    labels = [_labels(model=model) for model in models]
    found: dict[str, Iterable[_Sample]] = {
        **_load(models, labels, tallies),
        **_measured(models, labels, measures),
        "fermata_tenant_requests_total": (
            (_labels(tenant=tenant, outcome=outcome), tenant_outcomes.get((index, outcome), 0))
            for index, tenant in enumerate(tenants)
            for outcome in Outcome
            if outcome is not Outcome.INVALID
        ),
        "fermata_requests_pending": [("", pending)],
        "fermata_gpus": [("", gpus)],
        "fermata_gpus_ready": [("", gpus_ready)],
        "fermata_gpus_advised": [("", gpus_advised)],
        "fermata_hold_factor": [("", hold_factor)],
        "fermata_plan_version": [("", plan_version)],
    }
    return "".join(f"{line}\n" for name in FAMILIES for line in _family(name, found[name]))


def _load(
    models: Sequence[str], labels: Sequence[str], tallies: Sequence[Tally]
) -> dict[str, Iterable[_Sample]]:
    """What the load reports count too."""
    pairs = list(zip(labels, tallies, strict=True))
    return {
        "fermata_requests_total": (
            (_labels(model=model, outcome=outcome), tally.outcomes[outcome])
            for model, tally in zip(models, tallies, strict=True)
            for outcome in Outcome
        ),
        "fermata_batch_size": (
            sample
            for model, tally in zip(models, tallies, strict=True)
            for sample in _batch_sizes(model, tally)
        ),
        "fermata_gpu_busy_seconds_total": ((label, tally.busy_us / 1e6) for label, tally in pairs),
    }


def _measured(
    models: Sequence[str], labels: Sequence[str], measures: Measures
) -> dict[str, Iterable[_Sample]]:
    pairs = list(zip(models, measures.models, strict=True))
    last = list(zip(labels, measures.interval.models, strict=True))
    return {
        "fermata_refusals_total": (
            (_labels(model=model, reason=reason), measured.refusals[reason])
            for model, measured in pairs
            for reason in Reason
        ),
        "fermata_queue_seconds": (
            sample for model, measured in pairs for sample in _times(model, measured.queue)
        ),
        "fermata_execution_seconds": (
            sample for model, measured in pairs for sample in _times(model, measured.execution)
        ),
        "fermata_profiled_seconds_total": (
            (label, measured.profiled_us / 1e6) for label, (_, measured) in zip(labels, pairs, strict=True)
        ),
        "fermata_gpu_execution_seconds_total": (
            (_labels(gpu=str(gpu)), busy_us / 1e6) for gpu, busy_us in enumerate(measures.gpu_busy_us)
        ),
        "fermata_goodput_rps": ((label, model.goodput_rps) for label, model in last),
        "fermata_bad_rate": ((label, m.bad_rate) for label, m in last if m.bad_rate is not None),
        "fermata_execution_drift": ((label, m.drift) for label, m in last if m.drift is not None),
        "fermata_gpu_busy_share": [("", measures.interval.gpu_busy_share)],
        "fermata_gpus_idle_tail": [("", measures.interval.gpus_idle_tail)],
    }


def _family(name: str, samples: Iterable[_Sample]) -> Iterator[str]:
    family = FAMILIES[name]
    yield f"# HELP {name} {family.text}"
    yield f"# TYPE {name} {family.kind}"
    for suffix, value in samples:
        yield f"{name}{suffix} {value:.17g}"


def _batch_sizes(model: str, tally: Tally) -> Iterator[_Sample]:
    for bound in BATCH_BOUNDS:
        below = sum(count for size, count in tally.batches_by_size.items() if size <= bound)
        yield f"_bucket{_labels(model=model, le=str(bound))}", below
    yield f"_bucket{_labels(model=model, le='+Inf')}", tally.batches
    yield f"_sum{_labels(model=model)}", tally.batched_requests
    yield f"_count{_labels(model=model)}", tally.batches


def _times(model: str, histogram: TimeHistogram) -> Iterator[_Sample]:
    below = 0
    for bound, count in zip((*TIME_BOUNDS_S, None), histogram.counts, strict=True):
        below += count
        yield f"_bucket{_labels(model=model, le='+Inf' if bound is None else f'{bound:g}')}", below
    yield f"_sum{_labels(model=model)}", histogram.sum_us / 1e6
    yield f"_count{_labels(model=model)}", below


def _labels(**values: str) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in values.items()) + "}"


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
