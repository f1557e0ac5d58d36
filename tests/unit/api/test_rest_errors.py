"""Every error is a problem detail, whatever was sent."""

from __future__ import annotations

import httpx
import pytest

from api.rest.problems import Problem

JSON = {"content-type": "application/json"}


def problem(answer: httpx.Response, status: int) -> Problem:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found = Problem.model_validate_json(answer.text)
    assert found.status == status
    assert found.request_id == answer.headers["x-request-id"]
    return found


def test_unknown_routes_and_methods(client: httpx.Client) -> None:
    assert problem(client.get("/v1/nothing"), 404).type.endswith("route-not-found")
    refused = client.put("/v1/plans")
    assert problem(refused, 405).type.endswith("method-not-allowed")
    assert refused.headers["allow"] == "GET"
    assert client.patch("/v1/models/bert").headers["allow"] == "DELETE, GET, PUT"


@pytest.mark.parametrize(
    "text",
    ['[{"id": "a"', "", "nonsense", "{'id': 1}", "[" * 100_000, "\ud800".encode("utf-8", "surrogatepass")],
)
def test_truncated_or_broken_json_is_a_fault_of_the_whole(client: httpx.Client, text: str | bytes) -> None:
    answer = client.post("/v1/models", content=text, headers=JSON)
    assert problem(answer, 422).faults


def test_a_truncated_file_says_where(client: httpx.Client) -> None:
    found = problem(client.post("/v1/models", content='[{"id": "a",', headers=JSON), 422)
    assert found.faults is not None
    assert found.faults[0].field == "(whole)"
    assert "must be valid JSON (character" in found.faults[0].limit


def test_another_content_type_is_a_fault(client: httpx.Client) -> None:
    found = problem(client.post("/v1/models", content=b"id=a", headers={"content-type": "text/plain"}), 422)
    assert found.faults is not None
    assert found.faults[0].limit == "must be JSON, sent as application/json"


def test_a_body_above_the_limit_is_refused_by_its_stated_length(client: httpx.Client) -> None:
    answer = client.post("/v1/models", content=b"[" + b" " * 1_000_001, headers=JSON)
    assert problem(answer, 413).detail == "a request body may have at most 1000000 bytes"


def test_a_body_above_the_limit_is_refused_while_it_streams(client: httpx.Client) -> None:
    def chunks() -> list[bytes]:
        return [b"[" + b" " * 400_000] * 3

    answer = client.post("/v1/models", content=iter(chunks()), headers=JSON)
    problem(answer, 413)


@pytest.mark.parametrize(
    "path", ["/v1/plans/0", "/v1/plans/x", "/v1/plans/99999999999", "/v1/plans?limit=0", "/v1/runs?limit=501"]
)
def test_parameters_have_limits(client: httpx.Client, path: str) -> None:
    assert problem(client.get(path), 422).faults


@pytest.mark.parametrize("since", ["5", "yesterday", "2026-01-01", "0001-01-01T00:00:00+14:00"])
def test_instants_are_iso_8601_with_a_zone(client: httpx.Client, since: str) -> None:
    assert problem(client.get("/v1/observed-load", params={"since": since}), 422).faults


def test_a_request_id_is_echoed_if_it_is_sane(client: httpx.Client) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    odd = client.get("/healthz", headers={"X-Request-ID": "<script>"}).headers["x-request-id"]
    assert odd != "<script>"
    assert len(odd) == 16


def test_ready_and_alive(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok"}


def test_an_actor_has_a_short_name(client: httpx.Client) -> None:
    answer = client.post("/v1/models", json={"id": "a", "slo_ms": 1.0}, headers={"X-Actor": "a" * 101})
    assert problem(answer, 422).faults
