"""The sub-cluster specification, as dispatchers read it (``dispatcher.contract.sub_cluster``)."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

SPEC_EXAMPLE: dict[str, Any] = {
    "id": "A100-40GB/zone-a/1",
    "plan_version": 3,
    "gpus": 2,
    "models": [
        {
            "id": "resnet50",
            "slo_us": 25_000,
            "latency_us": [0, 2_450, 2_800],
            "inputs": [{"name": "input", "datatype": "FP32", "shape": [4]}],
            "outputs": [{"name": "output", "datatype": "FP32", "shape": [4]}],
            "backend": {"kind": "emulated", "path": None, "batch_sizes": []},
            "queue_max": 10_000,
            "weights_gib": 0.1,
            "workspace_gib_per_item": 0.02,
        }
    ],
    "rules": {
        "policy": "adaptive",
        "drop": None,
        "timeout_share": 0.25,
        "commit_ahead_us": 5_000,
        "preemption_factor": 3.03,
        "time_quantile": 0.9,
    },
    "delays": {"ctrl_us": 100, "data_us": 50, "resp_us": 2_000},
    "reporting": {"url": "http://127.0.0.1:8080", "interval_s": 5.0},
}


class TensorOut(BaseModel):
    name: str
    datatype: str
    shape: list[int]


class BackendOut(BaseModel):
    kind: str
    path: str | None
    batch_sizes: list[int]


class ServedModelOut(BaseModel):
    """One model: `latency_us[b]` is the time of a batch of b."""

    id: str
    slo_us: int
    latency_us: list[int]
    inputs: list[TensorOut]
    outputs: list[TensorOut]
    backend: BackendOut
    queue_max: int
    weights_gib: float = Field(description="On each GPU, as the profile has it.")
    workspace_gib_per_item: float


class RulesOut(BaseModel):
    policy: str = Field(description="When a batch that could start does start.")
    drop: str | None = Field(description="Which requests are given up; null for the policy's own rule.")
    timeout_share: float = Field(description="Share of its SLO that a head waits under the timeout policy.")
    commit_ahead_us: int = Field(
        description="How long before its GPU is free a batch is sent under the clockwork policy."
    )
    preemption_factor: float = Field(
        description="How many times as large a batch preempts another under the shepherd policy."
    )
    time_quantile: float | None = Field(
        description="The quantile of measured execution times that counts; null to trust the profile."
    )


class DelaysOut(BaseModel):
    ctrl_us: int
    data_us: int
    resp_us: int


class ReportingOut(BaseModel):
    url: str
    interval_s: float


class SubClusterSpecOut(BaseModel):
    """What a dispatcher must know to run one sub-cluster of one plan version."""

    model_config = ConfigDict(json_schema_extra={"examples": [SPEC_EXAMPLE]})

    id: str
    plan_version: int
    gpus: int
    models: list[ServedModelOut]
    rules: RulesOut
    delays: DelaysOut
    reporting: ReportingOut | None
