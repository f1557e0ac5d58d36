from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from api.try_out.config import parse_try_out, summary
from dispatcher.contract.sub_cluster import ModelBackend, Tensor
from dispatcher.contract.sub_cluster_file import decode_sub_cluster, encode_sub_cluster
from dispatcher.core.rules import Policy
from profiles.catalogue import load_catalogue
from profiles.faults import InputInvalid

EXAMPLE = Path(__file__).resolve().parents[3] / "examples/up.yaml"


def config(**changes: Any) -> dict[str, Any]:
    return {"gpu_type": "T4", "gpus": 2, "models": [{"name": "ResNet50", "slo_ms": 60}]} | changes


def faults_of(data: object) -> dict[str, str]:
    with pytest.raises(InputInvalid) as error:
        parse_try_out(data)
    return {fault.field: fault.limit for fault in error.value.faults}


def test_the_example_is_a_sub_cluster_of_catalogue_profiles() -> None:
    try_out = parse_try_out(yaml.safe_load(EXAMPLE.read_text(encoding="utf-8")))
    assert [model.id for model in try_out.spec.models] == ["ResNet50", "EfficientNetB0", "search-ranking"]
    profile = load_catalogue().profile("ResNet50", "T4")
    assert profile is not None
    resnet, efficient_net, _ = try_out.spec.models
    assert resnet.latency_us == tuple(profile.curve.table_us(profile.batch_size_max).tolist())
    assert len(efficient_net.latency_us) == 13
    assert (try_out.gpu_type, try_out.spec.gpus, try_out.doors.http_port) == ("T4", 2, 8000)
    assert decode_sub_cluster(encode_sub_cluster(try_out.spec)) == try_out.spec
    assert [row["id"] for row in summary(try_out)] == [model.id for model in try_out.spec.models]


def test_every_fault_is_named_at_once() -> None:
    found = faults_of(
        {
            "gpu_type": "T5",
            "gpus": 0,
            "policy": "shepherd",
            "modells": 3,
            "doors": {"http_port": 8000, "grpc_port": 8001, "native_port": 8001},
            "models": [{"name": "ResNet5", "slo_ms": 60}, {"name": "ResNet50", "slo_ms": -1}, {"slo_ms": 5}],
        }
    )
    assert set(found) == {
        "gpu_type",
        "gpus",
        "policy",
        "modells",
        "doors.native_port",
        "models[0].name",
        "models[1].slo_ms",
        "models[2].name",
    }
    assert "did you mean T4" in found["gpu_type"]
    assert "did you mean ResNet50" in found["models[0].name"]


def test_an_slo_that_no_batch_can_keep_is_refused_with_the_time_it_takes() -> None:
    found = faults_of(config(models=[{"name": "ResNet50", "slo_ms": 5}]))
    assert "must be at least 13.6" in found["models[0].slo_ms"]


def test_models_that_do_not_fit_the_gpu_together_are_refused() -> None:
    names = [name for name in load_catalogue().models_on("T4")]
    models = [{"name": name, "id": f"{name}-{i}", "slo_ms": 60_000} for i in range(12) for name in names]
    assert "must fit a T4's" in faults_of(config(models=models))["models"]


def test_a_model_without_a_profile_on_the_type_names_the_types_that_have_one() -> None:
    catalogue = load_catalogue()
    name = next(m for m in catalogue.models if m not in catalogue.models_on("A10"))
    found = faults_of(config(gpu_type="A10", models=[{"name": name, "slo_ms": 1_000}]))
    assert "has no profile on A10" in found["models[0].name"]


def test_a_curve_of_ones_own_needs_no_catalogue() -> None:
    own = {"name": "mine", "slo_ms": 50, "latency_ms": {"alpha": 1, "beta": 4}, "batch_size_max": 8}
    try_out = parse_try_out({"gpus": 1, "policy": "eager", "models": [own]})
    (model,) = try_out.spec.models
    assert model.latency_us == (0, *(4_000 + 1_000 * size for size in range(1, 9)))
    assert (try_out.gpu_type, try_out.spec.rules.policy) == (None, Policy.EAGER)
    assert (
        "is required"
        in faults_of({"gpus": 1, "models": [{"name": "ResNet50", "slo_ms": 60}]})["models[0].latency_ms"]
    )


def test_two_models_of_one_id_and_things_that_are_no_config() -> None:
    twice = [{"name": "ResNet50", "slo_ms": 60}, {"name": "ResNet50", "slo_ms": 90}]
    assert "two models" in faults_of(config(models=twice))["models[1].id"]
    assert faults_of([1]) == {"(whole)": "must be an object"}
    assert set(faults_of({})) == {"gpus", "models"}


REAL = {
    "name": "mine",
    "slo_ms": 60,
    "latency_ms": {"alpha": 1, "beta": 2},
    "backend": {"kind": "torch", "path": "mine.pt2", "batch_sizes": [8, 64]},
    "inputs": [{"name": "tokens", "datatype": "INT64", "shape": [6]}],
    "outputs": [{"name": "logits", "datatype": "FP32", "shape": [2]}],
}


def test_a_model_that_really_computes_says_with_what_and_on_which_devices() -> None:
    try_out = parse_try_out({"gpus": 2, "devices": ["0", "3"], "models": [REAL | {"batch_size_max": 16}]})
    (model,) = try_out.spec.models
    assert model.backend == ModelBackend("torch", "mine.pt2", (8, 64))
    assert model.inputs == (Tensor("tokens", "INT64", (6,)),)
    assert model.outputs == (Tensor("logits", "FP32", (2,)),)
    assert try_out.devices == ("0", "3")


def test_faults_of_backends_tensors_and_devices() -> None:
    strings = [{"name": "text", "datatype": "BYTES", "shape": [1]}]
    found = faults_of(
        {
            "gpus": 3,
            "devices": ["0", "1"],
            "models": [
                REAL | {"id": "a", "backend": {"kind": "torch"}},
                REAL | {"id": "b", "inputs": strings},
                {key: REAL[key] for key in REAL if key != "outputs"} | {"id": "c"},
                REAL | {"id": "d", "inputs": [{"name": "x", "datatype": "FP3", "shape": [0]}]},
                REAL | {"id": "e", "backend": {"kind": "torch", "file": "x"}},
            ],
        }
    )
    assert set(found) == {
        "devices",
        "models[0].backend.path",
        "models[1].backend.kind",
        "models[2].outputs",
        "models[3].inputs[0].datatype",
        "models[3].inputs[0].shape[0]",
        "models[4].backend.file",
    }
    assert faults_of({"gpus": 2, "devices": ["1", "1"], "models": [REAL]}) == {
        "devices": "must name each device once"
    }
