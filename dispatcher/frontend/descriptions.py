"""What the server and its models say of themselves: metadata and configuration."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from dispatcher.contract.sub_cluster import ServedModel, Tensor
from dispatcher.frontend.infer_response import MODEL_VERSION

SERVER_NAME = "fermata"
EXTENSIONS = ["binary_tensor_data", "model_configuration"]


def server_metadata() -> dict[str, Any]:
    """``GET /v2``; only extensions that are served are named."""
    try:
        version = metadata.version("fermata-serving")
    except metadata.PackageNotFoundError:  # run from a source tree
        version = "0"
    return {"name": SERVER_NAME, "version": version, "extensions": EXTENSIONS}


def model_metadata(model: ServedModel) -> dict[str, Any]:
    """``GET /v2/models/{name}``; shapes are those of one request, which carries one item."""
    return {
        "name": model.id,
        "versions": [MODEL_VERSION],
        "platform": f"fermata_{model.backend.kind}",
        "inputs": [_described(tensor) for tensor in model.inputs],
        "outputs": [_described(tensor) for tensor in model.outputs],
    }


def model_config(model: ServedModel) -> dict[str, Any]:
    """
    ``GET /v2/models/{name}/config``, in the form that load generators for Triton read.

    ``max_batch_size`` is the largest first dimension of a request, 1; the dispatcher's own
    batches are described under ``parameters``.
    """
    return {
        "name": model.id,
        "platform": f"fermata_{model.backend.kind}",
        "backend": model.backend.kind,
        "version_policy": {"latest": {"num_versions": 1}},
        "max_batch_size": 1,
        "input": [_configured(tensor) for tensor in model.inputs],
        "output": [_configured(tensor) for tensor in model.outputs],
        "dynamic_batching": {},
        "instance_group": [],
        "parameters": {
            "batch_size_max": {"string_value": str(len(model.latency_us) - 1)},
            "slo_us": {"string_value": str(model.slo_us)},
        },
    }


def _described(tensor: Tensor) -> dict[str, Any]:
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": [1, *tensor.shape]}


def _configured(tensor: Tensor) -> dict[str, Any]:
    return {"name": tensor.name, "data_type": f"TYPE_{tensor.datatype}", "dims": list(tensor.shape)}
