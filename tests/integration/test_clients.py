"""
The clients that people have, unchanged, against one real sub-cluster.

KServe's Python client is driven by what it sends, not by itself: its package asks for a
pandas below 3 and for gRPC stubs of the same names as tritonclient's, which cannot be loaded
in one process with these.
"""

from __future__ import annotations

import asyncio
import json
import queue
import socket
import time
import uuid
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.grpc.aio
import tritonclient.http
import tritonclient.http.aio
from tritonclient.utils import InferenceServerException

from dispatcher.contract.sub_cluster import ModelBackend, ServedModel, SubClusterSpec, Tensor
from dispatcher.core.rules import Policy, Rules
from tests.integration.live_processes import BODY, PATIENCE_S, Live, live, until
from tests.onnx_models import affine_model

WIDTH = 8
BATCH_MAX = 8
SLO_US = 60_000_000


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One GPU with a real network, a model that takes its time, and one that takes a client's patience."""
    folder = tmp_path_factory.mktemp("clients")
    affine = ServedModel(
        "affine",
        SLO_US,
        (0, *(1_000 + 10 * size for size in range(1, BATCH_MAX + 1))),
        (Tensor("x", "FP32", (WIDTH,)),),
        (Tensor("y", "FP32", (WIDTH,)),),
        ModelBackend("onnx", str(affine_model(folder, WIDTH))),
    )
    slow = ServedModel("slow", SLO_US, (0, 300_000, 300_000), queue_max=4)
    slower = ServedModel("slower", SLO_US, (0, 2_000_000))
    spec = SubClusterSpec("clients", 3, 1, (affine, slow, slower), Rules(Policy.EAGER))
    with live(folder) as processes:
        processes.start_dispatcher(spec)
        processes.start_worker(0)
        processes.until_gpus_ready(1)
        yield processes


@pytest.fixture(scope="module")
def expected(shared: Live) -> Any:
    """What the network gives for these inputs."""
    import onnxruntime

    session = onnxruntime.InferenceSession(
        str(shared.folder / "affine.onnx"), providers=["CPUExecutionProvider"]
    )
    return lambda x: session.run(["y"], {"x": x})[0]


def items(count: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(count).standard_normal((count, WIDTH)).astype(np.float32)


def infer_input(client: ModuleType, array: np.ndarray[Any, Any], **options: bool) -> Any:
    given = client.InferInput("x", list(array.shape), "FP32")
    given.set_data_from_numpy(array, **options)
    return given


def slow_input(client: ModuleType) -> Any:
    given = client.InferInput("input", [1, 4], "FP32")
    given.set_data_from_numpy(np.ones((1, 4), dtype=np.float32))
    return given


def assert_close(found: Any, wanted: Any) -> None:
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


def address(shared: Live) -> str:
    return urlsplit(shared.url).netloc


def test_tritonclient_http(shared: Live, expected: Any) -> None:
    client = tritonclient.http.InferenceServerClient(address(shared), network_timeout=PATIENCE_S)
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("affine")
    assert not client.is_model_ready("none")
    assert "statistics" in client.get_server_metadata()["extensions"]
    assert client.get_model_metadata("affine")["inputs"][0]["shape"] == [-1, WIDTH]
    assert client.get_model_config("affine")["max_batch_size"] == BATCH_MAX
    for count in (1, 3, BATCH_MAX):
        for binary in (True, False):
            x = infer_input(tritonclient.http, items(count), binary_data=binary)
            y = tritonclient.http.InferRequestedOutput("y", binary_data=binary)
            answer = client.infer("affine", [x], outputs=[y], request_id="r", priority=1, timeout=50_000_000)
            assert_close(answer.as_numpy("y"), expected(items(count)))
            assert answer.get_response()["id"] == "r"
    pending = [client.async_infer("affine", [infer_input(tritonclient.http, items(2))]) for _ in range(3)]
    for each in pending:
        assert_close(each.get_result().as_numpy("y"), expected(items(2)))
    with pytest.raises(InferenceServerException, match=r"inputs\[0\]\.shape: must be \[k, 8\] with k"):
        client.infer("affine", [infer_input(tritonclient.http, items(BATCH_MAX + 1))])
    with pytest.raises(InferenceServerException, match="must be one that this sub-cluster serves"):
        client.infer("none", [infer_input(tritonclient.http, items(1))])
    (stats,) = client.get_inference_statistics("affine")["model_stats"]
    assert stats["inference_stats"]["success"]["count"] >= 2 * (1 + 3 + BATCH_MAX)
    client.close()


def test_tritonclient_http_aio(shared: Live, expected: Any) -> None:
    async def drive() -> None:
        async with tritonclient.http.aio.InferenceServerClient(
            address(shared), conn_timeout=PATIENCE_S
        ) as client:
            assert await client.is_server_live()
            assert await client.is_model_ready("affine")
            x = infer_input(tritonclient.http.aio, items(4))
            answers = await asyncio.gather(*(client.infer("affine", [x]) for _ in range(5)))
            for answer in answers:
                assert_close(answer.as_numpy("y"), expected(items(4)))
            with pytest.raises(InferenceServerException, match=r"parameters\.config: must not be given"):
                await client.load_model("affine", config="{}")
            assert len((await client.get_inference_statistics())["model_stats"]) == 3

    asyncio.run(drive())


def test_tritonclient_grpc(shared: Live, expected: Any) -> None:
    client = tritonclient.grpc.InferenceServerClient(shared.grpc_address)
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("affine")
    assert client.get_server_metadata().name == "fermata"
    assert list(client.get_model_metadata("affine").outputs[0].shape) == [-1, WIDTH]
    assert client.get_model_config("affine").config.max_batch_size == BATCH_MAX
    for count in (1, 3, BATCH_MAX):
        x = infer_input(tritonclient.grpc, items(count))
        answer = client.infer("affine", [x], request_id="r", priority=1, timeout=50_000_000)
        assert_close(answer.as_numpy("y"), expected(items(count)))
        assert answer.get_response().id == "r"
    came: queue.Queue[Any] = queue.Queue()
    client.async_infer(
        "affine",
        [infer_input(tritonclient.grpc, items(2))],
        callback=lambda result, error: came.put(error or result),
    )
    assert_close(came.get(timeout=PATIENCE_S).as_numpy("y"), expected(items(2)))
    client.start_stream(callback=lambda result, error: came.put(error or result))
    for count in (1, 2, 3):
        client.async_stream_infer("affine", [infer_input(tritonclient.grpc, items(count))])
    for count in (1, 2, 3):
        assert_close(came.get(timeout=PATIENCE_S).as_numpy("y"), expected(items(count)))
    client.stop_stream()
    with pytest.raises(InferenceServerException, match=r"in 1\.\.8, got") as caught:
        client.infer("affine", [infer_input(tritonclient.grpc, items(BATCH_MAX + 1))])
    assert caught.value.status() == "StatusCode.INVALID_ARGUMENT"
    client.close()


def test_tritonclient_grpc_aio(shared: Live, expected: Any) -> None:
    async def drive() -> None:
        async with tritonclient.grpc.aio.InferenceServerClient(shared.grpc_address) as client:
            assert await client.is_server_live()
            x = infer_input(tritonclient.grpc.aio, items(3))
            answers = await asyncio.gather(*(client.infer("affine", [x]) for _ in range(5)))
            for answer in answers:
                assert_close(answer.as_numpy("y"), expected(items(3)))
            stats = (await client.get_inference_statistics("affine")).model_stats[0]
            assert stats.inference_stats.success.count >= 15
            index = await client.get_model_repository_index()
            assert [each.state for each in index.models] == ["READY"] * 3

    asyncio.run(drive())


def test_what_the_kserve_client_sends(shared: Live, expected: Any) -> None:
    """``InferenceRESTClient`` with protocol v2: the bytes it posts and the fields of the answers it reads."""

    async def drive() -> None:
        async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
            for path, field in (("health/live", "live"), ("health/ready", "ready")):
                answer = await client.get(f"{shared.url}/v2/{path}")
                assert answer.is_success
                assert answer.json().get(field) is True
            assert (await client.get(f"{shared.url}/v2/models/affine/ready")).is_success
            assert not (await client.get(f"{shared.url}/v2/models/none/ready")).is_success
            for binary in (False, True):
                data, headers = kserve_request(items(3), binary)
                answer = await client.post(
                    f"{shared.url}/v2/models/affine/infer", content=data, headers=headers
                )
                assert answer.is_success, answer.text
                length = int(answer.headers.get("inference-header-content-length", len(answer.content)))
                read = json.loads(answer.content[:length])
                assert (read["model_name"], read["outputs"][0]["datatype"]) == ("affine", "FP32")
                assert_close(np.reshape(read["outputs"][0]["data"], (3, WIDTH)), expected(items(3)))
            wrong = await client.post(f"{shared.url}/v2/models/affine/infer", content=b"{}")
            assert wrong.headers["content-type"] == "application/json"
            assert "inputs" in wrong.json()["error"]

    asyncio.run(drive())


def kserve_request(array: np.ndarray[Any, Any], binary: bool) -> tuple[bytes, dict[str, str]]:
    """As kserve 0.21 builds it of an ``InferInput`` whose data were set from numpy."""
    given: dict[str, Any] = {"name": "x", "shape": list(array.shape), "datatype": "FP32"}
    content = {"id": str(uuid.uuid4()), "model_name": "affine", "inputs": [given]}
    if not binary:
        given["data"] = array.flatten().tolist()
        return json.dumps(content).encode(), {"content-type": "application/json"}
    given["parameters"] = {"binary_data_size": array.nbytes}
    header = json.dumps(content).encode()
    return header + array.tobytes(), {
        "inference-header-content-length": str(len(header)),
        "content-type": "application/octet-stream",
    }


def test_an_unloaded_model_is_refused_through_both_doors(shared: Live) -> None:
    client = tritonclient.http.InferenceServerClient(address(shared))
    over_grpc = tritonclient.grpc.InferenceServerClient(shared.grpc_address)
    client.unload_model("affine")
    try:
        assert not over_grpc.is_model_ready("affine")
        assert {each["name"]: each["state"] for each in client.get_model_repository_index()} == {
            "affine": "UNAVAILABLE",
            "slow": "READY",
            "slower": "READY",
        }
        data, headers = kserve_request(items(1), binary=False)
        answer = httpx.post(f"{shared.url}/v2/models/affine/infer", content=data, headers=headers)
        assert (answer.status_code, answer.json()["reason"]) == (503, "model_not_here")
        assert answer.headers["retry-after"] == "1"
        with pytest.raises(InferenceServerException) as caught:
            over_grpc.infer("affine", [infer_input(tritonclient.grpc, items(1))])
        assert caught.value.status() == "StatusCode.UNAVAILABLE"
        assert shared.metric("fermata_requests_total", model="affine", outcome="rejected") == 2
    finally:
        over_grpc.load_model("affine")
    assert client.is_model_ready("affine")
    over_grpc.infer("affine", [infer_input(tritonclient.grpc, items(1))])


def test_a_deadline_that_cannot_be_met_is_refused_in_both_protocols(shared: Live) -> None:
    body = BODY[:-1] + b',"parameters":{"timeout":1000}}'
    answer = shared.infer("slow", body)
    assert (answer.status_code, answer.json()["reason"]) == (503, "deadline_unreachable")
    over_grpc = tritonclient.grpc.InferenceServerClient(shared.grpc_address)
    with pytest.raises(InferenceServerException) as caught:
        over_grpc.infer("slow", [slow_input(tritonclient.grpc)], timeout=1_000)
    assert caught.value.status() == "StatusCode.UNAVAILABLE"


def test_a_queue_that_is_full_is_said_in_both_protocols(shared: Live) -> None:
    over_grpc = tritonclient.grpc.InferenceServerClient(shared.grpc_address)
    came: queue.Queue[Any] = queue.Queue()
    for _ in range(20):
        over_grpc.async_infer(
            "slow",
            [slow_input(tritonclient.grpc)],
            callback=lambda result, error: came.put(error or result),
        )
    answers = [came.get(timeout=PATIENCE_S) for _ in range(20)]
    refused = [each for each in answers if isinstance(each, InferenceServerException)]
    assert 0 < len(refused) < 20
    assert {each.status() for each in refused} == {"StatusCode.RESOURCE_EXHAUSTED"}
    assert {each.message() for each in refused} == {"the queue of this model is full"}


def test_clients_that_leave_are_counted_and_disturb_nothing(shared: Live) -> None:
    def pending() -> float:
        return shared.metric("fermata_requests_pending")

    before = shared.metric("fermata_requests_total", model="slower", outcome="cancelled")
    host, port = address(shared).split(":")
    head = f"POST /v2/models/slower/infer HTTP/1.1\r\nHost: here\r\nContent-Length: {len(BODY)}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection:
        connection.sendall(head.encode() + BODY)
        until(lambda: pending() == 1, "the request that occupies the GPU")
        over_grpc = tritonclient.grpc.InferenceServerClient(shared.grpc_address)
        call = over_grpc.async_infer(
            "slower", [slow_input(tritonclient.grpc)], callback=lambda result, error: None
        )
        until(lambda: pending() == 2, "the request that waits")
        call.cancel()
    assert shared.infer("slow").status_code == 200
    until(lambda: pending() == 0, "nothing pending")
    after = shared.metric("fermata_requests_total", model="slower", outcome="cancelled")
    assert after - before == 2, shared.talk()


def test_a_body_too_long_is_refused_and_the_next_request_is_served(shared: Live) -> None:
    client = tritonclient.http.InferenceServerClient(address(shared), network_timeout=PATIENCE_S)
    with pytest.raises(InferenceServerException, match="body: must be at most"):
        client.infer("affine", [infer_input(tritonclient.http, np.ones((100_000, WIDTH), np.float32))])
    assert client.is_server_live()


def test_half_a_request_hangs_nobody(shared: Live) -> None:
    host, port = address(shared).split(":")
    for sent in (b"POST /v2/models/slow/infer HTTP/1.1\r\nContent-Le", b"\x00\xff not HTTP\r\n\r\n"):
        with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection:
            connection.sendall(sent)
            time.sleep(0.05)
    assert shared.infer("slow").status_code == 200
