"""Submitting facts: created and replaced, one or many, all or nothing, every fault at once."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.control_plane import GPU_TYPE, MODELS, POOL, PROFILES


def faults(answer: httpx.Response) -> dict[str, str]:
    """field -> limit of a 422."""
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return {fault["field"]: fault["limit"] for fault in answer.json()["faults"]}


def post_text(client: httpx.Client, path: str, text: str) -> httpx.Response:
    return client.post(path, content=text, headers={"content-type": "application/json"})


def test_one_object_or_an_array_of_them(client: httpx.Client) -> None:
    one = client.post("/v1/gpu-types", json={**GPU_TYPE, "id": "one"})
    assert one.json() == {"created": ["one"], "updated": []}
    many = client.post("/v1/gpu-types", json=[{**GPU_TYPE, "id": name} for name in ("one", "two")])
    assert many.json() == {"created": ["two"], "updated": ["one"]}


def test_what_was_submitted_can_be_read_back(client: httpx.Client) -> None:
    assert client.get("/v1/gpu-types/A10").json() == GPU_TYPE
    assert client.get("/v1/pools/A10/zone-a").json() == POOL
    assert client.get("/v1/models/bert").json() == {**MODELS[1], "serving": {}}
    assert client.get("/v1/profiles/resnet/A10").json() == {**PROFILES[0], "version": 1}
    found = client.get("/v1/profiles", params={"model": "bert"}).json()
    assert found == {"items": [{**PROFILES[1], "version": 1}], "next_after": None}
    assert [model["id"] for model in client.get("/v1/models").json()["items"]] == ["bert", "resnet"]


def test_a_table_is_a_curve_too(client: httpx.Client) -> None:
    table = {"model": "resnet", "gpu_type": "one", "latency_ms": [[1, 2.0], [8, 4]], "weights_gib": 1}
    assert client.post("/v1/profiles", json=table).status_code == 201
    found = client.get("/v1/profiles/resnet/one").json()
    assert found["latency_ms"] == [[1, 2.0], [8, 4.0]]
    assert found["batch_size_max"] == 8
    assert "alpha_ms" not in found


def test_a_model_may_say_how_it_is_served(client: httpx.Client) -> None:
    tensors = [{"name": "x", "datatype": "FP32", "shape": [1024]}]
    body = {
        "id": "mlp",
        "slo_ms": 50.0,
        "inputs": tensors,
        "outputs": tensors,
        "backend": {"kind": "onnx", "path": "models/mlp.onnx"},
    }
    assert client.post("/v1/models", json=body).status_code == 201
    serving = client.get("/v1/models/mlp").json()["serving"]
    assert serving == {"inputs": tensors, "outputs": tensors, "backend": body["backend"]}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/gpu-types/none", "gpu-type-not-found"),
        ("/v1/pools/A10/none", "pool-not-found"),
        ("/v1/models/none", "model-not-found"),
        ("/v1/profiles/resnet/none", "profile-not-found"),
    ],
)
def test_what_is_not_there_is_a_problem(client: httpx.Client, path: str, code: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["type"] == f"urn:fermata:problem:{code}"
    assert answer.json()["instance"] == path


def test_every_fault_of_every_entry_is_listed(client: httpx.Client) -> None:
    text = """[
        {"id": "a", "memory_gib": NaN, "price_usd_per_hour": -1},
        {"id": "b", "memory_gib": 8, "reserve_gib": 9, "price_usd_per_hour": 1e999, "colour": "red"},
        {"id": "b", "memory_gib": true},
        7
    ]"""
    found = faults(post_text(client, "/v1/gpu-types", text))
    assert found == {
        "[0].memory_gib": "must be a finite number",
        "[0].price_usd_per_hour": "must be greater than or equal to 0",
        "[1].reserve_gib": "must be below memory_gib 8",
        "[1].price_usd_per_hour": "must be a finite number",
        "[1].colour": "unknown field",
        "[1]": "must be unique, appears 2 times",
        "[2]": "must be unique, appears 2 times",
        "[2].memory_gib": "must be a valid number",
        "[2].price_usd_per_hour": "is required",
        "[3]": "must be an object",
    }


def test_unknown_names_are_listed_beside_other_faults(client: httpx.Client) -> None:
    body = {**PROFILES[0], "model": "resnett", "gpu_type": "A11", "weights_gib": "much"}
    found = faults(client.post("/v1/profiles", json=body))
    assert found["model"] == "must be a registered model; did you mean 'resnet'?"
    assert found["gpu_type"].startswith("must be a registered GPU type; did you mean 'A10'?")
    assert found["weights_gib"] == "must be a valid number"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"alpha_ms": None}, "alpha_ms"),
        ({"latency_ms": [[1, 2.0]]}, "alpha_ms"),
        ({"alpha_ms": None, "beta_ms": None, "latency_ms": [[2, 2.0], [2, 3.0]]}, "latency_ms[1][0]"),
        ({"alpha_ms": None, "beta_ms": None, "latency_ms": [[1, 2.0], [2, 1.0]]}, "latency_ms[1][1]"),
        ({"alpha_ms": None, "beta_ms": None, "latency_ms": [[1, 2.0]]}, "batch_size_max"),
        ({"alpha_ms": None, "beta_ms": None, "latency_ms": []}, "latency_ms"),
        ({"alpha_ms": -0.5}, "alpha_ms"),
        ({"batch_size_max": 0}, "batch_size_max"),
    ],
)
def test_a_curve_that_is_none_is_refused(client: httpx.Client, changes: dict[str, Any], field: str) -> None:
    body = {**PROFILES[0], **changes}
    assert field in faults(client.post("/v1/profiles", json=body))


@pytest.mark.parametrize("slo_ms", [-1, 0, "fast", None, True])
def test_an_slo_is_a_positive_number(client: httpx.Client, slo_ms: Any) -> None:
    assert list(faults(client.post("/v1/models", json={"id": "x", "slo_ms": slo_ms}))) == ["slo_ms"]


def test_an_onnx_model_needs_its_file(client: httpx.Client) -> None:
    body = {"id": "x", "slo_ms": 5, "backend": {"kind": "onnx"}}
    assert faults(client.post("/v1/models", json=body)) == {"backend.path": "is required by the backend onnx"}


def test_strings_are_for_back_ends_that_have_them_and_tensors_have_an_end(client: httpx.Client) -> None:
    strings = {"name": "x", "datatype": "BYTES", "shape": [2**10, 2**7]}
    numbers = {"name": "y", "datatype": "FP32", "shape": [2**20, 2**6]}
    body = {"id": "words", "slo_ms": 10, "inputs": [strings], "outputs": [numbers]}
    torch = {"kind": "torch", "path": "/m.pt2"}
    assert faults(client.post("/v1/models", json=body | {"backend": torch})) == {
        "inputs[0].shape": "must hold at most 65536 elements",
        "outputs[0].shape": "must hold at most 33554432 elements",
        "backend.kind": "must be emulated or onnx for tensors of BYTES",
    }
    fits = body | {"inputs": [strings | {"shape": [2]}], "outputs": [numbers | {"shape": []}]}
    assert client.post("/v1/models", json=fits).status_code == 201


def test_nothing_is_half_stored(client: httpx.Client) -> None:
    before = client.get("/v1/models").json()
    mixed = [{"id": "good", "slo_ms": 5.0}, {"id": "bad", "slo_ms": -5.0}]
    assert client.post("/v1/models", json=mixed).status_code == 422
    assert client.get("/v1/models").json() == before


@pytest.mark.parametrize("name", ["", "a/b", "white space", "a" * 201, "tab\t", "\u00e9", ".hidden"])
def test_ids_fit_into_a_path(client: httpx.Client, name: str) -> None:
    assert list(faults(client.post("/v1/models", json={"id": name, "slo_ms": 5.0}))) == ["id"]
