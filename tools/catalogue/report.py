"""The figures behind the catalogue's rules, computed anew from the raw data."""

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path

import numpy as np

from profiles.fit import MAPE_MAX, least_squares
from profiles.memory import GIB
from tools.catalogue.published import PUBLISHED
from tools.catalogue.raw import fastertransformer, rows
from tools.catalogue.workspace import hidden_tensors, timm_networks

VGG16_ACTIVATIONS_M = 13.56  # timm vgg16 at 224
FP32_BYTES = 4


def print_report(folder: Path) -> None:
    activation_factor(folder)
    transformer_tensors(folder)
    nearest_network(folder)
    extrapolation(folder)


def activation_factor(folder: Path) -> None:
    """Bytes for each image against the bytes of all layer outputs, by batch range."""
    memory = defaultdict(list)
    for row in rows(folder / "nexus_titanx/nexus_titanx_profiles.csv"):
        memory[row["model"]].append((int(row["batch"]), float(row["memory_bytes"])))
    print("workspace of engines that keep every output (nexus_titanx, FP32)")
    for model, found in memory.items():
        b, total = np.array(found).T
        slope, constant = np.polyfit(b, total, 1)
        error = np.mean(np.abs((slope * b + constant) / total - 1))
        line = (
            f"  {model}: {slope / 2**20:.2f} MiB a request, {constant / GIB:.2f} GiB fixed, error {error:.2%}"
        )
        if "vgg16" in model or "vgg_face" in model:
            line += f", factor {slope / (VGG16_ACTIVATIONS_M * 1e6 * FP32_BYTES):.3f}"
        print(line)


def transformer_tensors(folder: Path) -> None:
    """How many tensors of tokens x width a request takes beside its key-value cache."""
    print("workspace of a transformer engine that reuses buffers (FasterTransformer GPT, FP16)")
    for curve in fastertransformer(folder):
        shape = PUBLISHED[curve.model].shape if curve.model in PUBLISHED else None
        if curve.memory_gib and shape:
            print(f"  {curve.model}: {hidden_tensors(curve.memory_gib, shape):.1f} tensors")


def nearest_network(folder: Path) -> None:
    """Layer outputs of a network over those of the nearest network of another family (timm)."""
    networks = timm_networks(folder)
    ratios = []
    for network in networks:
        others = [other for other in networks if other.family != network.family]
        nearest = min(
            others, key=lambda n: n.distance(network.parameters_m, network.giga_multiply_adds, network.side)
        )
        ratios.append(math.log(network.activations_m / nearest.activations_at(network.side)))
    shares = (5, 10, 25, 50, 75, 90, 95)
    figures = ", ".join(f"p{s} {math.exp(np.percentile(ratios, s)):.2f}" for s in shares)
    print(f"layer outputs over those of the nearest other network ({len(ratios)} networks): {figures}")


def extrapolation(folder: Path) -> None:
    """Error of an accepted fit on batches up to 8 or 16, asked for two, four and eight times as many."""
    curves = measured_ms(folder)
    print("affine fit asked beyond what it saw: (predicted - measured) / measured")
    for seen in (8, 16):
        for factor in (2, 4, 8):
            errors = []
            for points in curves:
                known = [(b, ms * 1_000) for b, ms in sorted(points.items()) if b <= seen]
                if len(known) < 3 or known[-1][0] != seen or seen * factor not in points:
                    continue
                fit = least_squares(known)
                if fit.mape <= MAPE_MAX and fit.alpha_us > 0:
                    predicted = fit.alpha_us * seen * factor + fit.beta_us
                    errors.append(predicted / (points[seen * factor] * 1_000) - 1)
            low, middle, high = np.percentile(errors, [5, 50, 95])
            print(
                f"  seen to {seen}, asked {factor} x: {len(errors)} curves, mean |error|"
                f" {np.mean(np.abs(errors)):.1%}, p5 {low:+.1%}, p50 {middle:+.1%}, p95 {high:+.1%}"
            )


def measured_ms(folder: Path) -> list[dict[int, float]]:
    """Every series of FasterTransformer, Triton and Nexus, latency in milliseconds by batch size."""
    found: dict[tuple[str, ...], dict[int, float]] = defaultdict(dict)
    for row in rows(folder / "fastertransformer/ft_latency_by_batch.csv"):
        if row["latency_ms"] and row["batch"]:
            key = ("ft", *(row[c] for c in ("model", "engine", "gpu", "precision", "seq_len", "section")))
            found[key][int(float(row["batch"]))] = float(row["latency_ms"])
    for row in rows(folder / "nvidia_dle/triton_offline_batch.csv"):
        if row["model"].startswith(("BERT", "GPUNet")):
            key = ("triton", *(row[c] for c in ("model", "backend", "gpu", "precision")))
            parts = ("compute_input_ms", "compute_infer_ms", "compute_output_ms")
            found[key][int(float(row["batch"]))] = sum(float(row[part]) for part in parts)
    for row in rows(folder / "nexus_titanx/nexus_titanx_profiles.csv"):
        found["nexus", row["model"]][int(row["batch"])] = float(row["latency_us"]) / 1_000
    return list(found.values())
