"""The load client over gRPC, against a small server of the same protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import grpc
import numpy as np
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from dispatcher.contract.sub_cluster import Tensor
from dispatcher.frontend.load_client import drive_over
from dispatcher.frontend.load_grpc import GrpcTransport, grpc_request, grpc_targets
from dispatcher.frontend.load_result import LoadResult
from dispatcher.frontend.load_target import Target, TargetUnsuitable

ENDS = {
    "late": (grpc.StatusCode.DEADLINE_EXCEEDED, "late"),
    "hopeless": (grpc.StatusCode.DEADLINE_EXCEEDED, "deadline_unreachable"),
    "full": (grpc.StatusCode.RESOURCE_EXHAUSTED, "queue_full"),
    "busy": (grpc.StatusCode.RESOURCE_EXHAUSTED, None),
    "draining": (grpc.StatusCode.UNAVAILABLE, "draining"),
    "bad": (grpc.StatusCode.INVALID_ARGUMENT, None),
}


class Servicer(service_pb2_grpc.GRPCInferenceServiceServicer):
    """Ends each call as ``ENDS`` says for its model; others get an answer."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def ModelInfer(self, request: Any, context: Any) -> Any:
        self.asked.append(request)
        if request.model_name in ENDS:
            code, reason = ENDS[request.model_name]
            await context.abort(code, "x", () if reason is None else (("fermata-reason", reason),))
        return service_pb2.ModelInferResponse(model_name=request.model_name)

    async def ModelMetadata(self, request: Any, context: Any) -> Any:
        if request.name == "nope":
            await context.abort(grpc.StatusCode.NOT_FOUND, "model: unknown")
        answer = service_pb2.ModelMetadataResponse(name=request.name)
        answer.inputs.add(name="x", datatype="FP32" if request.name != "odd" else "BF16", shape=[-1, 3, -1])
        return answer

    async def ModelConfig(self, request: Any, context: Any) -> Any:
        answer = service_pb2.ModelConfigResponse()
        answer.config.parameters["slo_us"].string_value = "25000"
        return answer


def at_server(servicer: Servicer, ask: Callable[[str], Coroutine[Any, Any, Any]]) -> Any:
    async def run() -> Any:
        server = grpc.aio.server()
        service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            return await ask(f"127.0.0.1:{port}")
        finally:
            await server.stop(None)

    return asyncio.run(run())


def test_ends_of_calls_are_told_apart() -> None:
    servicer = Servicer()

    async def ask(address: str) -> LoadResult:
        models = ["ok", *ENDS]
        random = np.random.default_rng(1)
        requests = {
            model: grpc_request(Target(model, (Tensor("x", "FP32", (2,)),), None), {"timeout": 5_000}, random)
            for model in models
        }
        due = [(0.01 * turn, model) for turn in range(3) for model in models]
        transport = GrpcTransport(address, requests)
        return await drive_over(transport, due, dict.fromkeys(models, 60_000.0))

    result = at_server(servicer, ask)
    counts = {model.model: (model.ok, model.late, model.refused, model.error) for model in result.models}
    assert counts == {
        "ok": (3, 0, 0, 0),
        "late": (0, 3, 0, 0),
        "hopeless": (0, 0, 3, 0),
        "full": (0, 0, 3, 0),
        "busy": (0, 0, 3, 0),
        "draining": (0, 0, 3, 0),
        "bad": (0, 0, 0, 3),
    }
    assert result.reasons["queue_full"] == result.reasons["resource_exhausted"] == 3
    request = servicer.asked[0]
    assert request.parameters["timeout"].int64_param == 5_000
    assert len(request.raw_input_contents[0]) == 8
    assert list(request.inputs[0].shape) == [1, 2]


def test_models_are_described_by_the_server() -> None:
    async def ask(address: str) -> None:
        (target,) = await asyncio.to_thread(grpc_targets, address, ["m"])
        assert target == Target("m", (Tensor("x", "FP32", (3, 1)),), 25.0)
        with pytest.raises(TargetUnsuitable, match="NOT_FOUND model: unknown"):
            await asyncio.to_thread(grpc_targets, address, ["nope"])
        with pytest.raises(TargetUnsuitable, match="input x: datatype must be one of"):
            await asyncio.to_thread(grpc_targets, address, ["odd"])

    at_server(Servicer(), ask)


def test_nobody_there_is_an_error_for_each() -> None:
    request = grpc_request(Target("m", (), None), {}, np.random.default_rng(1))
    transport = GrpcTransport("127.0.0.1:1", {"m": request})
    result = asyncio.run(drive_over(transport, [(0.0, "m")] * 3, {"m": 100.0}))
    assert (result.sent, result.models[0].error) == (3, 3)
    assert "UNAVAILABLE" in result.errors[0]
