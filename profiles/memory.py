r"""
How much GPU memory a model takes: weights once, workspace for each request of a batch.

Weights are counted, :math:`W = P \cdot s`, with P the published number of parameters and s the bytes of
one number. Workspace is estimated, by one of two rules whose factors were calibrated on measured memory
(docs/decisions/0002-catalogue-rules.md has the residuals).
"""

from __future__ import annotations

from enum import StrEnum

GIB = 2**30  # bytes

ACTIVATION_FACTOR = 1.24
"""Workspace of an engine that keeps every layer's output, over those outputs' own bytes.
Calibrated on VGG16 under Caffe (nexus_titanx: 64.0 MiB an image against 13.56 million activations)."""

HIDDEN_TENSORS = 41
"""Workspace of a transformer engine that reuses its buffers, in tensors of tokens x width.
Calibrated on three GPT sizes with two prompts each under FasterTransformer, key-value cache taken off:
30.8 to 40.6, mean 35.9; the largest is taken, so that none of the six is underestimated."""

LOAD_BASE_S = 1.0
LOAD_GIB_PER_S = 1.0
"""Loading: our estimate of process start and of reading and deserialising weights from a local disk."""


class Precision(StrEnum):
    """The number format that an engine computes in; TF32 stores 32 bits and multiplies with 19."""

    FP32 = "FP32"
    TF32 = "TF32"
    FP16 = "FP16"
    INT8 = "INT8"

    @property
    def bytes(self) -> int:
        """Bytes that one stored number takes."""
        return {"FP32": 4, "TF32": 4, "FP16": 2, "INT8": 1}[self.value]


def weights_gib(parameters_m: float, precision: Precision) -> float:
    r"""GiB of the weights, :math:`P \cdot s / 2^{30}`, for ``parameters_m`` million parameters."""
    return parameters_m * 1e6 * precision.bytes / GIB


def activation_workspace_gib(activations_m: float, precision: Precision) -> float:
    """
    GiB for each request of a batch, for a network with ``activations_m`` million numbers of layer output.

    An upper estimate: it supposes that every layer's output stays in memory to the end of
    the batch. Engines that reuse buffers take less.
    """
    return ACTIVATION_FACTOR * activations_m * 1e6 * precision.bytes / GIB


def encoder_workspace_gib(tokens: int, width: int, precision: Precision) -> float:
    """GiB for each request of a batch, for a transformer over ``tokens`` vectors of ``width`` numbers."""
    return HIDDEN_TENSORS * tokens * width * precision.bytes / GIB


def key_value_cache_gib(tokens: int, layers: int, width: int, precision: Precision) -> float:
    """GiB for each request of a generation: keys and values of every layer for ``tokens`` in and out."""
    return 2 * tokens * layers * width * precision.bytes / GIB


def load_time_s(model_weights_gib: float, gib_per_s: float = LOAD_GIB_PER_S) -> float:
    """Seconds to load a model on a GPU, estimated."""
    return LOAD_BASE_S + model_weights_gib / gib_per_s
