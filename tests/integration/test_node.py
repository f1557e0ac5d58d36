"""A node of real processes: plans, faults, drain. No test here asserts a time; ``bench.faults`` does."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from bench.faults.client import Client, endings
from bench.faults.house import BODY, LATENCY_US, PATIENCE_S, House, house, model, plan, send
from bench.faults.schedule import run_schedule
from dispatcher.contract.sub_cluster import ModelBackend

MACHINE_BUSY = ("window", "deadline_unreachable", "late")
"""Endings of requests that came while this machine was busy; a switch or restart has none of its own."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One node with two GPUs that serves; each test leaves it serving."""
    with house(tmp_path_factory.mktemp("node")) as built:
        built.planner.activate(plan(1))
        built.start_node()
        built.until_serving()
        yield built


SCHEDULES = (
    ("kill_worker", "strangers_talk"),
    ("stop_worker",),
    ("stop_worker_for_good",),
    ("kill_dispatcher",),
    ("slow_worker", "planner_goes"),
    ("node_killed_while_planner_is_away",),
    ("clock_off", "cache_broken_and_unwritable"),
)


@pytest.mark.parametrize("faults", SCHEDULES, ids="+".join)
def test_every_request_is_answered_or_refused_and_all_is_served_again(
    shared: House, faults: tuple[str, ...]
) -> None:
    found = run_schedule(shared, len("".join(faults)), faults)
    assert found.endings.get("no_answer", 0) == 0, f"{found}\n{shared.talk()}"
    assert set(found.afterwards) <= {"good", *MACHINE_BUSY}, f"{found}\n{shared.talk()}"
    assert found.afterwards["good"] > 0, f"{found}\n{shared.talk()}"


def test_a_node_reports_what_it_serves_and_what_that_takes(shared: House) -> None:
    def latest() -> list[Any]:
        heard = shared.planner.latest
        return heard["sub_clusters"] if heard.get("plan_version") == shared.planner.version else []

    def all_running() -> bool:
        gpus = [gpu for sub_cluster in latest() for gpu in sub_cluster["gpus"]]
        return bool(gpus) and all(gpu["state"] == "running" for gpu in gpus)

    shared.until(all_running, "a heartbeat with every GPU running")
    (sub_cluster,) = latest()
    assert sub_cluster["id"] == "sc"
    assert sub_cluster["dispatcher"]["plan_version"] == shared.planner.version
    assert [gpu["gpu"] for gpu in sub_cluster["gpus"]] == [0, 1]
    for gpu in sub_cluster["gpus"]:
        assert "m" in gpu["models"]
        assert gpu["memory_bytes"] >= 0


def test_plan_switches_and_restarts_of_workers_fail_no_request(shared: House) -> None:
    """Another model, another batch limit, one GPU less and again two; then each worker in turn."""
    client = Client(shared.url, rate_rps=20, seed=3)
    first = shared.planner.version + 1
    smaller = msgspec.structs.replace(model(), latency_us=LATENCY_US[:9])
    plans = (
        plan(first, model(), model("other")),
        plan(first + 1, smaller),
        plan(first + 2, gpus=1),
        plan(first + 3),
    )
    for each in plans:
        shared.planner.activate(each)
        shared.until(lambda each=each: shared.plan_served() == each.plan_version, f"{each.plan_version}")
        shared.until_serving(each.gpus)
    for pid in shared.workers():
        send(pid, signal.SIGTERM)
        shared.until(lambda pid=pid: pid not in shared.workers(), "the worker's end")
        shared.until(lambda: len(shared.workers()) == 2, "the next worker")
        shared.until_serving()
    found = endings(client.finish())
    assert set(found) <= {"good", *MACHINE_BUSY}, f"{found}\n{shared.talk()}"
    assert found["good"] > 0, f"{found}\n{shared.talk()}"


def test_a_plan_whose_model_cannot_be_loaded_leaves_the_one_before_it_served(shared: House) -> None:
    before = shared.planner.version
    broken = msgspec.structs.replace(model("broken"), backend=ModelBackend("onnx", "/nowhere.onnx"))
    shared.planner.activate(plan(before + 1, model(), broken))

    def fault() -> str:
        return str(shared.planner.latest["sub_clusters"][0]["fault"])

    shared.until(lambda: "no file" in fault(), "the fault in a heartbeat")
    assert shared.plan_served() == before
    assert httpx.post(f"{shared.url}/v2/models/m/infer", content=BODY).status_code == 200
    shared.planner.activate(plan(before + 2))
    shared.until(lambda: shared.plan_served() == before + 2, "the plan after it")
    shared.until(lambda: fault() == "None", "no fault any more")


def test_a_model_that_moves_is_kept_until_its_new_home_serves(shared: House) -> None:
    first = shared.planner.version + 1
    shared.planner.activate(plan(first, model(), model("other")))
    shared.until(lambda: shared.plan_served() == first, "the plan of two models")
    shared.planner.homes = [elsewhere("other", is_serving=False)]
    shared.planner.activate(plan(first + 1, gpus=1))
    shared.until(lambda: shared.plan_served() == first + 1, "the plan that moves one")
    shared.until(lambda: waits_for(shared) == ["elsewhere"], "a heartbeat that says so")
    assert is_here(shared, "m")
    assert is_here(shared, "other")
    assert len(shared.workers()) == 2
    shared.planner.homes = [elsewhere("other", is_serving=True)]
    shared.until(lambda: not is_here(shared, "other"), "the model gone")
    shared.until(lambda: waits_for(shared) == [] and len(shared.workers()) == 1, "the GPU given up")
    assert is_here(shared, "m")


def elsewhere(name: str, *, is_serving: bool) -> dict[str, Any]:
    return {"id": "elsewhere", "models": [name], "is_serving": is_serving}


def waits_for(shared: House) -> object:
    return shared.planner.latest["sub_clusters"][0]["waits_for"]


def is_here(shared: House, name: str) -> bool:
    """Whatever became of a request on this machine, it was not refused for its model."""
    url = f"{shared.url}/v2/models/{name}/infer"
    return httpx.post(url, content=BODY, timeout=PATIENCE_S).status_code != 404


def test_a_sub_cluster_that_leaves_the_plan_is_drained_and_comes_back(shared: House) -> None:
    version = shared.planner.version
    shared.planner.homes = [elsewhere("m", is_serving=False)]
    shared.planner.activate()
    shared.until(lambda: waits_for(shared) == ["elsewhere"], "a heartbeat that says so")
    assert is_here(shared, "m")
    shared.planner.homes = []
    shared.until(lambda: not shared.workers() and not shared.dispatchers(), "the end of all processes")
    shared.planner.activate(plan(version + 2))
    shared.until_serving()


def test_sigterm_drains_the_node(tmp_path: Path) -> None:
    with house(tmp_path, devices=1) as built:
        built.planner.activate(plan(1, gpus=1))
        built.start_node()
        built.until_serving(1)
        built.until(lambda: len(built.workers()) == 1, "a heartbeat")
        left = [*built.workers(), *built.dispatchers()]
        client = Client(built.url, rate_rps=30, seed=4)
        built.until(lambda: len(client.stories) > 20, "some answers")
        assert built.node is not None
        built.node.terminate()
        assert built.node.wait(PATIENCE_S) == 0, built.talk()
        found = endings(client.finish())
        assert set(found) <= {"good", "draining", "cut_off", *MACHINE_BUSY}, found
        assert not set(left) & {*built.workers(), *built.dispatchers()}
        kept = json.loads((built.state / "plan.json").read_text())
        assert kept["plan_version"] == 1
