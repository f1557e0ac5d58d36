"""The load client over gRPC: the Open Inference Protocol by tritonclient's stubs, one call a request."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import grpc
import numpy as np
from tritonclient.grpc import service_pb2, service_pb2_grpc

from dispatcher.contract.strings import binary
from dispatcher.frontend.load_result import Reply
from dispatcher.frontend.load_target import Target, TargetUnsuitable, made_up, slo_ms_of, tensor_of
from dispatcher.frontend.load_transport import OnAnswer, Sending, Verdict

ASK_S_MAX = 10.0
CHANNELS = 4
"""Connections; requests take turns, for one HTTP/2 connection has one flow control."""

MESSAGE_BYTES_MAX = 256 * 2**20
OPTIONS = [
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.use_local_subchannel_pool", 1),  # else the channels share one connection
]

REASON_KEY = "fermata-reason"
"""Of the trailing metadata: the dispatcher's word for a refusal."""

REFUSED_CODES = (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE)


def grpc_targets(
    address: str, models: Sequence[str], credentials: grpc.ChannelCredentials | None = None
) -> list[Target]:
    """Each model as the server describes it, over TLS with ``credentials``. Raises ``TargetUnsuitable``."""
    with _channel(grpc, address, credentials) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        try:
            return [_target(stub, model) for model in models]
        except grpc.RpcError as error:
            raise TargetUnsuitable(f"{address}: {error.code().name} {error.details()}") from error


def grpc_request(
    target: Target, parameters: Mapping[str, Any], random: np.random.Generator
) -> service_pb2.ModelInferRequest:
    """An infer request of one item with made-up numbers, tensors as raw bytes."""
    request = service_pb2.ModelInferRequest(model_name=target.id)
    for name, value in parameters.items():
        if isinstance(value, int):
            request.parameters[name].int64_param = value
        else:
            request.parameters[name].string_param = value
    for tensor in target.inputs:
        array = made_up(tensor, random)
        given = request.inputs.add()
        given.name, given.datatype = tensor.name, tensor.datatype
        given.shape.extend(array.shape)
        request.raw_input_contents.append(binary(array))
    return request


class GrpcTransport:
    """Sends each model's request as a call of its own."""

    def __init__(
        self,
        address: str,
        requests: Mapping[str, service_pb2.ModelInferRequest],
        credentials: grpc.ChannelCredentials | None = None,
    ) -> None:
        self._address = address
        self._credentials = credentials
        self._requests = requests
        self._channels: list[grpc.aio.Channel] = []
        self._calls: list[Any] = []
        self._turn = 0
        self._tasks: set[asyncio.Task[None]] = set()

    held_back = 0  # a connection takes any number of calls

    async def open(self, on_answer: OnAnswer) -> None:
        self._on_answer = on_answer
        for _ in range(CHANNELS):
            channel = _channel(grpc.aio, self._address, self._credentials)
            self._channels.append(channel)
            self._calls.append(service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer)

    def send(self, sending: Sending) -> None:
        self._turn = (self._turn + 1) % CHANNELS
        call = self._calls[self._turn](self._requests[sending.model])
        task = asyncio.create_task(self._await(sending, call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(channel.close() for channel in self._channels))

    async def _await(self, sending: Sending, call: grpc.aio.UnaryUnaryCall[Any, Any]) -> None:
        try:
            await call
        except grpc.aio.AioRpcError as error:
            self._on_answer(sending, _verdict(error))
        else:
            self._on_answer(sending, Verdict(Reply.OK))


def _channel(library: Any, address: str, credentials: grpc.ChannelCredentials | None) -> Any:
    """A channel of ``grpc`` or ``grpc.aio``."""
    if credentials is None:
        return library.insecure_channel(address, options=OPTIONS)
    return library.secure_channel(address, credentials, options=OPTIONS)


def _verdict(error: grpc.aio.AioRpcError) -> Verdict:
    code = error.code()
    metadata = dict(error.trailing_metadata() or ())
    word = str(metadata[REASON_KEY]) if REASON_KEY in metadata else None
    reason = word or code.name.lower()
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Verdict(Reply.LATE if word in (None, "late") else Reply.REFUSED, reason)
    if code is grpc.StatusCode.UNAVAILABLE and word is None:  # gRPC's own word for a broken connection
        return Verdict(Reply.ERROR, f"{code.name}: {error.details()}")
    if code in REFUSED_CODES:
        return Verdict(Reply.REFUSED, reason)
    return Verdict(Reply.ERROR, f"{code.name}: {error.details()}")


def _target(stub: Any, model: str) -> Target:
    metadata = stub.ModelMetadata(service_pb2.ModelMetadataRequest(name=model), timeout=ASK_S_MAX)
    inputs = tuple(tensor_of(model, each.name, each.datatype, each.shape) for each in metadata.inputs)
    try:
        config = stub.ModelConfig(service_pb2.ModelConfigRequest(name=model), timeout=ASK_S_MAX).config
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
            raise
        return Target(model, inputs, None)
    return Target(model, inputs, slo_ms_of(config.parameters))
