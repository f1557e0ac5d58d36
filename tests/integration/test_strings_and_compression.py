"""Strings and compressed bodies, by the clients that people have, to a real network and back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
import tritonclient.http.aio
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub
from tritonclient.utils import InferenceServerException

from dispatcher.contract.sub_cluster import ServedModel, SubClusterSpec, Tensor
from dispatcher.core.rules import Policy, Rules
from dispatcher.native_client import NativeClient
from tests.integration.live_processes import PATIENCE_S, Live, live
from tests.onnx_models import served_joining

SLO_US = 60_000_000
LONG = 3_000_000
ECHO = ServedModel(
    "echo",
    SLO_US,
    (0, 1_000, 1_000),
    inputs=(Tensor("said", "BYTES", (1,)),),
    outputs=(Tensor("heard", "BYTES", (1,)),),
)
TEXTS = np.array([["grün", "kohl"], ["", "x"]], dtype=object)
JOINED = ["grünkohl".encode(), b"x"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("strings")
    spec = SubClusterSpec("strings", 1, 1, (served_joining(folder, SLO_US), ECHO), Rules(Policy.EAGER))
    with live(folder) as processes:
        processes.start_dispatcher(spec, "--native-port", "0")
        processes.start_worker(0)
        processes.until_gpus_ready(1)
        yield processes


def given(client: ModuleType, name: str, array: np.ndarray[Any, Any], **options: bool) -> Any:
    made = client.InferInput(name, list(array.shape), "BYTES")
    made.set_data_from_numpy(array, **options)
    return made


def http_client(shared: Live) -> Any:
    return tritonclient.http.InferenceServerClient(urlsplit(shared.url).netloc, network_timeout=PATIENCE_S)


def test_strings_over_http(shared: Live) -> None:
    client = http_client(shared)
    assert client.get_model_config("joining")["input"][0]["data_type"] == "TYPE_STRING"
    for binary in (True, False):
        texts = given(tritonclient.http, "texts", TEXTS, binary_data=binary)
        wanted = [tritonclient.http.InferRequestedOutput("joined", binary_data=binary)]
        answer = client.infer("joining", [texts], outputs=wanted).as_numpy("joined")
        assert [each if binary else each.encode() for each in answer.tolist()] == JOINED


def test_strings_over_grpc_raw_and_typed(shared: Live) -> None:
    client = tritonclient.grpc.InferenceServerClient(shared.grpc_address)
    answer = client.infer("joining", [given(tritonclient.grpc, "texts", TEXTS)])
    assert answer.as_numpy("joined").tolist() == JOINED
    client.close()
    with tritonclient.grpc.grpc.insecure_channel(shared.grpc_address) as channel:
        message = pb.ModelInferRequest(
            model_name="joining", inputs=[{"name": "texts", "datatype": "BYTES", "shape": TEXTS.shape}]
        )
        message.inputs[0].contents.bytes_contents.extend(each.encode() for each in TEXTS.flat)
        typed = GRPCInferenceServiceStub(channel).ModelInfer(message)
        assert list(typed.outputs[0].contents.bytes_contents) == JOINED


def test_strings_through_the_native_door(shared: Live) -> None:
    endpoint = json.loads((shared.folder / "ready.json").read_text())["native_endpoint"]

    async def ask() -> None:
        async with NativeClient(endpoint) as client:
            answered = await client.infer("joining", {"texts": TEXTS})
            assert answered.completed.all()
            assert answered.outputs["joined"].tolist() == JOINED
            with pytest.raises(ValueError, match="must hold bytes or text, got 7"):
                await client.infer("echo", {"said": [[7]]})

    asyncio.run(ask())


def test_a_long_string_of_any_bytes_comes_back_as_it_went(shared: Live) -> None:
    picture = np.empty((1, 1), dtype=object)
    picture[0, 0] = np.random.default_rng(1).bytes(LONG)
    for client, module in (
        (http_client(shared), tritonclient.http),
        (tritonclient.grpc.InferenceServerClient(shared.grpc_address), tritonclient.grpc),
    ):
        answer = client.infer("echo", [given(module, "said", picture)])
        assert answer.as_numpy("heard")[0, 0] == picture[0, 0]
    wanted = [tritonclient.http.InferRequestedOutput("heard", binary_data=False)]
    with pytest.raises(InferenceServerException, match="holds bytes that are no text; ask for binary_data"):
        http_client(shared).infer("echo", [given(tritonclient.http, "said", picture)], outputs=wanted)


def test_a_string_too_long_is_refused_and_others_are_not(shared: Live) -> None:
    long = np.array([[b"x" * (4 * 2**20 + 1)]], dtype=object)
    with pytest.raises(InferenceServerException, match="at most 4194308 bytes, lengths included"):
        http_client(shared).infer("echo", [given(tritonclient.http, "said", long)])
    grpc_client = tritonclient.grpc.InferenceServerClient(shared.grpc_address)
    with pytest.raises(InferenceServerException, match="at most 4194308 bytes, lengths included"):
        grpc_client.infer("echo", [given(tritonclient.grpc, "said", long)])
    short = grpc_client.infer("echo", [given(tritonclient.grpc, "said", np.array([[b"x"]], dtype=object))])
    assert short.as_numpy("heard").tolist() == [[b"x"]]
    grpc_client.close()


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("length", [3, 200_000])
def test_tritonclient_compresses_what_it_sends_and_asks_for(shared: Live, coding: str, length: int) -> None:
    said = np.array([[b"ab" * length]], dtype=object)
    answer = http_client(shared).infer(
        "echo",
        [given(tritonclient.http, "said", said)],
        request_compression_algorithm=coding,
        response_compression_algorithm=coding,
    )
    assert answer.as_numpy("heard").tolist() == said.tolist()

    async def over_aio() -> None:
        async with tritonclient.http.aio.InferenceServerClient(urlsplit(shared.url).netloc) as client:
            answer = await client.infer(
                "echo",
                [given(tritonclient.http, "said", said)],
                request_compression_algorithm=coding,
                response_compression_algorithm=coding,
            )
            assert answer.as_numpy("heard").tolist() == said.tolist()

    asyncio.run(over_aio())
    with tritonclient.grpc.InferenceServerClient(shared.grpc_address) as client:
        answer = client.infer("echo", [given(tritonclient.grpc, "said", said)], compression_algorithm=coding)
        assert answer.as_numpy("heard").tolist() == said.tolist()


def test_a_compressed_answer_is_shorter_on_the_wire(shared: Live) -> None:
    body = {"inputs": [{"name": "said", "datatype": "BYTES", "shape": [1, 1], "data": ["ab" * 50_000]}]}
    lengths = {}
    for asked in ("gzip", "identity"):
        with httpx.stream(
            "POST", f"{shared.url}/v2/models/echo/infer", json=body, headers={"Accept-Encoding": asked}
        ) as answer:
            lengths[asked] = len(b"".join(answer.iter_raw()))
            assert answer.headers.get("content-encoding", "identity") == asked
    assert lengths["gzip"] * 20 < lengths["identity"]
