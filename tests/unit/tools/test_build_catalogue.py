"""The rules that choose what the catalogue ships, on rows small enough to judge by eye."""

from __future__ import annotations

import pytest

from profiles.memory import Precision
from tools.build_catalogue import build
from tools.catalogue.raw import RawCurve, clean
from tools.catalogue.workspace import OTHER_NETWORK_FACTOR, Network, activations, slope_gib

TRT, TRITON, ORT = "TensorRT (Paddle Inference)", "TensorRT (Triton)", "ONNX Runtime (Triton)"
NETWORKS = [Network("resnet50", 224, 25.6, 4.1, 11.1), Network("vgg16", 224, 138.4, 15.5, 13.56)]
LINE = {1: 2.0, 4: 5.0, 8: 9.0}
STEP = {1: 2.0, 4: 2.0, 8: 9.0}


def raw(engine: str = TRT, precision: Precision = Precision.FP16, **changes: object) -> RawCurve:
    fields: dict[str, object] = {
        "model": "Net",
        "gpu_type": "T4",
        "source": "paddleclas",
        "path": "Net.md",
        "licence": "Apache-2.0",
        "measured_on": "T4",
        "engine": engine,
        "precision": precision,
        "points_ms": LINE,
        "side": 224,
        "parameters_m": 25.6,
        "giga_multiply_adds": 4.1,
    } | changes
    return RawCurve(**fields)  # type: ignore[arg-type]


def built(*curves: RawCurve, usable_gib: float = 14.0) -> tuple[list[dict[str, object]], list[str]]:
    _, profiles, refused = build(curves, NETWORKS, {"T4": usable_gib})
    return profiles, refused


def test_half_precision_comes_first_then_the_engine() -> None:
    (profile,), _ = built(
        raw(ORT), raw(TRT, Precision.FP32), raw(TRITON), raw(TRT, points_ms=LINE | {16: 17.0})
    )
    assert (profile["engine"], profile["precision"]) == (TRT, "FP16")
    assert profile["points_ms"] == "1:2 4:5 8:9 16:17"


def test_the_next_best_is_taken_when_the_best_is_refused() -> None:
    (profile,), refused = built(raw(points_ms={1: 2.0}), raw(TRT, Precision.FP32))
    assert profile["precision"] == "FP32"
    assert refused == []


def test_a_line_may_be_asked_for_twice_its_largest_batch_a_table_only_within() -> None:
    (line,), _ = built(raw())
    assert (line["alpha_ms"], line["beta_ms"], line["batch_size_max"]) == ("1.000000", "1.000000", 16)
    (step,), _ = built(raw(points_ms=STEP))
    assert (step["alpha_ms"], step["table_ms"], step["batch_size_max"]) == ("", "1:2 4:2 8:9", 8)


@pytest.mark.parametrize(
    "points", [{1: 2.0, 8: 9.0}, {4: 2.0, 8: 9.0, 16: 20.0}, {1: 9.0, 4: 5.0, 8: 2.0}, {}]
)
def test_too_few_points_no_batch_of_one_or_falling_latency_is_refused(points: dict[int, float]) -> None:
    profiles, refused = built(raw(points_ms=points))
    assert profiles == []
    assert len(refused) == 1
    assert refused[0].startswith("Net on T4")


def test_memory_cuts_the_largest_batch_and_refuses_what_does_not_fit() -> None:
    workspace_gib = 1.24 * 11.1e6 * 2 / 2**30
    weights_gib = 25.6e6 * 2 / 2**30
    (profile,), _ = built(raw(), usable_gib=weights_gib + 3.5 * workspace_gib)
    assert profile["batch_size_max"] == 3
    profiles, refused = built(raw(), usable_gib=weights_gib)
    assert profiles == []
    assert "exceed" in refused[0]


def test_layer_outputs_are_those_of_the_same_network_scaled_to_the_side() -> None:
    assert activations(NETWORKS, 25.5, 4.12, 224)[0] == 11.1
    value, rule = activations(NETWORKS, 25.6, 4.1 * 4, 448)
    assert value == pytest.approx(4 * 11.1)
    assert rule == "timm resnet50 at 224"


def test_another_network_gets_an_allowance() -> None:
    value, rule = activations(NETWORKS, 30.0, 5.0, 224)
    assert value == pytest.approx(OTHER_NETWORK_FACTOR * 11.1)
    assert "nearest" in rule


def test_slope_of_memory_ignores_an_outlier() -> None:
    assert slope_gib({1: 8.67, 2: 5.39, 4: 5.49, 8: 5.69, 16: 6.09}) == pytest.approx(0.05, rel=0.01)


def test_names_are_spelt_one_way() -> None:
    assert clean("Swin_384<sup>[1]</sup>") == "Swin_384"
    assert clean("VAN-B0") == "VAN_B0"
