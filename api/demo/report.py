"""What the demo says, on stderr: steps, figures, tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.progress import Progress
from rich.table import Table

from api.cli.output import talk
from dispatcher.frontend.load_result import LoadResult

STEPS = 8
MOVES_SHOWN = 12
CENT_USD = 0.01  # what amounts are shown to


def step(number: int, text: str) -> None:
    talk.print(f"\n[bold]{number}/{STEPS}  {text}[/]")


def measured(model: str, profile: Mapping[str, Any]) -> None:
    if "alpha_ms" in profile:
        curve = f"l(b) = {profile['alpha_ms']:.3f} b + {profile['beta_ms']:.3f} ms"
    else:
        curve = ", ".join(f"l({b}) = {ms:.2f} ms" for b, ms in profile["latency_ms"])
    talk.print(f"  measured {model} with ONNX Runtime: {curve}, {profile['weights_gib'] * 1024:.1f} MiB")


def forecast(total_rps: Sequence[float]) -> None:
    talk.print(
        f"  {len(total_rps)} hourly epochs, {min(total_rps):,.0f} to {max(total_rps):,.0f} requests/s "
        f"in all, mean {sum(total_rps) / len(total_rps):,.0f}"
    )


def progress(run: Mapping[str, Any]) -> None:
    """One line for each change that a run reports."""
    now = run["progress"]
    parts = [f"  {now['stage']:<11}"]
    if now.get("incumbent") is not None:
        parts.append(f"incumbent ${now['incumbent']:.2f}/h")
    if now.get("bound") is not None:
        parts.append(f"bound ${now['bound']:.2f}/h")
    if now.get("gap") is not None:
        parts.append(f"gap {now['gap']:.2%}")
    if now.get("elapsed_s") is not None:
        parts.append(f"after {now['elapsed_s']:.1f} s")
    talk.print("  ".join(parts), style="dim")


def plan(summary: Mapping[str, Any]) -> None:
    bad_rate = summary["certificate_bad_rate"]
    shown = "-" if bad_rate is None else f"{bad_rate:.2%}"
    planned = ""
    if abs(summary["cost_usd_per_hour"] - summary["objective"]) > CENT_USD / 2:
        planned = f"planned ${summary['objective']:.2f}, "  # the certificate added or returned GPUs
    talk.print(
        f"  plan {summary['version']}: {summary['gpu_count']} GPUs in {summary['sub_cluster_count']} "
        f"sub-clusters, ${summary['cost_usd_per_hour']:.2f}/h ({planned}bound ${summary['bound']:.2f}, "
        f"gap {summary['gap']:.1%}, physical gap {summary['physical_gap']:.1%}), {summary['solver']}, "
        f"worst simulated bad rate {shown}"
    )
    table = Table(
        "sub-cluster", "GPUs", "models", "largest batch", box=None, pad_edge=False, padding=(0, 3, 0, 0)
    )
    for cluster in summary["plan"]["sub_clusters"]:
        batches = max(m["batch_size"] for m in cluster["models"])
        table.add_row(
            f"  {cluster['id']}", str(max(cluster["gpus"])), str(len(cluster["models"])), str(batches)
        )
    talk.print(table)


@contextmanager
def driving(requests: int) -> Iterator[Callable[[int, int], None]]:
    """A progress bar over the requests sent."""
    with Progress(console=talk, transient=True) as bar:
        task = bar.add_task(f"  {requests} requests", total=requests)
        yield lambda sent, _total: bar.update(task, completed=sent)


def live(figures: Sequence[Mapping[str, Any]], result: LoadResult) -> None:
    columns = ("", "live", "simulated", "live", "simulated", "live", "simulated", "live", "simulated")
    table = Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    talk.print("  sub-cluster: goodput 1/s, bad rate, mean batch, GPU busy share")
    for row in figures:
        cells = [f"  {row['sub_cluster']}"]
        for name, form in (
            ("goodput_rps", "{:.1f}"),
            ("bad_rate", "{:.2%}"),
            ("batch_size", "{:.2f}"),
            ("gpu_busy_share", "{:.1%}"),
        ):
            cells += [form.format(row[name]["live"]), form.format(row[name]["simulated"])]
        table.add_row(*cells)
    talk.print(table)
    talk.print(f"  {result.sent} requests sent, client lag p99 {result.send_lag_ms:.1f} ms", style="dim")


def difference(found: Mapping[str, Any]) -> None:
    """What moves, why, and what it costs."""
    change = found["difference"]
    talk.print(
        f"  from plan {found['before']} to {found['after']}: {change['cost_usd_per_hour']:+.2f} $/h, "
        f"{change['churn_gib']:.2f} GiB to load"
    )
    for cluster in change["sub_clusters"]:
        if cluster["change"] != "kept":
            talk.print(
                f"    {cluster['change']} {cluster['id']} on {cluster['gpu_type']}: "
                f"{cluster['gpus_before']} -> {cluster['gpus_after']} GPUs, "
                f"{cluster['loaded_gib']:.2f} GiB to load"
            )
    for move in change["moves"][:MOVES_SHOWN]:
        before, after = (", ".join(move[side]) or "nowhere" for side in ("before", "after"))
        talk.print(f"    {move['model']}: {before} -> {after}, {move['reason']}")
    hidden = len(change["moves"]) - MOVES_SHOWN
    if hidden > 0:
        talk.print(f"    and {hidden} further moves; the console and GET /v1/plans/.../difference list all")
    for demand in change["demand"][:MOVES_SHOWN]:
        talk.print(
            f"    demand of {demand['model']}: peak {demand['peak_rps_before']:.4g} -> "
            f"{demand['peak_rps_after']:.4g} requests/s, as observed and with headroom"
        )
    if not change["moves"] and all(c["change"] == "kept" for c in change["sub_clusters"]):
        talk.print("    nothing moves: what was observed changes no sub-cluster")
