"""Metrics in Prometheus text form, version 0.0.4."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from dispatcher.frontend.service import Outcome
from dispatcher.runtime.load_meter import Tally

_Sample = tuple[str, float]

NO_OUTCOMES: Mapping[tuple[int, Outcome], int] = {}


def metrics_text(
    *,
    models: Sequence[str],
    tallies: Sequence[Tally],
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
    pairs = list(zip((_escaped(model) for model in models), tallies, strict=True))
    requests = (
        (f'fermata_requests_total{{model="{model}",outcome="{outcome}"}}', tally.outcomes[outcome])
        for model, tally in pairs
        for outcome in Outcome
    )
    sizes = (
        sample
        for model, tally in pairs
        for sample in (
            (f'fermata_batch_size_sum{{model="{model}"}}', tally.batched_requests),
            (f'fermata_batch_size_count{{model="{model}"}}', tally.batches),
        )
    )
    busy = (
        (f'fermata_gpu_busy_seconds_total{{model="{model}"}}', tally.busy_us / 1e6) for model, tally in pairs
    )
    by_tenant = (
        (
            f'fermata_tenant_requests_total{{tenant="{_escaped(tenant)}",outcome="{outcome}"}}',
            tenant_outcomes.get((index, outcome), 0),
        )
        for index, tenant in enumerate(tenants)
        for outcome in Outcome
        if outcome is not Outcome.INVALID
    )
    families = (
        _family("fermata_requests_total", "counter", "Requests answered, by outcome.", requests),
        _family("fermata_tenant_requests_total", "counter", "Requests answered, by tenant.", by_tenant),
        _family("fermata_batch_size", "summary", "Requests in an executed batch.", sizes),
        _family("fermata_gpu_busy_seconds_total", "counter", "Measured execution time of batches.", busy),
        _gauge("fermata_requests_pending", "Requests accepted and not yet answered.", pending),
        _gauge("fermata_gpus", "GPUs that the plan gives this sub-cluster.", gpus),
        _gauge("fermata_gpus_ready", "GPUs whose worker serves.", gpus_ready),
        _gauge("fermata_gpus_advised", "GPUs that the observed load asks for.", gpus_advised),
        _gauge("fermata_hold_factor", "Share of the deferral that candidates wait, 0 to 1.", hold_factor),
        _gauge("fermata_plan_version", "Version of the plan that is served.", plan_version),
    )
    return "".join(f"{line}\n" for family in families for line in family)


def _family(name: str, kind: str, text: str, samples: Iterable[_Sample]) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    for series, value in samples:
        yield f"{series} {value:.17g}"


def _gauge(name: str, text: str, value: float) -> Iterator[str]:
    return _family(name, "gauge", text, [(name, value)])


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
