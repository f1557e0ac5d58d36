from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.rest.schemas.nodes import STATUS_EXAMPLE


def test_a_heartbeat_is_kept_in_place_of_the_one_before(client: httpx.Client) -> None:
    first = client.put("/v1/nodes/gpu-7", json=STATUS_EXAMPLE)
    assert first.status_code == 200, first.text
    second = client.put("/v1/nodes/gpu-7", json=STATUS_EXAMPLE | {"plan_version": 4})
    assert second.json()["status"]["plan_version"] == 4
    listed = {node["id"]: node for node in client.get("/v1/nodes").json()["items"]}
    assert listed["gpu-7"] == client.get("/v1/nodes/gpu-7").json() == second.json()
    missing = client.get("/v1/nodes/nobody")
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:fermata:problem:node-not-found")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"plan_version": -1}, "plan_version"),
        ({"more": 1}, "more"),
        ({"sub_clusters": [{"id": "sc"}]}, "sub_clusters[0].gpus"),
        ({"spares": [{"id": "s", "gpu_type": "a", "zone": "z"}]}, "spares[0].gpus"),
        ({"spares": [{"id": "s", "gpu_type": "a", "zone": "z", "gpus": 0}]}, "spares[0].gpus"),
    ],
)
def test_a_heartbeat_with_faults_is_refused(client: httpx.Client, change: dict[str, Any], field: str) -> None:
    answer = client.put("/v1/nodes/gpu-7", json=STATUS_EXAMPLE | change)
    assert answer.status_code == 422
    assert field in {fault["field"] for fault in answer.json()["faults"]}


def test_a_name_that_no_node_has_is_refused(client: httpx.Client) -> None:
    assert client.put("/v1/nodes/a%20b", json=STATUS_EXAMPLE).status_code == 422
