"""Answers as the client sees them: results in JSON or raw bytes, refusals with status and reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from dispatcher.contract.strings import binary
from dispatcher.contract.sub_cluster import ServedModel
from dispatcher.frontend.infer_request import InferRequest
from dispatcher.frontend.service import Completed, Reason, Refusal
from dispatcher.frontend.statuses import RETRY_AFTER_S, STATUS_BY_REASON, is_worth_trying_again
from dispatcher.frontend.tensors import to_json_list

MODEL_VERSION = "1"
JSON_TYPE = (b"content-type", b"application/json")

encode_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response."""

    status: int
    body: bytes
    headers: Sequence[tuple[bytes, bytes]] = (JSON_TYPE,)


class _OutputTensor(msgspec.Struct, omit_defaults=True):
    name: str
    datatype: str
    shape: tuple[int, ...]
    parameters: dict[str, int] = {}
    data: list[Any] | msgspec.UnsetType = msgspec.UNSET


class _InferAnswer(msgspec.Struct, omit_defaults=True):
    model_name: str
    model_version: str
    outputs: list[_OutputTensor]
    id: str | None = None


def json_response(status: int, content: object) -> Response:
    return Response(status, encode_json(content))


def error_response(
    status: int, error: str, reason: str | None = None, retry_after_s: int = RETRY_AFTER_S
) -> Response:
    """``{"error", "reason"?}``; those worth trying again say after how many seconds."""
    body = {"error": error} if reason is None else {"error": error, "reason": reason}
    headers = [JSON_TYPE]
    if is_worth_trying_again(status):
        headers.append((b"retry-after", str(retry_after_s).encode()))
    return Response(status, encode_json(body), headers)


def refusal_response(refusal: Refusal) -> Response:
    status = STATUS_BY_REASON[refusal.reason]
    return error_response(status, refusal.text, refusal.reason, refusal.retry_after_s)


def infer_response(model: ServedModel, request: InferRequest, answer: Completed) -> Response:
    """The outputs that were asked for; a number that JSON cannot say is an error of the model."""
    outputs: list[_OutputTensor] = []
    raw: list[bytes] = []
    for wanted in request.outputs:
        tensor, array = model.outputs[wanted.index], answer.outputs[wanted.index]
        entry = _OutputTensor(tensor.name, tensor.datatype, array.shape)
        if wanted.binary:
            raw.append(binary(array))
            entry.parameters = {"binary_data_size": len(raw[-1])}
        else:
            values = to_json_list(array)
            if values is None:
                what = "bytes that are no text" if array.dtype.kind == "O" else "a number that is not finite"
                text = f"output {tensor.name} holds {what}; ask for binary_data to see it"
                return refusal_response(Refusal(Reason.MODEL_FAILED, text))
            entry.data = values
        outputs.append(entry)
    header = encode_json(_InferAnswer(model.id, MODEL_VERSION, outputs, request.id))
    if not raw:
        return Response(200, header)
    headers = [
        (b"content-type", b"application/octet-stream"),
        (b"inference-header-content-length", str(len(header)).encode()),
    ]
    return Response(200, header + b"".join(raw), headers)
