"""Memory: weights are counted, workspace is estimated on the safe side of what was measured."""

from __future__ import annotations

import pytest

from profiles.memory import (
    GIB,
    Precision,
    activation_workspace_gib,
    encoder_workspace_gib,
    key_value_cache_gib,
    load_time_s,
    weights_gib,
)


@pytest.mark.parametrize(("precision", "size"), [("FP32", 4), ("TF32", 4), ("FP16", 2), ("INT8", 1)])
def test_bytes_of_a_number(precision: str, size: int) -> None:
    assert Precision(precision).bytes == size


def test_weights_are_parameters_times_bytes() -> None:
    assert weights_gib(GIB / 1e6, Precision.FP16) == 2.0
    assert weights_gib(25.6, Precision.FP32) == pytest.approx(0.0954, abs=1e-4)


def test_workspace_rule_gives_what_nexus_measured_for_vgg16() -> None:
    """64.0 MiB an image at FP32 under Caffe; 13.56 million layer outputs (timm)."""
    assert activation_workspace_gib(13.56, Precision.FP32) * 1024 == pytest.approx(64.0, rel=0.01)


@pytest.mark.parametrize(
    ("tokens", "tokens_out", "layers", "width", "measured_gib"),
    [
        (128, 8, 24, 1024, 0.02233),
        (512, 32, 24, 1024, 0.08125),
        (128, 8, 24, 2048, 0.04133),
        (512, 32, 24, 2048, 0.15968),
        (128, 8, 32, 4096, 0.10607),
        (512, 32, 32, 4096, 0.41193),
    ],
)
def test_workspace_rule_covers_what_fastertransformer_measured_for_gpt(
    tokens: int, tokens_out: int, layers: int, width: int, measured_gib: float
) -> None:
    """Median slope of GPU memory over batch size, docs/gpt_guide.md: never below, at most a fifth above."""
    estimate = encoder_workspace_gib(tokens, width, Precision.FP16) + key_value_cache_gib(
        tokens + tokens_out, layers, width, Precision.FP16
    )
    assert measured_gib * 0.999 <= estimate <= measured_gib * 1.2


def test_loading_takes_longer_for_more_weights() -> None:
    assert 0 < load_time_s(0.0) < load_time_s(10.0)
