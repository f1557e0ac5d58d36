"""What ``fermata simulate`` prints for people."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from dispatcher.simulation.result import ModelResult, SimulationResult

MODELS_SHOWN = 20
HEADINGS = (
    "goodput\nrps",
    "bad\nrate",
    "late",
    "unreach-\nable",
    "window",
    "re-\njected",
    "mean\nbatch",
    "p50\nms",
    "p99\nms",
)


def show_result(result: SimulationResult, policy: str, seed: int) -> None:
    """The whole in three lines, then the models with the largest bad rates."""
    console = Console(highlight=False)
    console.print(
        f"{policy}, seed {seed}: {result.arrived:,} requests in {result.duration_s:g} s "
        f"on {result.gpu_count} GPUs"
    )
    console.print(
        f"goodput {result.goodput_rps:,.1f} of {result.offered_rps:,.1f} rps   "
        f"bad rate {result.bad_rate:.3%}, worst model {result.worst_model_bad_rate:.3%}"
    )
    latency = result.latency_ms
    console.print(
        f"latency p50 {_ms(latency.p50)}, p90 {_ms(latency.p90)}, p99 {_ms(latency.p99)} ms   "
        f"mean batch {result.batch_size_mean:.2f}"
    )
    console.print(
        f"GPUs busy {result.gpus_busy_mean:.2f} on average ({result.gpu_busy_share:.1%}), "
        f"{result.gpus_touched} touched   "
        f"hold factor {result.hold_factor:.2f}\n"
    )
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("model", overflow="fold")
    for heading in HEADINGS:
        table.add_column(heading, justify="right", vertical="bottom", no_wrap=True)
    worst_first = sorted(result.models, key=lambda model: (-model.bad_rate, model.model_id))
    for model in worst_first[:MODELS_SHOWN]:
        table.add_row(*_row(model))
    console.print(table)
    if len(worst_first) > MODELS_SHOWN:
        console.print(
            f"and {len(worst_first) - MODELS_SHOWN} more models with a lower bad rate; --json shows all"
        )
    if result.tenants:
        console.print(_tenants(result))


def _tenants(result: SimulationResult) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("tenant", overflow="fold")
    for heading in ("offered\nrps", "goodput\nrps", "bad\nrate", "over\nshare"):
        table.add_column(heading, justify="right", vertical="bottom", no_wrap=True)
    for tenant in result.tenants:
        rates = (f"{tenant.offered_rps:,.1f}", f"{tenant.goodput_rps:,.1f}", f"{tenant.bad_rate:.3%}")
        table.add_row(tenant.tenant_id, *rates, f"{tenant.rejected_over_share:,}")
    return table


def _row(model: ModelResult) -> list[str]:
    return [
        model.model_id,
        f"{model.goodput_rps:,.1f}",
        f"{model.bad_rate:.3%}",
        f"{model.late:,}",
        f"{model.dropped_unreachable:,}",
        f"{model.dropped_window:,}",
        f"{model.rejected:,}",
        f"{model.batch_size_mean:.2f}",
        _ms(model.latency_ms.p50),
        _ms(model.latency_ms.p99),
    ]


def _ms(latency_ms: float | None) -> str:
    return "-" if latency_ms is None else f"{latency_ms:.2f}"
