"""Workspace for each request: measured where published, else by the rules of ``profiles.memory``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from profiles.memory import (
    GIB,
    HIDDEN_TENSORS,
    Precision,
    activation_workspace_gib,
    encoder_workspace_gib,
    key_value_cache_gib,
)
from tools.catalogue.published import Transformer
from tools.catalogue.raw import rows

SAME_NETWORK_DISTANCE = 0.06
"""Distance below which two rows are one network, perhaps at two image sides."""

SIDE_WEIGHT = 0.02  # a network at the same side is a better witness than one at another

OTHER_NETWORK_FACTOR = 1.94
"""Allowance where the nearest network is another one: nine in ten networks have at most this many times the
layer output of the nearest network of another family (``--report`` prints the spread)."""


@dataclass(frozen=True, slots=True)
class Network:
    """A timm network at one image side: parameters and layer outputs in millions, giga multiply-adds."""

    name: str
    side: int
    parameters_m: float
    giga_multiply_adds: float
    activations_m: float

    @property
    def family(self) -> str:
        return "".join(c for c in self.name.split("_")[0] if c.isalpha())

    def distance(self, parameters_m: float, giga_multiply_adds: float, side: int) -> float:
        """Log ratios of parameters and of multiply-adds for each pixel, and a little of the side."""
        multiply_adds = self.giga_multiply_adds * self._pixels_ratio(side)
        return (
            abs(math.log(self.parameters_m / parameters_m))
            + abs(math.log(multiply_adds / giga_multiply_adds))
            + SIDE_WEIGHT * abs(math.log(self.side / side))
        )

    def activations_at(self, side: int) -> float:
        """Millions of numbers of layer output at another image side: they grow with the pixels."""
        return self.activations_m * self._pixels_ratio(side)

    def _pixels_ratio(self, side: int) -> float:
        return (side / self.side) ** 2


def timm_networks(folder: Path) -> list[Network]:
    """Every network of timm's inference benchmark with its layer outputs counted."""
    found: dict[tuple[str, int], Network] = {}
    for row in rows(folder / "timm/timm_infer_benchmark.csv"):
        if row["model"].startswith("test_") or not row["macts_m"] or not row["gmacs"]:
            continue
        gmacs, activations = float(row["gmacs"]), float(row["macts_m"])
        if gmacs >= 0.02 and activations > 0:
            name, side = row["model"].split(".")[0], int(row["img_size"])
            found.setdefault(
                (name, side), Network(name, side, float(row["param_count_m"]), gmacs, activations)
            )
    return list(found.values())


def activations(
    networks: list[Network], parameters_m: float, giga_multiply_adds: float, side: int
) -> tuple[float, str]:
    """Millions of numbers of layer output, estimated, and how."""
    nearest = min(networks, key=lambda n: n.distance(parameters_m, giga_multiply_adds, side))
    distance = nearest.distance(parameters_m, giga_multiply_adds, side)
    if distance <= SAME_NETWORK_DISTANCE:
        return nearest.activations_at(side), f"timm {nearest.name} at {nearest.side}"
    value = nearest.activations_at(side) * OTHER_NETWORK_FACTOR
    return value, f"{OTHER_NETWORK_FACTOR} x nearest timm {nearest.name} at {nearest.side}"


def slope_gib(memory_gib: dict[int, float]) -> float:
    """Memory for one more request: median of the slopes between all pairs of batch sizes (Theil, Sen)."""
    sizes = sorted(memory_gib)
    return median(
        (memory_gib[b] - memory_gib[a]) / (b - a) for i, a in enumerate(sizes) for b in sizes[i + 1 :]
    )


def transformer_gib(shape: Transformer, precision: Precision) -> tuple[float, str]:
    """By the rule for transformers, and the rule in words."""
    value = encoder_workspace_gib(shape.tokens, shape.width, precision)
    rule = f"{HIDDEN_TENSORS} tensors of {shape.tokens} tokens x {shape.width}"
    if shape.layers:
        tokens = shape.tokens + shape.tokens_out
        value += key_value_cache_gib(tokens, shape.layers, shape.width, precision)
        rule += f" and keys and values of {tokens} tokens in {shape.layers} layers"
    return value, rule


def convolution_gib(activations_m: float, precision: Precision) -> float:
    return activation_workspace_gib(activations_m, precision)


def hidden_tensors(memory_gib: dict[int, float], shape: Transformer) -> float:
    """Measured workspace less key-value cache, in tensors of tokens x width at FP16."""
    cache = key_value_cache_gib(shape.tokens + shape.tokens_out, shape.layers, shape.width, Precision.FP16)
    return (slope_gib(memory_gib) - cache) * GIB / (shape.tokens * shape.width * Precision.FP16.bytes)
