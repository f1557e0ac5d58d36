from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.frontend.http_door import HttpDoor
from dispatcher.frontend.service import Reason, Refusal
from tests.unit.dispatcher.frontend.http_asking import INFER, asking, body, get, infer, many
from tests.unit.dispatcher.frontend.twice import Twice


def test_server_speaks_of_itself() -> None:
    assert get("/v2").json()["name"] == "fermata"
    assert "binary_tensor_data" in get("/v2").json()["extensions"]
    assert get("/v2/health/live").json() == {"live": True}
    assert get("/metrics").text.startswith("fermata_")
    assert get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")


def test_head_is_answered_where_get_is() -> None:
    assert asking(Twice(), lambda client: client.head("/v2/health/ready")).status_code == 200
    assert asking(Twice(), lambda client: client.head(INFER)).status_code == 405


def test_readiness_is_that_of_the_service() -> None:
    service = Twice()
    assert (get("/v2/health/ready").status_code, get("/v2/health/ready").json()) == (200, {"ready": True})
    service.ready = False
    assert (get("/v2/health/ready", service).status_code, get("/v2/health/ready", service).json()) == (
        503,
        {"ready": False},
    )
    assert get("/v2/models/twice%2Fnow/ready", service).status_code == 503
    assert get("/v2/health/live", service).status_code == 200


@pytest.mark.parametrize("prefix", ["/v2/models/twice%2Fnow", "/v2/models/twice%2Fnow/versions/1"])
def test_model_speaks_of_itself(prefix: str) -> None:
    described = get(prefix).json()
    assert described["name"] == "twice/now"
    assert described["inputs"] == [
        {"name": "x", "datatype": "FP32", "shape": [-1, 2]},
        {"name": "n", "datatype": "INT64", "shape": [-1]},
    ]
    assert get(f"{prefix}/ready").json() == {"name": "twice/now", "ready": True}
    config = get(f"{prefix}/config").json()
    assert config["input"][0] == {"name": "x", "data_type": "TYPE_FP32", "dims": [2]}
    assert config["max_batch_size"] == 3
    (stats,) = get(f"{prefix}/stats").json()["model_stats"]
    assert stats["inference_stats"]["success"] == {"count": 3, "ns": 3_000_000}
    assert (stats["inference_count"], stats["execution_count"]) == (4, 3)
    assert [each["batch_size"] for each in stats["batch_stats"]] == [1, 2]
    assert get("/v2/models/stats").json()["model_stats"] == [stats]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v2/models", 404),
        ("GET", "/v2/models/none", 404),
        ("POST", "/v2/models/none/infer", 404),
        ("GET", "/v2/models/twice%2Fnow/versions/2", 404),
        ("GET", "/v2/models/stats/ready", 404),
        ("GET", "/v2/models/twice%2Fnow/trace/setting", 404),
        ("GET", "/v2/repository/index", 405),
        ("POST", "/v2/repository", 404),
        ("POST", "/v2/repository/models/none/load", 404),
        ("POST", "/v2/repository/models/twice%2Fnow/forget", 404),
        ("GET", INFER, 405),
        ("POST", "/v2/health/live", 405),
        ("DELETE", "/v2/models/twice%2Fnow", 405),
    ],
)
def test_what_is_not_there_is_said_in_json(method: str, path: str, status: int) -> None:
    response = asking(Twice(), lambda client: client.request(method, path))
    assert response.status_code == status
    assert response.json()["error"]
    assert (status == 405) == ("allow" in response.headers)


def test_an_answer_in_json() -> None:
    response = infer(body())
    assert response.status_code == 200
    assert response.json() == {
        "model_name": "twice/now",
        "model_version": "1",
        "id": "r1",
        "outputs": [
            {"name": "y", "datatype": "FP32", "shape": [1, 2], "data": [3.0, -4.0]},
            {"name": "n", "datatype": "INT64", "shape": [1], "data": [7]},
        ],
    }


def test_only_the_outputs_asked_for() -> None:
    outputs = infer(body(outputs=[{"name": "n"}])).json()["outputs"]
    assert [output["name"] for output in outputs] == ["n"]


def test_null_parameters_and_a_missing_id_are_fine() -> None:
    content = body(parameters=None, outputs=None)
    del content["id"]
    assert "id" not in infer(content).json()


def test_timeout_reaches_the_service() -> None:
    service = Twice()
    infer(body(parameters={"timeout": 1_500}), service)
    infer(body(), service)
    assert service.timeouts == [1_500, None]


def test_binary_tensors_both_ways() -> None:
    x = np.array([1.5, -2], dtype="<f4").tobytes()
    header = json.dumps(
        body(
            inputs=[
                {"name": "x", "datatype": "FP32", "shape": [1, 2], "parameters": {"binary_data_size": 8}},
                {"name": "n", "datatype": "INT64", "shape": [1], "data": [7]},
            ],
            outputs=[{"name": "y", "parameters": {"binary_data": True}}, {"name": "n"}],
        )
    ).encode()
    response = infer(header + x, **{"Inference-Header-Content-Length": str(len(header))})
    assert response.status_code == 200, response.text
    length = int(response.headers["inference-header-content-length"])
    outputs = json.loads(response.content[:length])["outputs"]
    assert outputs[0]["parameters"] == {"binary_data_size": 8}
    assert "data" not in outputs[0]
    assert outputs[1]["data"] == [7]
    np.testing.assert_array_equal(np.frombuffer(response.content[length:], "<f4"), [3.0, -4.0])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "must be an infer request in JSON"),
        (b"[]", "Expected `object`"),
        (b'{"inputs": [', "truncated"),
        (b"\xff", "JSON"),
        (b"[" * 50_000, "JSON"),
        (b'{"inputs": [], "parameters": {"a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}}", "nested too deep"),
        (body(inputs=[]), "inputs: must hold x, got nothing; inputs: must hold n"),
        (body(inputs=body()["inputs"] * 2), r"inputs\[2\].name: is given twice"),
        (body(outputs=[{"name": "y"}, {"name": "y"}]), r"outputs\[1\].name: is given twice"),
        (
            body(inputs=[body()["inputs"][0] | {"shape": [4]}]),
            r"shape: must be \[k\] with k, the number of items, in 1..3, got \[4\]",
        ),
        (body(inputs=[body()["inputs"][0] | {"shape": [0]}]), r"in 1..3, got \[0\]"),
        (body(outputs=[{"name": "z"}]), r"outputs\[0\].name: must be one of y, n, got 'z'"),
        (
            body(outputs=[{"name": "y", "parameters": {"classification": 3}}]),
            "classification: is not supported",
        ),
        (
            body(parameters={"timeout": 0}),
            "parameters.timeout: must be a whole number of microseconds > 0, got 0",
        ),
        (body(parameters={"timeout": True}), "got True"),
        (body(id=5), "Expected `str"),
    ],
)
def test_a_faulty_body_is_a_400_that_names_it(content: object, words: str) -> None:
    service = Twice()
    response = infer(content, service)
    assert response.status_code == 400
    assert re.search(words, response.json()["error"]), response.json()["error"]
    assert service.invalid == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"shape": [2, 2], "data": [1, 2, 3, 4]},
            "shape: must be [1, 2], as many items as the first, got [2, 2]",
        ),
        ({"shape": [2]}, "shape: must be [1, 2], as many items as the first, got [2]"),
        ({"shape": [1, -2]}, "got [1, -2]"),
        ({"datatype": "FP64"}, "datatype: must be FP32, got 'FP64'"),
        ({"data": [1]}, "data: must hold 2 elements, got 1"),
        ({"name": "z"}, "name: must be one of x, n, got 'z'"),
        ({"parameters": {"binary_data_size": 8}}, "must lie in 0..0, the bytes behind the JSON, got 8"),
    ],
)
def test_a_faulty_input_is_a_400_that_names_field_value_and_limit(change: dict[str, Any], words: str) -> None:
    content = body()
    content["inputs"][1] |= change
    response = infer(content)
    assert response.status_code == 400
    assert f"inputs[1].{words}" in response.json()["error"] or words in response.json()["error"]


def test_binary_bytes_must_be_used_up() -> None:
    header = json.dumps(body()).encode()
    response = infer(header + b"abc", **{"Inference-Header-Content-Length": str(len(header))})
    assert (response.status_code, "3 bytes more" in response.json()["error"]) == (400, True)
    for length in ("x", "-1", str(10**6)):
        assert infer(header, **{"Inference-Header-Content-Length": length}).status_code == 400


def test_a_coding_that_is_not_spoken_is_a_415() -> None:
    assert infer(body(), **{"Content-Encoding": "br"}).status_code == 415


def test_a_body_too_large_is_a_413() -> None:
    response = infer(b" " * 200_000)
    assert response.status_code == 413
    assert "must be at most 66112 bytes, got 200000" in response.json()["error"]


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        (Reason.QUEUE_FULL, 429),
        (Reason.DEADLINE_UNREACHABLE, 503),
        (Reason.WINDOW, 503),
        (Reason.GPU_LOST, 503),
        (Reason.DRAINING, 503),
        (Reason.MODEL_NOT_HERE, 503),
        (Reason.LATE, 504),
        (Reason.MODEL_FAILED, 500),
    ],
)
def test_a_refusal_has_status_reason_and_retry_after(reason: Reason, status: int) -> None:
    service = Twice()
    service.refusal = Refusal(reason, "why", retry_after_s=7)
    response = infer(body(), service)
    assert response.status_code == status
    assert response.json() == {"error": "why", "reason": reason}
    assert response.headers.get("retry-after") == ("7" if status in (429, 503) else None)


def test_an_output_that_json_cannot_say_is_an_error_unless_asked_for_in_binary() -> None:
    content = body()
    content["inputs"][1]["data"] = [3e38, 0]  # twice that is beyond FP32
    assert infer(content).status_code == 500
    content["parameters"] = {"binary_data_output": True}
    assert infer(content).status_code == 200


@pytest.mark.parametrize("whole", [False, True])
def test_a_client_that_hangs_up_is_let_go(whole: bool) -> None:
    """Before its request is whole, or while it waits; then its items are given up."""
    sent: list[Any] = []
    service = Twice()
    service.silent = True
    messages = [{"type": "http.request", "body": json.dumps(many(2)).encode()}] if whole else []

    async def run() -> None:
        async def receive() -> dict[str, Any]:
            return messages.pop() if messages else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": INFER, "raw_path": INFER.encode(), "headers": []}
        await HttpDoor(service)(scope, receive, send)
        assert [answer.cancelled() for answer in service.kept] == ([True, True] if whole else [])

    asyncio.run(run())
    assert sent == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(["name", "datatype", "shape", "data", "parameters"])


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=80) | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_is_sent_is_the_clients_fault(data: bytes) -> None:
    response = infer(data)
    assert response.status_code == 400
    assert response.json()["error"]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["id", "parameters", "inputs", "outputs"]) | st.tuples(st.integers(0, 1), FIELDS), JSON
)
def test_a_body_changed_anywhere_is_served_or_the_clients_fault(place: Any, value: Any) -> None:
    content = body()
    target, key = (content, place) if isinstance(place, str) else (content["inputs"][place[0]], place[1])
    target[key] = value
    assert infer(content).status_code in (200, 400)
