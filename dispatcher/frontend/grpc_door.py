"""
The gRPC door: the service ``inference.GRPCInferenceService`` of the Open Inference Protocol.

The messages are those that tritonclient ships. They are decoded here and not by gRPC, which
would answer what cannot be decoded with INTERNAL. A call that does not end in a result ends with a code
(``statuses``) and says why in its trailing metadata: ``fermata-reason`` a word for machines,
``retry-after`` the seconds after which another try is worth it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc
import structlog
from google.protobuf.json_format import ParseDict
from google.protobuf.message import DecodeError, Message
from tritonclient.grpc import service_pb2 as pb

from dispatcher.contract.strings import binary
from dispatcher.contract.sub_cluster import ServedModel
from dispatcher.frontend import descriptions
from dispatcher.frontend.grpc_request import contents_of, parse_message, read_parameters
from dispatcher.frontend.infer_request import InferRequest, RequestInvalid
from dispatcher.frontend.infer_response import MODEL_VERSION
from dispatcher.frontend.repository import Repository
from dispatcher.frontend.service import Completed, InferenceService, Refusal
from dispatcher.frontend.statuses import (
    GRPC_NAME_BY_STATUS,
    RETRY_AFTER_S,
    STATUS_BY_REASON,
    is_worth_trying_again,
)
from dispatcher.frontend.submission import submit
from dispatcher.frontend.tenancy import Tenancy

SERVICE = "inference.GRPCInferenceService"
REASON_KEY, RETRY_AFTER_KEY = "fermata-reason", "retry-after"

DETAILS_CHARS_MAX = 1_500
"""Status texts travel in a header, of which clients take 8 KiB in all."""

STREAM_ANSWERS_MAX = 1_024
"""So many requests of one stream are under way at once; the next is read when the oldest is answered."""

Context: TypeAlias = grpc.aio.ServicerContext
Handler: TypeAlias = Callable[[Any, Context], Awaitable[Message]]

_log = structlog.get_logger()


class GrpcDoor:
    """The calls in front of one ``InferenceService``, which may be replaced by another."""

    def __init__(self, service: InferenceService) -> None:
        self.serve(service)

    def serve(self, service: InferenceService) -> None:
        """Take calls for the models of ``service`` from now on, those of streams that are open too."""
        self._service = service
        self._repository = Repository(service)
        self._tenancy = Tenancy(service.tenants)

    def handlers(self) -> grpc.GenericRpcHandler:
        """To be added to a server of ``grpc.aio``."""
        calls: dict[str, tuple[type[Message], Callable[[Any], Message]]] = {
            "ServerLive": (pb.ServerLiveRequest, lambda _: pb.ServerLiveResponse(live=True)),
            "ServerReady": (
                pb.ServerReadyRequest,
                lambda _: pb.ServerReadyResponse(ready=self._service.ready),
            ),
            "ServerMetadata": (
                pb.ServerMetadataRequest,
                lambda _: pb.ServerMetadataResponse(**descriptions.server_metadata()),
            ),
            "ModelReady": (pb.ModelReadyRequest, self._model_ready),
            "ModelMetadata": (pb.ModelMetadataRequest, self._model_metadata),
            "ModelConfig": (pb.ModelConfigRequest, self._model_config),
            "ModelStatistics": (pb.ModelStatisticsRequest, self._model_statistics),
            "RepositoryIndex": (pb.RepositoryIndexRequest, self._repository_index),
            "RepositoryModelLoad": (pb.RepositoryModelLoadRequest, self._load),
            "RepositoryModelUnload": (pb.RepositoryModelUnloadRequest, self._unload),
        }
        methods = {name: _unary(kind, _answering(call)) for name, (kind, call) in calls.items()}
        methods["ModelInfer"] = _unary(pb.ModelInferRequest, self._infer)
        methods["ModelStreamInfer"] = grpc.stream_stream_rpc_method_handler(self._stream)
        return grpc.method_handlers_generic_handler(SERVICE, methods)

    # Inference

    async def _infer(self, message: pb.ModelInferRequest, context: Context) -> pb.ModelInferResponse:
        arrived_us = self._service.now_us()
        index = self._repository.place(message.model_name)
        model = self._service.models[index]  # the service may be another when the answer is there
        left_s = context.time_remaining()
        try:
            left_us = None if left_s is None else max(1, int(left_s * 1e6))
            request = parse_message(model, message, self._tenancy, left_us)
        except RequestInvalid:
            self._service.note_invalid(index)
            raise
        answer = await submit(self._service, index, request, arrived_us)
        if isinstance(answer, Refusal):
            raise _Refused(answer)
        return _response(model, request, answer)

    async def _stream(self, messages: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        """Requests are handed in as they come, their answers given back in that order."""
        answers: asyncio.Queue[asyncio.Task[bytes] | None] = asyncio.Queue(STREAM_ANSWERS_MAX)

        async def read() -> None:
            async for data in messages:
                await answers.put(asyncio.create_task(self._streamed(data, context)))
            await answers.put(None)

        reader = asyncio.create_task(read())
        answer: asyncio.Task[bytes] | None = None
        try:
            while (answer := await answers.get()) is not None:
                yield await answer
        finally:
            reader.cancel()
            for left in (answer, *_emptied(answers)):
                if left is not None:
                    left.cancel()

    async def _streamed(self, data: bytes, context: Context) -> bytes:
        """One answer of a stream: a fault or a refusal ends that request, not the stream."""
        message = pb.ModelInferRequest()
        try:
            message.ParseFromString(data)
            answer = pb.ModelStreamInferResponse(infer_response=await self._infer(message, context))
        except Exception as error:
            ended = _ended(error, "ModelInferRequest")
            answer = pb.ModelStreamInferResponse(error_message=ended.text)
            answer.infer_response.id = message.id
            if ended.reason is not None:
                answer.infer_response.parameters[REASON_KEY].string_param = ended.reason
        encoded: bytes = answer.SerializeToString()
        return encoded

    # Health, descriptions, repository

    def _model_ready(self, message: pb.ModelReadyRequest) -> pb.ModelReadyResponse:
        index = self._place(message.name, message.version)
        return pb.ModelReadyResponse(ready=descriptions.model_is_ready(self._service, index))

    def _model_metadata(self, message: pb.ModelMetadataRequest) -> pb.ModelMetadataResponse:
        model = self._service.models[self._place(message.name, message.version)]
        return ParseDict(descriptions.model_metadata(model), pb.ModelMetadataResponse())

    def _model_config(self, message: pb.ModelConfigRequest) -> pb.ModelConfigResponse:
        model = self._service.models[self._place(message.name, message.version)]
        config = descriptions.model_config(model, self._tenancy)
        return ParseDict({"config": config}, pb.ModelConfigResponse())

    def _model_statistics(self, message: pb.ModelStatisticsRequest) -> pb.ModelStatisticsResponse:
        index = self._place(message.name, message.version) if message.name else 0
        indices = range(index, index + 1) if message.name else range(len(self._service.models))
        return ParseDict(descriptions.statistics(self._service, indices), pb.ModelStatisticsResponse())

    def _repository_index(self, message: pb.RepositoryIndexRequest) -> pb.RepositoryIndexResponse:
        entries = descriptions.model_index(self._service, ready_only=message.ready)
        return pb.RepositoryIndexResponse(
            models=[pb.RepositoryIndexResponse.ModelIndex(**entry) for entry in entries]
        )

    def _load(self, message: pb.RepositoryModelLoadRequest) -> pb.RepositoryModelLoadResponse:
        self._repository.set_admitted(message.model_name, read_parameters(message.parameters), True)
        return pb.RepositoryModelLoadResponse()

    def _unload(self, message: pb.RepositoryModelUnloadRequest) -> pb.RepositoryModelUnloadResponse:
        self._repository.set_admitted(message.model_name, read_parameters(message.parameters), False)
        return pb.RepositoryModelUnloadResponse()

    def _place(self, name: str, version: str) -> int:
        if version not in ("", MODEL_VERSION):
            raise RequestInvalid(f"version: must be {MODEL_VERSION} or empty, got {version!r}", 404)
        return self._repository.place(name)


def _response(model: ServedModel, request: InferRequest, answer: Completed) -> pb.ModelInferResponse:
    response = pb.ModelInferResponse(model_name=model.id, model_version=MODEL_VERSION, id=request.id or "")
    wanted = [(model.outputs[each.index], answer.outputs[each.index]) for each in request.outputs]
    is_raw = request.outputs[0].binary or any(tensor.datatype == "FP16" for tensor, _ in wanted)
    for tensor, array in wanted:
        output = response.outputs.add(name=tensor.name, datatype=tensor.datatype, shape=array.shape)
        if is_raw:
            response.raw_output_contents.append(binary(array))
        else:
            output.contents.CopyFrom(contents_of(array, tensor.datatype))
    return response


class _Refused(Exception):
    """The scheduler's answer was a refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.reason = refusal.reason
        self.status = STATUS_BY_REASON[refusal.reason]
        self.retry_after_s = refusal.retry_after_s


def _answering(call: Callable[[Any], Message]) -> Handler:
    async def answer(message: Any, _: Context) -> Message:
        return call(message)

    return answer


def _unary(kind: type[Message], handler: Handler) -> grpc.RpcMethodHandler:
    """The handler of a call whose message is of this kind; it may raise ``RequestInvalid``."""
    decode = kind.FromString
    name = kind.DESCRIPTOR.name

    async def handle(data: bytes, context: Context) -> bytes:
        try:
            response = await handler(decode(data), context)
            encoded: bytes = response.SerializeToString()
        except Exception as error:
            await _end(context, _ended(error, name))
            raise
        return encoded

    return grpc.unary_unary_rpc_method_handler(handle)


@dataclass(frozen=True, slots=True)
class _Ended:
    """Why a request has no result; ``status`` is the HTTP status that says the same."""

    status: int
    text: str
    reason: str | None
    retry_after_s: int = RETRY_AFTER_S


def _ended(error: Exception, message: str) -> _Ended:
    if isinstance(error, _Refused):
        return _Ended(error.status, str(error), error.reason, error.retry_after_s)
    if isinstance(error, RequestInvalid):
        return _Ended(error.status, str(error), error.reason)
    if isinstance(error, DecodeError):
        return _Ended(400, f"message: must be a {message}, got other bytes", None)
    _log.error("call_failed", message=message, exc_info=error)
    return _Ended(500, "internal error; the log of the dispatcher tells more", "bug")


async def _end(context: Context, ended: _Ended) -> None:
    """End the call, which raises; with what a client needs to know in the trailing metadata."""
    trailing = [] if ended.reason is None else [(REASON_KEY, str(ended.reason))]
    if is_worth_trying_again(ended.status):
        trailing.append((RETRY_AFTER_KEY, str(ended.retry_after_s)))
    code = grpc.StatusCode[GRPC_NAME_BY_STATUS[ended.status]]
    await context.abort(code, ended.text[:DETAILS_CHARS_MAX], tuple(trailing))


def _emptied(queue: asyncio.Queue[asyncio.Task[bytes] | None]) -> Iterator[asyncio.Task[bytes] | None]:
    while not queue.empty():
        yield queue.get_nowait()
