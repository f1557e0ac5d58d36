"""The raw data as one kind of row: measured points of one model on one device under one engine."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from profiles.memory import Precision
from tools.catalogue.published import (
    DEVICES,
    FASTERTRANSFORMER_NAMES,
    FITTED_NAMES,
    GPU_TYPES,
    TRITON_NAMES,
)

ENGINES = {
    "Paddle-TensorRT": "TensorRT (Paddle Inference)",
    "TRT": "TensorRT (Triton)",
    "FT-cpp": "FasterTransformer (C++)",
    "cpp": "FasterTransformer (C++)",
    "FT   Latency (ms)": "FasterTransformer (C++)",
    "Latency of   single GPU (ms)": "FasterTransformer (C++)",
    "FasterTransformers": "FasterTransformer (PyTorch)",
    "FT/PyT": "FasterTransformer (PyTorch)",
    "FT/TF": "FasterTransformer (TensorFlow)",
    "ORT": "ONNX Runtime (Triton)",
    "TensorFlow": "TensorFlow",
}
"""Engines taken, best first; all others (several GPUs, padding removed, plain frameworks) are left out."""

SINGLE_DEVICE_GPT = "GPT-"
UNKNOWN_SIDE = 224  # PaddleClas documents without a size column are of 224 x 224 models


@dataclass(slots=True)
class RawCurve:
    """
    One model on one device under one engine.

    ``points_ms`` by batch size; ``fit_ms`` is (alpha, beta, mape, largest batch) where only a fit is known.
    ``memory_gib`` by batch size where it was published.
    """

    model: str
    gpu_type: str
    source: str
    path: str
    licence: str
    measured_on: str
    engine: str
    precision: Precision
    points_ms: dict[int, float] = field(default_factory=dict)
    fit_ms: tuple[float, float, float, int] | None = None
    memory_gib: dict[int, float] = field(default_factory=dict)
    side: int = 0
    parameters_m: float = 0.0
    giga_multiply_adds: float = 0.0

    @property
    def rank(self) -> tuple[int, int, int]:
        """Smaller is preferred: FP16 before FP32 before TF32, then the engine, then more points."""
        precisions = [Precision.FP16, Precision.FP32, Precision.TF32]
        engines = list(dict.fromkeys(ENGINES.values()))
        return precisions.index(self.precision), engines.index(self.engine), -len(self.points_ms)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_all(folder: Path) -> list[RawCurve]:
    """Every usable curve of the raw data under ``folder``."""
    return [*paddleclas(folder), *fastertransformer(folder), *triton(folder), *fitted(folder)]


def paddleclas(folder: Path) -> Iterator[RawCurve]:
    """PaddleClas: three batch sizes, FP16 on T4 and FP32 on V100, TensorRT."""
    found = rows(folder / "paddleclas/paddleclas_v100_t4_latency.csv")
    names = {clean(row["model"]) for row in found}
    for row in sorted(found, key=lambda row: row["input_size"] == ""):
        model = clean(row["model"])
        if model.endswith("_ssld") and model.removesuffix("_ssld") in names:
            continue  # other weights of a network that is there already
        points = {b: float(row[f"lat_ms_b{b}"]) for b in (1, 4, 8) if row[f"lat_ms_b{b}"]}
        if not row["params_m"] or not row["flops_g"]:
            continue
        yield RawCurve(
            model=model,
            gpu_type=GPU_TYPES[row["gpu"]],
            source="paddleclas",
            path=f"docs/zh_CN/models/ImageNet1k/{row['source_md']}",
            licence="Apache-2.0",
            measured_on=DEVICES.get(row["gpu"], row["gpu"]),
            engine=ENGINES[row["engine"]],
            precision=Precision(row["precision"]),
            points_ms=points,
            side=int(float(row["input_size"] or UNKNOWN_SIDE)),
            parameters_m=float(row["params_m"]),
            giga_multiply_adds=float(row["flops_g"]),
        )


def clean(name: str) -> str:
    """The model's name without footnote marks, spelt one way: letters, digits, dot and underscore."""
    return re.sub(r"[^A-Za-z0-9_.]", "_", re.sub(r"<sup>.*?</sup>", "", name))


def fastertransformer(folder: Path) -> Iterator[RawCurve]:
    """FasterTransformer: BERT, ViT, Swin, Longformer and GPT on one GPU."""
    found: dict[tuple[str, str, str, str], RawCurve] = {}
    for row in rows(folder / "fastertransformer/ft_latency_by_batch.csv"):
        model = FASTERTRANSFORMER_NAMES.get((row["model"], row["seq_len"]))
        if not model or row["engine"] not in ENGINES or row["precision"] not in {"FP16", "FP32", "TF32"}:
            continue
        key = (model, row["gpu"], row["engine"], row["precision"])
        device = "A100-80GB" if row["model"].startswith(SINGLE_DEVICE_GPT) else row["gpu"]
        curve = found.setdefault(
            key,
            RawCurve(
                model=model,
                gpu_type=GPU_TYPES[device],
                source="fastertransformer",
                path=f"docs/{row['src']}.md",
                licence="Apache-2.0",
                measured_on=DEVICES.get(device, device),
                engine=ENGINES[row["engine"]],
                precision=Precision(row["precision"]),
            ),
        )
        if row["latency_ms"]:
            curve.points_ms[int(float(row["batch"]))] = float(row["latency_ms"])
        if row["mem_gb"] and row["engine"].startswith("FT"):
            curve.memory_gib[int(float(row["batch"]))] = float(row["mem_gb"])
    yield from found.values()


def triton(folder: Path) -> Iterator[RawCurve]:
    """NVIDIA DeepLearningExamples: one client, fixed batches; input, execution and output on the server."""
    found: dict[tuple[str, str, str, str], RawCurve] = {}
    samples: dict[tuple[str, str, str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows(folder / "nvidia_dle/triton_offline_batch.csv"):
        model = TRITON_NAMES.get(row["model"])
        if not model or row["backend"] not in ENGINES or row["gpu"] not in GPU_TYPES:
            continue
        key = (model, row["gpu"], row["backend"], row["precision"])
        found[key] = RawCurve(
            model=model,
            gpu_type=GPU_TYPES[row["gpu"]],
            source="nvidia_dle",
            path=row["src"],
            licence=row["licence"],
            measured_on=row["gpu"],
            engine=ENGINES[row["backend"]],
            precision=Precision(row["precision"]),
        )
        parts = ("compute_input_ms", "compute_infer_ms", "compute_output_ms")
        samples[key][int(float(row["batch"]))].append(sum(float(row[part]) for part in parts))
    for key, curve in found.items():
        curve.points_ms = {b: round(values[0], 6) for b, values in samples[key].items() if len(values) == 1}
        yield curve


def fitted(folder: Path) -> Iterator[RawCurve]:
    """Models known by their fit alone: client-side latencies of DeepLearningExamples' documents."""
    for row in rows(folder / "profile_fits/alpha_beta_fits.csv"):
        model = FITTED_NAMES.get((row["model"], row["engine"], row["shape"]))
        if not model or row["source"] != "dle_readme" or row["gpu"] not in GPU_TYPES or row["b_min"] != "1":
            continue
        yield RawCurve(
            model=model,
            gpu_type=GPU_TYPES[row["gpu"]],
            source="profile_fits",
            path="TensorFlow/LanguageModeling/Transformer-XL/README.md",
            licence=row["licence"],
            measured_on=row["gpu"],
            engine=ENGINES[row["engine"]],
            precision=Precision(row["precision"]),
            fit_ms=(
                float(row["alpha_rel_ms"]),
                float(row["beta_rel_ms"]),
                float(row["mape_rel"]),
                int(row["b_max"]),
            ),
        )
