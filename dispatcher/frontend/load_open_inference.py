"""The load client's HTTP requests in the Open Inference Protocol: what is served, and a body for it."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import numpy as np

from dispatcher.contract.strings import binary as as_binary
from dispatcher.frontend.load_http import HttpPayload, infer_path
from dispatcher.frontend.load_target import Target, TargetUnsuitable, made_up, slo_ms_of, tensor_of
from dispatcher.frontend.tensors import to_json_list

ASK_S_MAX = 10.0


def http_targets(url: str, models: Sequence[str], trust: ssl.SSLContext | None = None) -> list[Target]:
    """Each model as the server describes it; ``trust`` is for https. Raises ``TargetUnsuitable``."""
    try:
        with httpx.Client(base_url=url, timeout=ASK_S_MAX, verify=trust or True) as client:
            return [_target(client, model) for model in models]
    except (httpx.TransportError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise TargetUnsuitable(f"{url} cannot be reached: {error}") from error


def http_payload(
    target: Target, parameters: Mapping[str, Any], random: np.random.Generator, *, binary: bool
) -> HttpPayload:
    """An infer request of one item with made-up numbers; tensors as raw bytes where ``binary``."""
    inputs: list[dict[str, Any]] = []
    raw = b""
    for tensor in target.inputs:
        array = made_up(tensor, random)
        described = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(array.shape)}
        if binary:
            part = as_binary(array)
            raw += part
            inputs.append(described | {"parameters": {"binary_data_size": len(part)}})
        else:
            inputs.append(described | {"data": to_json_list(array)})
    asked = dict(parameters) | ({"binary_data_output": True} if binary else {})
    body = msgspec.json.encode(({"parameters": asked} if asked else {}) | {"inputs": inputs})
    if not binary:
        return HttpPayload(infer_path(target.id), body)
    headers = f"Inference-Header-Content-Length: {len(body)}\r\n"
    path = infer_path(target.id)
    return HttpPayload(path, body + raw, content_type="application/octet-stream", headers=headers)


def _target(client: httpx.Client, model: str) -> Target:
    path = f"/v2/models/{quote(model, safe='')}"
    metadata = client.get(path)
    if metadata.status_code != 200:
        raise TargetUnsuitable(f"model {model}: {metadata.status_code} {metadata.text[:200]}")
    inputs = tuple(
        tensor_of(model, each["name"], each["datatype"], each["shape"]) for each in metadata.json()["inputs"]
    )
    config = client.get(f"{path}/config")
    parameters = config.json().get("parameters", {}) if config.status_code == 200 else {}
    return Target(model, inputs, slo_ms_of(parameters))
