"""The comparison as one image: largest rate and GPU busy share, a row for each scenario."""

from __future__ import annotations

from pathlib import Path
from typing import Any

OURS, OTHERS = "#c2410c", "#64748b"


def draw(results: dict[str, Any], image: Path) -> None:
    """Write ``image`` (PNG or SVG) from what ``run --json`` wrote."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    measured = results["servers"]
    figure, axes = pyplot.subplots(len(measured), 2, figsize=(11, 2.6 * len(measured)), squeeze=False)
    for row, (scenario, found) in zip(axes, measured.items(), strict=True):
        facts = results["scenarios"][scenario]
        servers = [server for server in found.values() if "failed" not in server]
        names = [server["server"] for server in servers]
        colours = [OURS if name == "fermata" else OTHERS for name in names]
        rates = [server["largest_rate_rps"] for server in servers]
        _bars(row[0], names, rates, colours, "{:.0f}")
        row[0].axvline(facts["capacity_rps"], color="black", linewidth=0.8, linestyle=":")
        row[0].set_title(f"{facts['title']}: largest rate with 1 % bad, requests/s", fontsize=9)
        shares = [100 * server["equal_load"]["gpu_busy_share"] for server in servers]
        _bars(row[1], names, shares, colours, "{:.0f} %")
        load = servers[0]["equal_load"]["rate_rps"] if servers else 0
        row[1].set_xlim(0, 100)
        row[1].set_title(f"GPU busy share at {load:.0f} requests/s", fontsize=9)
    figure.tight_layout()
    figure.savefig(image, dpi=110)


def _bars(axis: Any, names: list[str], values: list[float], colours: list[str], form: str) -> None:
    bars = axis.barh(names, values, color=colours, height=0.65)
    axis.bar_label(bars, [form.format(value) for value in values], padding=3, fontsize=8)
    axis.invert_yaxis()
    axis.margins(x=0.15)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    axis.tick_params(labelsize=8)
