"""
Build the shipped catalogue from the raw data: one curve for each (model, GPU type), by stated rules.

    python -m tools.build_catalogue FOLDER --output profiles/data
    python -m tools.build_catalogue FOLDER --report

FOLDER holds paddleclas, fastertransformer, nvidia_dle, profile_fits, timm and nexus_titanx as CSV files. The
rules are in docs/decisions/0002-catalogue-rules.md; ``--report`` prints the figures given there. The files
sources.csv and gpu_types.csv are written by hand and only read here.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from profiles.fit import AffineFit, FitRefused, fit_affine, tabulate
from profiles.latency import AffineCurve, TabulatedCurve
from profiles.memory import load_time_s, weights_gib
from tools.catalogue.published import GIGA_MULTIPLY_ADDS, PUBLISHED, Published, vision_transformer
from tools.catalogue.raw import RawCurve, read_all, rows
from tools.catalogue.report import print_report
from tools.catalogue.workspace import (
    Network,
    activations,
    convolution_gib,
    slope_gib,
    timm_networks,
    transformer_gib,
)

EXTRAPOLATION = 2
"""An affine curve is good for twice the largest batch measured, a table for none beyond its last knot."""

MAPE_MAX = 0.05
POINTS_MIN = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--output", type=Path, default=Path("profiles/data"))
    parser.add_argument("--report", action="store_true", help="print the figures behind the rules instead")
    arguments = parser.parse_args()
    if arguments.report:
        print_report(arguments.folder)
        return
    networks = timm_networks(arguments.folder)
    usable_gib = {
        row["gpu_type"]: float(row["memory_gib"]) - float(row["reserve_gib"])
        for row in rows(arguments.output / "gpu_types.csv")
    }
    facts, profiles, refused = build(read_all(arguments.folder), networks, usable_gib)
    write(arguments.output / "models.csv", facts)
    write(arguments.output / "profiles.csv", profiles)
    for line in refused:
        sys.stderr.write(f"refused: {line}\n")


def build(
    curves: Iterable[RawCurve], networks: list[Network], usable_gib: dict[str, float]
) -> tuple[list[dict[str, object]], list[dict[str, object]], list[str]]:
    """Rows of models.csv and profiles.csv, and what was refused and why."""
    candidates: dict[tuple[str, str], list[RawCurve]] = defaultdict(list)
    for curve in curves:
        candidates[curve.model, curve.gpu_type].append(curve)
    published = dict(PUBLISHED) | figures_of_paddleclas(candidates)
    facts: dict[str, dict[str, object]] = {}
    profiles: list[dict[str, object]] = []
    refused: list[str] = []
    for (model, gpu_type), found in sorted(candidates.items()):
        reasons = []
        for curve in sorted(found, key=lambda curve: curve.rank):
            row, reason = profile_row(curve, published[model], networks, usable_gib[gpu_type])
            if row:
                rule = row.pop("workspace_rule")
                facts.setdefault(model, model_row(model, published[model], str(rule)))
                profiles.append(row)
                break
            reasons.append(f"{model} on {gpu_type}, {curve.engine} {curve.precision}: {reason}")
        else:
            refused += reasons
    return [facts[model] for model in sorted(facts)], profiles, refused


def figures_of_paddleclas(
    candidates: dict[tuple[str, str], list[RawCurve]],
) -> dict[str, Published]:
    found = {}
    for curves in candidates.values():
        for curve in curves:
            if curve.source == "paddleclas":
                found[curve.model] = Published(
                    "vision",
                    f"image {curve.side}x{curve.side}",
                    curve.parameters_m,
                    f"PaddleClas {curve.path}",
                    vision_transformer(curve.model, curve.side),
                )
                GIGA_MULTIPLY_ADDS[curve.model] = curve.giga_multiply_adds
    return found


def model_row(model: str, published: Published, workspace_rule: str) -> dict[str, object]:
    return {
        "model": model,
        "kind": published.kind,
        "input": published.input,
        "parameters_m": published.parameters_m,
        "parameters_source": published.parameters_source,
        "workspace_rule": workspace_rule,
    }


def profile_row(
    curve: RawCurve, published: Published, networks: list[Network], usable_gib: float
) -> tuple[dict[str, object], str]:
    """A row of profiles.csv with the workspace rule beside, or an empty row and the reason."""
    try:
        latency, mape, largest = latency_columns(curve)
    except FitRefused as refusal:
        return {}, str(refusal)
    weights = weights_gib(published.parameters_m, curve.precision)
    workspace, rule = workspace_of(curve, published, networks)
    batch_size_max = min(largest, int((usable_gib - weights) / workspace))
    if batch_size_max < 1:
        return {}, f"{weights:.1f} GiB of weights and {workspace:.2f} GiB a request exceed {usable_gib} GiB"
    return {
        "model": curve.model,
        "gpu_type": curve.gpu_type,
        **latency,
        "mape": f"{mape:.4f}",
        "batch_size_max": batch_size_max,
        "weights_gib": f"{weights:.6f}",
        "workspace_gib_per_item": f"{workspace:.6f}",
        "load_time_s": f"{load_time_s(weights):.2f}",
        "engine": curve.engine,
        "precision": curve.precision.value,
        "measured_on": curve.measured_on,
        "source": curve.source,
        "path": curve.path,
        "licence": curve.licence,
        "points_ms": pairs(curve.points_ms.items()),
        "workspace_rule": rule,
    }, ""


def latency_columns(curve: RawCurve) -> tuple[dict[str, object], float, int]:
    """Columns of the curve, its error, and the largest batch it is good for. Raises ``FitRefused``."""
    if curve.fit_ms:
        alpha, beta, mape, largest = curve.fit_ms
        if mape > MAPE_MAX or alpha <= 0 or beta < 0:
            raise FitRefused([f"published fit has an error of {mape:.1%}"])
        return {"alpha_ms": alpha, "beta_ms": beta, "table_ms": ""}, mape, EXTRAPOLATION * largest
    if len(curve.points_ms) < POINTS_MIN or 1 not in curve.points_ms:
        raise FitRefused([f"needs batch 1 and {POINTS_MIN} sizes, has {sorted(curve.points_ms)}"])
    points = [(b, ms * 1_000) for b, ms in sorted(curve.points_ms.items())]
    try:
        fit: AffineFit = fit_affine(points, mape_max=MAPE_MAX)
    except FitRefused:
        table = tabulate(points)
        assert isinstance(table.curve, TabulatedCurve)
        knots = zip(table.curve.batch_sizes, table.curve.latencies_us, strict=True)
        text = pairs((b, round(us / 1_000, 6)) for b, us in knots)
        return {"alpha_ms": "", "beta_ms": "", "table_ms": text}, table.mape, points[-1][0]
    affine: AffineCurve = fit.curve
    columns: dict[str, object] = {
        "alpha_ms": f"{affine.alpha_us / 1_000:.6f}",
        "beta_ms": f"{affine.beta_us / 1_000:.6f}",
        "table_ms": "",
    }
    return columns, fit.mape, EXTRAPOLATION * fit.batch_size_max


def workspace_of(curve: RawCurve, published: Published, networks: list[Network]) -> tuple[float, str]:
    """GiB for each request, and the rule that gave it."""
    if curve.memory_gib:
        return slope_gib(curve.memory_gib), "measured: slope of memory over batch size (same source)"
    if published.shape:
        return transformer_gib(published.shape, curve.precision)
    side = int(published.input.split("x")[-1])
    activations_m, rule = activations(networks, published.parameters_m, GIGA_MULTIPLY_ADDS[curve.model], side)
    return (
        convolution_gib(activations_m, curve.precision),
        f"1.24 x {activations_m:.2f} million outputs ({rule})",
    )


def pairs(items: Iterable[tuple[int, float]]) -> str:
    return " ".join(f"{b}:{ms:.10g}" for b, ms in sorted(items))


def write(path: Path, table: list[dict[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


if __name__ == "__main__":
    main()
