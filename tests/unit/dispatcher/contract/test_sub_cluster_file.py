from __future__ import annotations

import json
from typing import Any

import pytest

from dispatcher.contract.sub_cluster import (
    LoadReporting,
    ModelBackend,
    ServedModel,
    SubClusterSpec,
    Tenant,
    Tensor,
)
from dispatcher.contract.sub_cluster_file import decode_sub_cluster, encode_sub_cluster, parse_sub_cluster
from dispatcher.core.delays import Delays
from dispatcher.core.rules import Policy, Rules
from profiles.faults import InputInvalid


def valid() -> dict[str, Any]:
    return {
        "id": "sc",
        "plan_version": 3,
        "gpus": 2,
        "models": [{"id": "m", "slo_us": 50_000, "latency_us": [0, 1_000, 1_500]}],
    }


def faults_of(data: object) -> dict[str, str]:
    with pytest.raises(InputInvalid) as caught:
        parse_sub_cluster(data)
    return {fault.field: str(fault) for fault in caught.value.faults}


def test_defaults_are_filled_in() -> None:
    spec = parse_sub_cluster(valid())
    assert spec.rules.policy is Policy.ADAPTIVE
    assert spec.delays == Delays()
    assert spec.models[0].backend.kind == "emulated"
    assert spec.reporting is None


def test_a_written_specification_reads_back_equal() -> None:
    model = ServedModel(
        "a/b",
        20_000,
        (0, 900, 1_000),
        inputs=(Tensor("x", "INT64", ()), Tensor("y", "FP16", (2, 3))),
        backend=ModelBackend("onnx", "model.onnx"),
    )
    spec = SubClusterSpec(
        "sc",
        1,
        4,
        (model,),
        Rules(Policy.EAGER),
        Delays(1, 2, 3),
        LoadReporting("http://127.0.0.1:1", 0.5),
        (Tenant("gold", 3, 1), Tenant("silver")),
    )
    assert decode_sub_cluster(encode_sub_cluster(spec)) == spec


def test_every_fault_is_reported_at_once() -> None:
    data = valid()
    data["gpus"] = 0
    data["surprise"] = 1
    data["delays"] = {"ctrl_us": -1}
    data["reporting"] = {"url": "ftp://x", "interval_s": 0}
    data["models"].append({"id": "m", "slo_us": "fast", "latency_us": [0]})
    data["tenants"] = [{"id": "a", "weight": 0, "priority": 101}, {"id": "a"}, {"id": ""}]
    structural = faults_of(data)
    assert set(structural) == {"surprise", "delays", "models[1].slo_us"}
    del data["surprise"], data["delays"]
    data["models"][1]["slo_us"] = -5
    assert set(faults_of(data)) == {
        "gpus",
        "reporting.url",
        "reporting.interval_s",
        "models[1].slo_us",
        "models[1].latency_us",
        "models[].id",
        "tenants[0].weight",
        "tenants[0].priority",
        "tenants[2].id",
        "tenants[].id",
    }


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"latency_us": [1, 2]}, "models[0].latency_us[0]", "must be 0, got 1"),
        ({"latency_us": [0, 0]}, "models[0].latency_us[1]", "got 0"),
        (
            {"latency_us": [0, 5, 4]},
            "models[0].latency_us[2]",
            "must not be below the batch before it, 5, got 4",
        ),
        ({"inputs": []}, "models[0].inputs", "at least one tensor"),
        (
            {"inputs": [{"name": "x", "datatype": "BF16", "shape": []}]},
            "models[0].inputs[0].datatype",
            "BF16",
        ),
        (
            {"outputs": [{"name": "x", "datatype": "FP32", "shape": [0]}]},
            "models[0].outputs[0].shape[0]",
            "got 0",
        ),
        (
            {"outputs": [{"name": "x", "datatype": "FP32", "shape": [9**9]}]},
            "models[0].outputs[0].shape",
            "at most",
        ),
        (
            {"outputs": [{"name": "x", "datatype": "BYTES", "shape": [65_537]}]},
            "models[0].outputs[0].shape",
            "at most 65536 elements",
        ),
        (
            {
                "inputs": [{"name": "x", "datatype": "BYTES", "shape": []}],
                "backend": {"kind": "torch", "path": "p"},
            },
            "models[0].backend.kind",
            "must be emulated or onnx for tensors of BYTES, got 'torch'",
        ),
        (
            {"backend": {"kind": "magic"}},
            "models[0].backend.kind",
            "emulated, onnx, torch, got 'magic'",
        ),
        ({"backend": {"kind": "onnx"}}, "models[0].backend.path", "got None"),
        ({"backend": {"kind": "torch"}}, "models[0].backend.path", "got None"),
        ({"backend": {"batch_sizes": [8, 4]}}, "models[0].backend.batch_sizes", "ascend"),
        ({"backend": {"batch_sizes": [1]}}, "models[0].backend.batch_sizes", "reach the largest batch"),
        ({"queue_max": 0}, "models[0].queue_max", "at least 1"),
        ({"id": ""}, "models[0].id", "empty"),
    ],
)
def test_a_fault_names_field_value_and_limit(change: dict[str, Any], field: str, words: str) -> None:
    data = valid()
    data["models"][0] |= change
    found = faults_of(data)
    assert list(found) == [field]
    assert words in found[field]


def test_a_policy_that_preempts_is_refused_for_workers_cannot() -> None:
    data = valid()
    data["rules"] = {"policy": "shepherd"}
    assert "must not be shepherd" in faults_of(data)["rules.policy"]
    for policy in ("clockwork", "nexus"):
        data["rules"] = {"policy": policy}
        assert parse_sub_cluster(data).rules.policy == policy


@pytest.mark.parametrize("data", [None, [], 3, "x", {}])
def test_anything_else_is_a_fault(data: object) -> None:
    assert faults_of(data)


def test_a_truncated_file_is_a_fault() -> None:
    text = json.dumps(valid())
    with pytest.raises(InputInvalid, match="must be valid JSON"):
        decode_sub_cluster(text[: len(text) // 2])
