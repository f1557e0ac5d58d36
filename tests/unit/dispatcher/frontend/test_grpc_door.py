"""The gRPC door over a real socket, in front of a service that answers at once."""

from __future__ import annotations

import queue
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import grpc
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

from dispatcher.contract.sub_cluster import ServedModel, Tenant, Tensor
from dispatcher.frontend.grpc_request import contents_of, parse_message
from dispatcher.frontend.infer_request import RequestInvalid
from dispatcher.frontend.service import Reason, Refusal
from dispatcher.frontend.tenancy import EVERYONE
from tests.unit.dispatcher.frontend.open_doors import OpenDoors, open_doors, until
from tests.unit.dispatcher.frontend.twice import TWICE, Twice

MODEL = "twice/now"


@pytest.fixture(scope="module")
def opened() -> Iterator[OpenDoors]:
    with open_doors(Twice(Tenant("a"), Tenant("b", priority=3))) as doors:
        yield doors


@pytest.fixture
def service(opened: OpenDoors) -> Twice:
    opened.service.renew()
    return opened.service


@pytest.fixture(scope="module")
def channel(opened: OpenDoors) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(opened.grpc_address) as channel:
        yield channel


@pytest.fixture(scope="module")
def stub(channel: grpc.Channel) -> GRPCInferenceServiceStub:
    return GRPCInferenceServiceStub(channel)


def request(items: int = 1, *, raw: bool = True, **changes: Any) -> pb.ModelInferRequest:
    x = np.arange(2 * items, dtype="<f4").reshape(items, 2)
    n = np.arange(items, dtype="<i8")
    message = pb.ModelInferRequest(model_name=MODEL, id="r1")
    for name, datatype, array in (("n", "INT64", n), ("x", "FP32", x)):
        each = message.inputs.add(name=name, datatype=datatype, shape=array.shape)
        if raw:
            message.raw_input_contents.append(array.tobytes())
        else:
            each.contents.CopyFrom(contents_of(array, datatype))
    message.MergeFrom(pb.ModelInferRequest(**changes))
    return message


def parameter(**value: Any) -> pb.InferParameter:
    return pb.InferParameter(**value)


def refused(call: Any, message: Any, **options: Any) -> grpc.Call:
    """The call that must not succeed."""
    with pytest.raises(grpc.RpcError) as caught:
        call(message, timeout=60, **options)
    error: grpc.Call = caught.value  # type: ignore[assignment]
    return error


def test_raw_tensors_in_and_out(service: Twice, stub: GRPCInferenceServiceStub) -> None:
    answer = stub.ModelInfer(request(2))
    assert (answer.model_name, answer.model_version, answer.id) == (MODEL, "1", "r1")
    assert [(each.name, list(each.shape)) for each in answer.outputs] == [("y", [2, 2]), ("n", [2])]
    y, n = answer.raw_output_contents
    np.testing.assert_array_equal(np.frombuffer(y, "<f4"), [0, 2, 4, 6])
    np.testing.assert_array_equal(np.frombuffer(n, "<i8"), [0, 1])
    assert len(service.timeouts) == 2


def test_typed_tensors_in_and_out(service: Twice, stub: GRPCInferenceServiceStub) -> None:
    answer = stub.ModelInfer(request(raw=False, outputs=[{"name": "y"}], model_version="1"))
    assert list(answer.outputs[0].contents.fp32_contents) == [0, 2]
    assert len(answer.outputs) == 1
    assert not answer.raw_output_contents


def test_the_call_s_deadline_counts_as_a_timeout(service: Twice, stub: GRPCInferenceServiceStub) -> None:
    stub.ModelInfer(request())
    stub.ModelInfer(request(parameters={"timeout": parameter(int64_param=700)}))
    stub.ModelInfer(request(parameters={"timeout": parameter(int64_param=700_000_000)}), timeout=600)
    assert service.timeouts[:2] == [None, 700]
    assert 0 < (service.timeouts[2] or 0) < 700_000_000


def test_tenant_and_priority(service: Twice, stub: GRPCInferenceServiceStub) -> None:
    stub.ModelInfer(request(parameters={"priority": parameter(uint64_param=1)}))
    stub.ModelInfer(request(parameters={"tenant": parameter(string_param="a")}))
    assert service.tenants_asking == [1, 0]


def test_the_server_and_its_model_speak_of_themselves(service: Twice, stub: GRPCInferenceServiceStub) -> None:
    assert stub.ServerLive(pb.ServerLiveRequest()).live
    assert stub.ServerReady(pb.ServerReadyRequest()).ready
    assert stub.ServerMetadata(pb.ServerMetadataRequest()).name == "fermata"
    assert stub.ModelReady(pb.ModelReadyRequest(name=MODEL)).ready
    metadata = stub.ModelMetadata(pb.ModelMetadataRequest(name=MODEL, version="1"))
    assert [(each.name, list(each.shape)) for each in metadata.inputs] == [("x", [-1, 2]), ("n", [-1])]
    config = stub.ModelConfig(pb.ModelConfigRequest(name=MODEL)).config
    assert (config.max_batch_size, config.dynamic_batching.priority_levels) == (3, 2)
    for asked in (MODEL, ""):
        (stats,) = stub.ModelStatistics(pb.ModelStatisticsRequest(name=asked)).model_stats
        assert (stats.inference_count, stats.inference_stats.fail.ns) == (4, 50_000)
    service.ready = False
    assert not stub.ServerReady(pb.ServerReadyRequest()).ready
    assert not stub.ModelReady(pb.ModelReadyRequest(name=MODEL)).ready


def test_unloaded_and_loaded_again(service: Twice, stub: GRPCInferenceServiceStub) -> None:
    stub.RepositoryModelUnload(pb.RepositoryModelUnloadRequest(model_name=MODEL))
    (entry,) = stub.RepositoryIndex(pb.RepositoryIndexRequest()).models
    assert (entry.name, entry.state, entry.reason) == (MODEL, "UNAVAILABLE", "unloaded")
    assert not stub.RepositoryIndex(pb.RepositoryIndexRequest(ready=True)).models
    assert not service.admitted
    stub.RepositoryModelLoad(pb.RepositoryModelLoadRequest(model_name=MODEL))
    assert service.admitted
    changed = pb.RepositoryModelLoadRequest(model_name=MODEL)
    changed.parameters["config"].string_param = "{}"
    error = refused(stub.RepositoryModelLoad, changed)
    assert (error.code(), "parameters.config" in error.details()) == (grpc.StatusCode.INVALID_ARGUMENT, True)


@pytest.mark.parametrize(
    ("reason", "code", "again"),
    [
        (Reason.QUEUE_FULL, grpc.StatusCode.RESOURCE_EXHAUSTED, True),
        (Reason.DEADLINE_UNREACHABLE, grpc.StatusCode.UNAVAILABLE, True),
        (Reason.DRAINING, grpc.StatusCode.UNAVAILABLE, True),
        (Reason.MODEL_NOT_HERE, grpc.StatusCode.UNAVAILABLE, True),
        (Reason.LATE, grpc.StatusCode.DEADLINE_EXCEEDED, False),
        (Reason.MODEL_FAILED, grpc.StatusCode.INTERNAL, False),
    ],
)
def test_a_refusal_has_code_reason_and_retry_after(
    service: Twice, stub: GRPCInferenceServiceStub, reason: Reason, code: grpc.StatusCode, again: bool
) -> None:
    service.refusal = Refusal(reason, "why", retry_after_s=7)
    error = refused(stub.ModelInfer, request())
    assert (error.code(), error.details()) == (code, "why")
    trailing = dict(error.trailing_metadata())
    assert trailing["fermata-reason"] == reason
    assert trailing.get("retry-after") == ("7" if again else None)


def test_an_unknown_model_is_not_here(service: Twice, stub: GRPCInferenceServiceStub) -> None:
    error = refused(stub.ModelInfer, pb.ModelInferRequest(model_name="no"))
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert ("fermata-reason", "model_not_here") in list(error.trailing_metadata())
    for call, kind in ((stub.ModelReady, pb.ModelReadyRequest), (stub.ModelConfig, pb.ModelConfigRequest)):
        assert refused(call, kind(name="no")).code() is grpc.StatusCode.NOT_FOUND
        assert refused(call, kind(name=MODEL, version="2")).code() is grpc.StatusCode.NOT_FOUND
    assert refused(stub.TraceSetting, pb.TraceSettingRequest()).code() is grpc.StatusCode.UNIMPLEMENTED


def changed_input(**changes: Any) -> pb.ModelInferRequest:
    message = request(raw=False)
    for field, value in changes.items():
        message.inputs[1].ClearField(field)  # type: ignore[arg-type]
        message.inputs[1].MergeFrom(pb.ModelInferRequest.InferInputTensor(**{field: value}))
    return message


def with_raw(*parts: bytes, typed: bool = False) -> pb.ModelInferRequest:
    message = request(raw=not typed)
    del message.raw_input_contents[:]
    message.raw_input_contents.extend(parts)
    return message


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (changed_input(name="z"), "inputs[1].name: must be one of x, n, got 'z'"),
        (changed_input(name="n"), "inputs[1].name: is given twice, got 'n'"),
        (changed_input(datatype="FP64"), "inputs[1].datatype: must be FP32, got 'FP64'"),
        (changed_input(shape=[1, 3]), "inputs[1].shape: must be [1, 2], as many items as the first"),
        (changed_input(shape=[2, 2]), "inputs[1].shape: must be [1, 2], as many items as the first"),
        (changed_input(contents={"fp32_contents": [1]}), "inputs[1].contents: must hold 2 elements, got 1"),
        (
            changed_input(contents={"fp64_contents": [1, 2]}),
            "inputs[1].contents: must be in fp32_contents for FP32, got fp64_contents",
        ),
        (
            changed_input(contents={"fp32_contents": [1, float("nan")]}),
            "inputs[1].contents: must hold finite FP32 numbers, got another at element 1",
        ),
        (with_raw(bytes(8)), "raw_input_contents: must hold one part for each of 2 inputs"),
        (with_raw(bytes(8), bytes(7)), "inputs[1].raw_input_contents: must be 8 bytes, got 7"),
        (with_raw(bytes(8), bytes(8), typed=True), "must be given once: in contents, or in raw_input"),
        (request(4), "must be [k] with k, the number of items, in 1..3, got [4]"),
        (request(model_version="2"), "model_version: must be 1 or empty, got '2'"),
        (request(outputs=[{"name": "z"}]), "outputs[0].name: must be one of y, n, got 'z'"),
        (
            request(outputs=[{"name": "y", "parameters": {"classification": parameter(int64_param=3)}}]),
            "outputs[0].parameters.classification: is not supported, got 3",
        ),
        (
            request(parameters={"timeout": parameter(int64_param=-5)}),
            "parameters.timeout: must be a whole number of microseconds > 0, got -5",
        ),
        (
            request(parameters={"timeout": parameter(string_param="soon")}),
            "parameters.timeout: must be a whole number of microseconds > 0, got 'soon'",
        ),
        (pb.ModelInferRequest(model_name=MODEL), "inputs: must hold x, got nothing; inputs: must hold n"),
    ],
)
def test_a_faulty_message_is_invalid_and_names_the_fault(
    service: Twice, stub: GRPCInferenceServiceStub, message: pb.ModelInferRequest, words: str
) -> None:
    error = refused(stub.ModelInfer, message)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, error.details()
    assert words in error.details()
    assert service.invalid == 1
    assert service.timeouts == []


def test_every_datatype_is_read_and_written_typed_or_is_raw() -> None:
    for datatype, low, high in (("INT8", -128, 127), ("UINT16", 0, 65_535), ("UINT64", 0, 2**64 - 1)):
        model = ServedModel("m", 1, (0, 1), inputs=(Tensor("x", datatype, (2,)),))
        array = np.array([[low, high]], dtype=datatype.lower())
        message = pb.ModelInferRequest(inputs=[{"name": "x", "datatype": datatype, "shape": [1, 2]}])
        message.inputs[0].contents.CopyFrom(contents_of(array, datatype))
        (read,) = parse_message(model, message, EVERYONE, None).inputs
        np.testing.assert_array_equal(read, array)
        if datatype != "UINT64":
            beyond = message.inputs[0].contents
            (beyond.int_contents if low else beyond.uint_contents)[1] = high + 1
            with pytest.raises(RequestInvalid, match=rf"numbers in {low}\.\.{high} for {datatype}, got"):
                parse_message(model, message, EVERYONE, None)
    half = ServedModel("m", 1, (0, 1), inputs=(Tensor("x", "FP16", (1,)),))
    message = pb.ModelInferRequest(inputs=[{"name": "x", "datatype": "FP16", "shape": [1, 1]}])
    with pytest.raises(RequestInvalid, match="must be in raw_input_contents for FP16"):
        parse_message(half, message, EVERYONE, None)


def test_a_call_that_is_cancelled_gives_up_its_items(service: Twice, stub: GRPCInferenceServiceStub) -> None:
    service.silent = True
    call = stub.ModelInfer.future(request(3))
    until(lambda: len(service.kept) == 3, "the items at the service")
    call.cancel()
    until(lambda: all(answer.cancelled() for answer in service.kept), "the items given up")
    service.silent = False
    assert stub.ModelInfer(request()).id == "r1"


def test_a_stream_answers_in_order_and_survives_faults(
    service: Twice, stub: GRPCInferenceServiceStub
) -> None:
    service.refused_n = 1
    asked = [request(1), pb.ModelInferRequest(model_name=MODEL, id="bad"), request(2), request(1, id="last")]
    answers = list(stub.ModelStreamInfer(iter(asked), timeout=60))
    assert [answer.infer_response.id for answer in answers] == ["r1", "bad", "r1", "last"]
    assert [bool(answer.error_message) for answer in answers] == [False, True, True, False]
    assert "inputs: must hold x" in answers[1].error_message
    assert answers[2].infer_response.parameters["fermata-reason"].string_param == "window"


def test_a_stream_that_is_cancelled_gives_up_its_items(
    service: Twice, stub: GRPCInferenceServiceStub
) -> None:
    service.silent = True
    stream = stub.ModelStreamInfer(iter([request(2), request(1)]))
    until(lambda: len(service.kept) == 3, "the items at the service")
    stream.cancel()
    until(lambda: all(answer.cancelled() for answer in service.kept), "the items given up")


def test_an_open_stream_goes_on_to_the_service_that_comes_next() -> None:
    asked: queue.SimpleQueue[pb.ModelInferRequest | None] = queue.SimpleQueue()
    with open_doors() as doors, grpc.insecure_channel(doors.grpc_address) as channel:
        stream = GRPCInferenceServiceStub(channel).ModelStreamInfer(iter(asked.get, None), timeout=60)
        asked.put(request(1))
        assert not next(stream).error_message
        after = Twice()
        after.refusal = Refusal(Reason.WINDOW, "not this one")
        doors.serve(after)
        asked.put(request(1))
        parameters = next(stream).infer_response.parameters
        assert parameters["fermata-reason"].string_param == "window"
        asked.put(None)
        assert list(stream) == []


def test_an_oversized_message_is_refused_and_the_next_one_served(
    service: Twice, stub: GRPCInferenceServiceStub
) -> None:
    error = refused(stub.ModelInfer, with_raw(bytes(8), bytes(1_000_000)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details() == "inputs[1].raw_input_contents: must be 8 bytes, got 1000000"
    error = refused(stub.ModelInfer, with_raw(bytes(8), bytes(8_000_000)))
    assert error.details() == "inputs[1].raw_input_contents: must be 8 bytes, got 8000000"
    assert stub.ModelInfer(request()).id == "r1"


def test_what_no_model_could_need_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dispatcher.runtime.doors.GRPC_BYTES_MAX_LEAST", 0)
    with open_doors() as doors, grpc.insecure_channel(doors.grpc_address) as channel:
        stub = GRPCInferenceServiceStub(channel)
        error = refused(stub.ModelInfer, with_raw(bytes(8), bytes(8_000_000)))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED  # gRPC's own
        assert re.search(r"larger than max", error.details())
        bomb = with_raw(bytes(8), bytes(50_000_000))
        packed = refused(partial(stub.ModelInfer, compression=grpc.Compression.Gzip), bomb)
        assert packed.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert stub.ModelInfer(request()).id == "r1"


def test_a_larger_model_of_the_next_plan_is_served() -> None:
    options = [("grpc.max_receive_message_length", -1)]
    with open_doors() as doors, grpc.insecure_channel(doors.grpc_address, options=options) as channel:
        after, elements = Twice(), 2_500_000
        inputs = (Tensor("x", "FP32", (elements,)), TWICE.inputs[1])
        after.models = (msgspec.structs.replace(TWICE, inputs=inputs),)
        doors.serve(after)
        message = pb.ModelInferRequest(model_name=TWICE.id)
        for tensor in inputs:
            message.inputs.add(name=tensor.name, datatype=tensor.datatype, shape=[1, *tensor.shape])
        message.raw_input_contents.extend([bytes(4 * elements), bytes(8)])
        answer = GRPCInferenceServiceStub(channel).ModelInfer(message)
        assert len(answer.raw_output_contents[0]) == 4 * elements


VALID = request(2).SerializeToString()
CLIENTS_FAULT = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND)


def outcome(channel: grpc.Channel, data: bytes) -> grpc.StatusCode:
    try:
        channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")(data, timeout=60)
    except grpc.RpcError as error:
        return error.code()  # type: ignore[attr-defined,no-any-return]
    return grpc.StatusCode.OK


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_whatever_bytes_are_sent_are_the_clients_fault(channel: grpc.Channel, data: bytes) -> None:
    assert outcome(channel, data) in CLIENTS_FAULT


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, len(VALID) - 1),
    st.integers(0, 12),
    st.binary(max_size=12),
)
def test_a_message_changed_anywhere_is_served_or_the_clients_fault(
    channel: grpc.Channel, start: int, cut: int, inserted: bytes
) -> None:
    data = VALID[:start] + inserted + VALID[start + cut :]
    assert outcome(channel, data) in (grpc.StatusCode.OK, *CLIENTS_FAULT)
