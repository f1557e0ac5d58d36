"""
What the server and its models say of themselves, as both doors tell it.

Every function gives the JSON of the Open Inference Protocol and of Triton's extensions to
it; the messages of the gRPC door have the same fields and are filled from the same.
"""

from __future__ import annotations

from importlib import metadata
from typing import Any

from dispatcher.contract.strings import BYTES
from dispatcher.contract.sub_cluster import ServedModel, Tensor
from dispatcher.frontend.infer_request import items_max
from dispatcher.frontend.infer_response import MODEL_VERSION
from dispatcher.frontend.service import InferenceService, ModelStatistics
from dispatcher.frontend.tenancy import Tenancy

SERVER_NAME = "fermata"
EXTENSIONS = [
    "binary_tensor_data",
    "model_configuration",
    "model_repository",
    "schedule_policy",
    "statistics",
]


_NOTHING = {"count": 0, "ns": 0}


def server_metadata() -> dict[str, Any]:
    """Only extensions that are served are named."""
    try:
        version = metadata.version("fermata-serving")
    except metadata.PackageNotFoundError:  # run from a source tree
        version = "0"
    return {"name": SERVER_NAME, "version": version, "extensions": EXTENSIONS}


def model_metadata(model: ServedModel) -> dict[str, Any]:
    """The first dimension, -1, is the number of items."""
    return {
        "name": model.id,
        "versions": [MODEL_VERSION],
        "platform": f"fermata_{model.backend.kind}",
        "inputs": [_described(tensor) for tensor in model.inputs],
        "outputs": [_described(tensor) for tensor in model.outputs],
    }


def model_config(model: ServedModel, tenancy: Tenancy) -> dict[str, Any]:
    """
    In the form that load generators for Triton read.

    ``max_batch_size`` is the most items of one request, and the dispatcher's largest batch.
    """
    return {
        "name": model.id,
        "platform": f"fermata_{model.backend.kind}",
        "backend": model.backend.kind,
        "version_policy": {"latest": {"num_versions": 1}},
        "max_batch_size": items_max(model),
        "input": [_configured(tensor) for tensor in model.inputs],
        "output": [_configured(tensor) for tensor in model.outputs],
        "dynamic_batching": {
            "priority_levels": tenancy.levels,
            "default_priority_level": tenancy.default_level,
        },
        "instance_group": [],
        "parameters": {
            "batch_size_max": {"string_value": str(items_max(model))},
            "slo_us": {"string_value": str(model.slo_us)},
        },
    }


def model_index(service: InferenceService, *, ready_only: bool) -> list[dict[str, str]]:
    """Every model of the plan, and why it does not serve where it does not."""
    entries = []
    for index, model in enumerate(service.models):
        reason = _why_not_ready(service, index)
        if not reason or not ready_only:
            state = "UNAVAILABLE" if reason else "READY"
            entries.append(
                {"name": model.id, "version": MODEL_VERSION, "state": state, "reason": reason or ""}
            )
    return entries


def model_is_ready(service: InferenceService, index: int) -> bool:
    return _why_not_ready(service, index) is None


def statistics(service: InferenceService, indices: range) -> dict[str, Any]:
    """The statistics extension; of these models of the service."""
    return {
        "model_stats": [_statistics(service.models[index], service.statistics(index)) for index in indices]
    }


def _why_not_ready(service: InferenceService, index: int) -> str | None:
    if not service.admits(index):
        return "unloaded"
    return None if service.ready else "no GPU serves, or the dispatcher is draining"


def _statistics(model: ServedModel, sums: ModelStatistics) -> dict[str, Any]:
    """All that is not execution counts as queueing; the fields of what is not measured or not there are 0."""
    return {
        "name": model.id,
        "version": MODEL_VERSION,
        "last_inference": sums.last_arrival_ms,
        "inference_count": sums.executed,
        "execution_count": sum(count for _, count, _ in sums.batches_by_size),
        "inference_stats": {
            "success": _duration(sums.succeeded, sums.succeeded_us),
            "fail": _duration(sums.failed, sums.failed_us),
            "queue": _duration(sums.executed, sums.queue_us),
            "compute_infer": _duration(sums.executed, sums.execution_us),
            **dict.fromkeys(("compute_input", "compute_output", "cache_hit", "cache_miss"), _NOTHING),
        },
        "batch_stats": [
            {
                "batch_size": size,
                "compute_infer": _duration(count, execution_us),
                **dict.fromkeys(("compute_input", "compute_output"), _NOTHING),
            }
            for size, count, execution_us in sums.batches_by_size
        ],
    }


def _duration(count: int, total_us: int) -> dict[str, int]:
    return {"count": count, "ns": total_us * 1_000}


def _described(tensor: Tensor) -> dict[str, Any]:
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": [-1, *tensor.shape]}


def _configured(tensor: Tensor) -> dict[str, Any]:
    kind = "STRING" if tensor.datatype == BYTES else tensor.datatype  # Triton's configurations call it so
    return {"name": tensor.name, "data_type": f"TYPE_{kind}", "dims": list(tensor.shape)}
