from __future__ import annotations

from typing import Any

import pytest

from dispatcher.contract.node_file import parse_node
from profiles.faults import InputInvalid


def valid() -> dict[str, Any]:
    return {
        "node": "gpu-7",
        "planner": "http://127.0.0.1:8080",
        "state": "/var/lib/fermata",
        "sub_clusters": [
            {
                "id": "A100/zone-a/1",
                "devices": ["0", "1"],
                "dispatcher": {"worker_endpoint": "tcp://127.0.0.1:7000", "http_port": 8000},
            },
            {"id": "A100/zone-a/2", "devices": ["2"], "first_gpu": 4, "worker_endpoint": "tcp://[::1]:7001"},
        ],
    }


def test_a_valid_configuration_is_read() -> None:
    config = parse_node(valid())
    assert config.node == "gpu-7"
    assert [part.endpoint for part in config.sub_clusters] == ["tcp://127.0.0.1:7000", "tcp://[::1]:7001"]
    assert config.sub_clusters[1].first_gpu == 4


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"node": "a b"}, "node", "letters"),
        ({"planner": "ftp://x"}, "planner", "http"),
        ({"state": "var"}, "state", "absolute"),
        ({"poll_s": 0.0}, "poll_s", "0.05..3600"),
        ({"wait_s": float("nan")}, "wait_s", "0..60"),
        ({"silence_s_max": 1.0}, "silence_s_max", "2..3600"),
        ({"sub_clusters": []}, "sub_clusters", "at least one"),
        ({"more": 1}, "more", "unknown field"),
    ],
)
def test_a_fault_of_the_node_names_field_value_and_limit(
    change: dict[str, Any], field: str, words: str
) -> None:
    assert words in faults_of(valid() | change)[field]


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"id": ""}, "sub_clusters[0].id", "empty"),
        ({"id": "A100/zone-a/2"}, "sub_clusters[1].id", "unique"),
        ({"devices": ["2", "2"]}, "sub_clusters[0].devices[1]", "once"),
        ({"emulated_memory_gib": 0.0}, "sub_clusters[0].emulated_memory_gib", "above 0"),
        ({"first_gpu": -1}, "sub_clusters[0].first_gpu", "0..4095"),
        ({"dispatcher": None}, "sub_clusters[0].dispatcher", "one of"),
        ({"worker_endpoint": "tcp://127.0.0.1:1"}, "sub_clusters[0].dispatcher", "one of"),
        (
            {"dispatcher": {"worker_endpoint": "tcp://127.0.0.1:0", "http_port": 0}},
            "sub_clusters[0].dispatcher.worker_endpoint",
            "a port of its own",
        ),
        (
            {"dispatcher": {"worker_endpoint": "tcp://127.0.0.1:1", "http_port": 0}},
            "sub_clusters[0].dispatcher.http_port",
            "1..65535",
        ),
        (
            {"dispatcher": {"worker_endpoint": "tcp://127.0.0.1:1", "http_port": 1, "grpc_port": 65_536}},
            "sub_clusters[0].dispatcher.grpc_port",
            "0..65535",
        ),
        (
            {
                "dispatcher": {
                    "worker_endpoint": "tcp://127.0.0.1:1",
                    "http_port": 1,
                    "tls": {"certificate": "/a", "key": "b"},
                }
            },
            "sub_clusters[0].dispatcher.tls.key",
            "an absolute path",
        ),
    ],
)
def test_a_fault_of_a_sub_cluster_names_field_value_and_limit(
    change: dict[str, Any], field: str, words: str
) -> None:
    data = valid()
    data["sub_clusters"][0] |= change
    assert words in faults_of(data)[field]


def test_all_faults_are_told_at_once() -> None:
    data = valid() | {"node": "", "planner": "", "state": ""}
    assert set(faults_of(data)) == {"node", "planner", "state"}


def faults_of(data: object) -> dict[str, str]:
    with pytest.raises(InputInvalid) as caught:
        parse_node(data)
    return {fault.field: str(fault) for fault in caught.value.faults}


SPARE = {
    "id": "spare-gpu-7",
    "gpu_type": "A100",
    "zone": "zone-a",
    "devices": ["7"],
    "dispatcher": {"worker_endpoint": "tcp://127.0.0.1:7100", "http_port": 8100},
}


def test_a_spare_is_a_part_of_its_own_and_a_node_may_be_nothing_else() -> None:
    config = parse_node(valid() | {"spares": [SPARE]})
    assert [part.id for part in config.parts] == ["A100/zone-a/1", "A100/zone-a/2", "spare-gpu-7"]
    assert (config.parts[-1].devices, config.parts[-1].first_gpu) == (("7",), 0)
    alone = parse_node(valid() | {"sub_clusters": [], "spares": [SPARE]})
    assert [part.endpoint for part in alone.parts] == ["tcp://127.0.0.1:7100"]


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"id": ""}, "spares[0].id", "empty"),
        ({"id": "A100/zone-a/1"}, "spares[0].id", "unique among sub-clusters and spares"),
        ({"gpu_type": ""}, "spares[0].gpu_type", "empty"),
        ({"zone": ""}, "spares[0].zone", "empty"),
        ({"devices": []}, "spares[0].devices", "must name the devices"),
        ({"devices": ["7", "7"]}, "spares[0].devices[1]", "once"),
        ({"devices": ["2"]}, "spares[0].devices[0]", "A100/zone-a/2 names it too"),
        ({"emulated_memory_gib": -1.0}, "spares[0].emulated_memory_gib", "above 0"),
        ({"first_gpu": 1}, "spares[0].first_gpu", "unknown field"),
        ({"dispatcher": None}, "spares[0].dispatcher", "must be an object"),
        (
            {"dispatcher": {"worker_endpoint": "tcp://127.0.0.1:7100", "http_port": 8000}},
            "spares[0].dispatcher.http_port",
            "must not be sub_clusters[0].dispatcher.http_port",
        ),
        (
            {"dispatcher": {"worker_endpoint": "tcp://127.0.0.1", "http_port": 8100}},
            "spares[0].dispatcher.worker_endpoint",
            "a port of its own",
        ),
    ],
)
def test_a_fault_of_a_spare_names_field_value_and_limit(
    change: dict[str, Any], field: str, words: str
) -> None:
    assert words in faults_of(valid() | {"spares": [SPARE | change]})[field]


def test_a_device_is_kept_for_one_spare() -> None:
    doors = {"worker_endpoint": "tcp://127.0.0.1:7200", "http_port": 8200}
    spares = [SPARE, SPARE | {"id": "other", "dispatcher": doors}]
    assert "spare spare-gpu-7 names it too" in faults_of(valid() | {"spares": spares})["spares[1].devices[0]"]
