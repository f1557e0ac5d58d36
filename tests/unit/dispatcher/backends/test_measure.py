"""Measuring: what is measured is reported, and what noise does to it never makes a curve fall."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from dispatcher.backends.backend import BackendError
from dispatcher.backends.measure import MeasuredBatch, Measurement, Statistic, cpu_name, measure_onnx
from dispatcher.backends.mlp import write_mlp
from profiles.codec import profile_to_json
from profiles.faults import InputInvalid
from profiles.latency import AffineCurve
from profiles.memory import GIB, Precision
from profiles.profile import ProvenanceKind

WIDTH = 32


@pytest.fixture
def mlp(tmp_path: Path) -> Path:
    write_mlp(tmp_path / "mlp.onnx", width=WIDTH, layers=2, seed=1)
    return tmp_path / "mlp.onnx"


def a_measurement(medians_us: list[float]) -> Measurement:
    batches = tuple(MeasuredBatch(2**i, us, us * 2, 20) for i, us in enumerate(medians_us))
    return Measurement(
        "m", batches, 0.5, 0.001, "a CPU", "an engine", "2026-01-02T03:04:05Z", Precision.FP32, 1
    )


def test_measures_every_batch_size_once_and_says_on_what(mlp: Path) -> None:
    measurement = measure_onnx(mlp, [8, 1, 4, 8], repeats=5, warmup=1)
    assert [batch.batch_size for batch in measurement.batches] == [1, 4, 8]
    assert all(batch.repeats == 5 for batch in measurement.batches)
    assert all(0 < batch.median_us <= batch.p95_us for batch in measurement.batches)
    assert measurement.model == "mlp"
    assert measurement.measured_on == cpu_name() != ""
    assert "ONNX Runtime" in measurement.engine
    assert "1 thread" in measurement.engine


def test_memory_is_counted_from_the_graph(mlp: Path) -> None:
    measurement = measure_onnx(mlp, [1, 2, 4], repeats=1, warmup=0)
    assert measurement.weights_gib == 2 * (WIDTH * WIDTH + WIDTH) * 4 / GIB
    tensors = 1 + 3 * 2  # the input, then product, sum and output of each of two layers
    assert measurement.workspace_gib_per_item == tensors * WIDTH * 4 / GIB


def test_profile_is_a_problem_s_profile(mlp: Path) -> None:
    profile = measure_onnx(mlp, [1, 2, 4, 8], repeats=3, warmup=1).profile()
    assert profile.gpu_type == "cpu"
    assert profile.batch_size_max == 8
    assert profile.provenance.kind is ProvenanceKind.MEASURED
    data = profile_to_json(profile)
    assert ("alpha_ms" in data) != ("latency_ms" in data)
    assert data["batch_size_max"] == 8


def test_a_line_gives_an_affine_curve_anything_else_a_table() -> None:
    line = a_measurement([110.0, 120.0, 140.0, 180.0]).profile()
    assert isinstance(line.curve, AffineCurve)
    assert (line.curve.alpha_us, line.curve.beta_us) == (pytest.approx(10.0), pytest.approx(100.0))
    steps = a_measurement([100.0, 100.0, 400.0, 400.0]).profile()
    assert not isinstance(steps.curve, AffineCurve)
    assert steps.mape == 0


def test_slow_runs_can_stand_for_all() -> None:
    measurement = a_measurement([110.0, 120.0, 140.0, 180.0])
    assert measurement.profile(statistic=Statistic.P95).curve.latency_us(8) == 360
    assert "p95" in measurement.profile(statistic=Statistic.P95).provenance.source


@given(st.lists(st.floats(1.0, 1e6), min_size=1, max_size=8))
def test_no_noise_makes_a_curve_fall(medians_us: list[float]) -> None:
    profile = a_measurement(medians_us).profile()
    assert (np.diff(profile.curve.table_us(profile.batch_size_max)) >= 0).all()
    assert profile.points == tuple((2**i, us) for i, us in enumerate(medians_us))


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"batch_sizes": []}, ["batch_sizes"]),
        ({"batch_sizes": [0, 1, -3, 10**6]}, ["batch_sizes[0]", "batch_sizes[2]", "batch_sizes[3]"]),
        ({"repeats": 0, "warmup": -1, "threads": 0}, ["repeats", "warmup", "threads"]),
    ],
)
def test_numbers_out_of_range_are_reported_all_at_once(
    mlp: Path, changes: dict[str, object], fields: list[str]
) -> None:
    with pytest.raises(InputInvalid) as error:
        measure_onnx(mlp, **({"batch_sizes": [1]} | changes))  # type: ignore[arg-type]
    assert [fault.field for fault in error.value.faults] == fields


def test_a_file_that_is_no_model_is_refused(tmp_path: Path, mlp: Path) -> None:
    with pytest.raises(BackendError, match="no file"):
        measure_onnx(tmp_path / "none.onnx", [1])
    truncated = tmp_path / "truncated.onnx"
    truncated.write_bytes(mlp.read_bytes()[:-100])
    with pytest.raises(BackendError, match=r"no ONNX model|cannot load"):
        measure_onnx(truncated, [1])


def test_a_model_without_a_free_batch_is_refused(tmp_path: Path) -> None:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "fixed", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(model, tmp_path / "fixed.onnx")
    with pytest.raises(BackendError, match="first dimension, and no other, must be free"):
        measure_onnx(tmp_path / "fixed.onnx", [1])


def test_precision_is_that_of_the_weights(mlp: Path) -> None:
    measurement = measure_onnx(mlp, [1, 2, 4], repeats=1, warmup=0)
    assert measurement.precision is Precision.FP32
    assert dataclasses.replace(measurement, precision=Precision.FP16).profile().provenance.precision == "FP16"
