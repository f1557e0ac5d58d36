"""A sub-cluster of real processes, driven over loopback. No test here asserts a time."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from dispatcher.contract.sub_cluster import LoadReporting, ModelBackend, ServedModel, SubClusterSpec, Tensor
from dispatcher.core.rules import Policy, Rules
from dispatcher.frontend.load_client import DrivenModel, LoadResult, drive, infer_body
from tests.integration.live_processes import BODY, PATIENCE_S, Live, emulated, live, planner, until
from tests.onnx_models import affine_model, served_gather


def spec(*models: ServedModel, gpus: int = 2, policy: Policy = Policy.EAGER, url: str = "") -> SubClusterSpec:
    reporting = LoadReporting(url, 0.5) if url else None
    return SubClusterSpec("sc", 7, gpus, models, Rules(policy), reporting=reporting)


def driven(url: str, rates_rps: dict[str, float], duration_s: float, slo_ms: float = 60_000) -> LoadResult:
    """Poisson arrivals; the client's own patience is generous."""
    random = np.random.default_rng(5)
    arrivals = [
        (float(at_s), model)
        for model, rate in rates_rps.items()
        for at_s in np.cumsum(random.exponential(1 / rate, int(rate * duration_s)))
    ]
    return asyncio.run(drive(url, arrivals, {model: DrivenModel(model, slo_ms, BODY) for model in rates_rps}))


class Background(threading.Thread):
    """Drives while the test does something to the processes."""

    def __init__(self, url: str, rates_rps: dict[str, float], duration_s: float) -> None:
        super().__init__()
        self._drive = (url, rates_rps, duration_s)
        self.start()

    def run(self) -> None:
        self.result = driven(*self._drive)

    def finished(self) -> LoadResult:
        self.join()
        return self.result


def assert_each_answered_once(processes: Live, result: LoadResult) -> None:
    assert result.errors == ()
    for model in result.models:
        assert model.ok + model.late + model.refused + model.error == model.sent
    assert processes.metric("fermata_requests_total") == result.sent, processes.talk()
    assert processes.metric("fermata_requests_pending") == 0


def test_a_moderate_load_is_batched_and_answered(tmp_path: Path) -> None:
    with live(tmp_path) as processes:
        processes.start_dispatcher(spec(emulated("a"), emulated("b"), policy=Policy.ADAPTIVE))
        assert httpx.get(f"{processes.url}/v2/health/ready").json() == {"ready": False}
        processes.start_worker(0), processes.start_worker(1)
        processes.until_gpus_ready(2)
        assert httpx.get(f"{processes.url}/v2/health/ready").json() == {"ready": True}
        result = driven(processes.url, {"a": 150, "b": 50}, 2.0)
        assert_each_answered_once(processes, result)
        assert result.ok > 0.9 * result.sent, processes.talk()
        batches = processes.metric("fermata_batch_size_count")
        assert processes.metric("fermata_batch_size_sum") / batches > 1
        assert processes.metric("fermata_gpu_busy_seconds_total") > 0


def test_requests_of_a_killed_worker_are_answered_and_it_rejoins(tmp_path: Path) -> None:
    with live(tmp_path) as processes:
        processes.start_dispatcher(spec(emulated("a", slo_us=20_000_000)))
        workers = [processes.start_worker(gpu) for gpu in (0, 1)]
        processes.until_gpus_ready(2)
        background = Background(processes.url, {"a": 200}, 2.5)
        until(lambda: processes.metric("fermata_batch_size_count") > 20, "some batches")
        os.kill(workers[0].pid, signal.SIGKILL)
        processes.until_gpus_ready(1)
        processes.start_worker(0)
        processes.until_gpus_ready(2)
        result = background.finished()
        assert_each_answered_once(processes, result)
        assert result.ok == result.sent, processes.talk()


def test_a_worker_that_stands_still_is_lost_and_comes_back(tmp_path: Path) -> None:
    with live(tmp_path) as processes:
        processes.start_dispatcher(spec(emulated("a", slo_us=30_000_000), gpus=1))
        worker = processes.start_worker(0)
        processes.until_gpus_ready(1)
        background = Background(processes.url, {"a": 100}, 1.0)
        until(lambda: processes.metric("fermata_batch_size_count") > 5, "some batches")
        os.kill(worker.pid, signal.SIGSTOP)
        processes.until_gpus_ready(0)
        os.kill(worker.pid, signal.SIGCONT)
        processes.until_gpus_ready(1)
        result = background.finished()
        assert_each_answered_once(processes, result)
        assert result.ok == result.sent, processes.talk()


def test_workers_rejoin_a_dispatcher_that_was_killed(tmp_path: Path) -> None:
    with live(tmp_path) as processes:
        dispatcher = processes.start_dispatcher(spec(emulated("a"), gpus=1))
        worker = processes.start_worker(0)
        processes.until_gpus_ready(1)
        dispatcher.kill()
        dispatcher.wait()
        processes.start_dispatcher(
            spec(emulated("a"), gpus=1), "--worker-endpoint", processes.worker_endpoint
        )
        processes.until_gpus_ready(1)
        assert processes.infer("a").status_code == 200
        worker.terminate()
        assert worker.wait(PATIENCE_S) == 0
        processes.until_gpus_ready(0)


def test_drain_answers_what_was_accepted_and_reports_all_of_it(tmp_path: Path) -> None:
    with live(tmp_path) as processes, planner(503, 500) as control:
        dispatcher = processes.start_dispatcher(
            spec(emulated("a", slo_us=20_000_000), gpus=1, url=control.url)
        )
        processes.start_worker(0)
        processes.until_gpus_ready(1)
        background = Background(processes.url, {"a": 300}, 1.0)
        until(lambda: processes.metric("fermata_requests_total") > 50, "some answers")
        dispatcher.terminate()
        result = background.finished()
        assert dispatcher.wait(PATIENCE_S) == 0
        (answered,) = result.models
        assert answered.ok > 0
        assert answered.late == 0
        reported = {name: control.sum(name) for name in ("arrived", "served_in_time", "rejected", "dropped")}
        assert reported["served_in_time"] == answered.ok, processes.talk()
        assert reported["rejected"] == answered.refused
        assert reported["arrived"] == answered.ok + answered.refused
        assert reported["dropped"] == 0
        report = control.reports[0]
        assert (report["sub_cluster"], report["plan_version"], report["gpus"]) == ("sc", 7, 1)
        assert 0 <= report["gpu_busy_share"] <= 1


WIDTH = 32


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One GPU that serves real networks, an emulated model, and one with a queue of two."""
    folder = tmp_path_factory.mktemp("shared")
    tensor = (WIDTH,)
    affine = ServedModel(
        "affine",
        5_000_000,
        (0, *(1_000 + 10 * size for size in range(1, 9))),
        (Tensor("x", "FP32", tensor),),
        (Tensor("y", "FP32", tensor),),
        ModelBackend("onnx", str(affine_model(folder, WIDTH))),
    )
    one = ServedModel("one", 50_000, (0, 30_000), queue_max=2)
    with live(folder) as processes:
        processes.start_dispatcher(spec(affine, served_gather(folder, 5_000_000), emulated("a"), one, gpus=1))
        processes.start_worker(0)
        processes.until_gpus_ready(1)
        yield processes


def test_a_real_network_gives_the_same_numbers_through_the_door(shared: Live) -> None:
    import onnxruntime

    items = np.random.default_rng(3).standard_normal((24, WIDTH)).astype(np.float32)
    path = str(shared.folder / "affine.onnx")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (expected,) = session.run(["y"], {"x": items})

    async def ask(client: httpx.AsyncClient, item: list[float]) -> httpx.Response:
        body = infer_body([("x", "FP32", (WIDTH,), item)])
        return await client.post(f"{shared.url}/v2/models/affine/infer", content=body)

    async def ask_all() -> list[httpx.Response]:
        async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
            return await asyncio.gather(*(ask(client, item.tolist()) for item in items))

    answers = asyncio.run(ask_all())
    assert [answer.status_code for answer in answers] == [200] * len(items), shared.talk()
    values = np.array([answer.json()["outputs"][0]["data"] for answer in answers], dtype=np.float32)
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-5)


def test_a_failing_model_fails_that_batch_alone(shared: Live) -> None:
    broken = shared.infer("gather", infer_body([("indices", "INT64", (1,), (99,))]))
    assert (broken.status_code, broken.json()["reason"]) == (500, "model_failed")
    good = shared.infer("gather", infer_body([("indices", "INT64", (1,), (2,))]))
    assert good.json()["outputs"][0]["data"] == [30.0], shared.talk()
    assert shared.infer("a").status_code == 200
    assert shared.metric("fermata_requests_total", model="gather", outcome="failed") == 1


def test_the_door_refuses_in_words(shared: Live) -> None:
    hopeless = shared.infer("one", BODY[:-1] + b',"parameters":{"timeout":1000}}')
    assert (hopeless.status_code, hopeless.json()["reason"]) == (503, "deadline_unreachable")
    assert hopeless.headers["retry-after"] == "1"
    (model,) = driven(shared.url, {"one": 300}, 1.0).models
    assert model.error == 0
    assert model.refused > 0
    assert model.ok + model.late + model.refused == model.sent
    assert shared.infer("one", b"{").status_code == 400
    assert shared.infer("two").status_code == 404
    assert shared.metric("fermata_requests_total", model="one", outcome="invalid") == 1
    assert shared.metric("fermata_requests_total", model="one", outcome="rejected") > 0


def test_a_client_that_hangs_up_breaks_nothing(shared: Live) -> None:
    for _ in range(5):
        with pytest.raises(httpx.TimeoutException):
            httpx.post(f"{shared.url}/v2/models/a/infer", content=BODY, timeout=0.001)
    assert shared.infer("a").status_code == 200
    until(lambda: shared.metric("fermata_requests_pending") == 0, "nothing pending")


def test_what_cannot_start_says_why(tmp_path: Path) -> None:
    with live(tmp_path) as processes:
        processes.start_dispatcher(spec(emulated("a"), gpus=1))
        first = processes.start_worker(0)
        processes.until_gpus_ready(1)
        twin, stranger = processes.start_worker(0), processes.start_worker(5)
        assert (twin.wait(PATIENCE_S), stranger.wait(PATIENCE_S)) == (1, 1)
        assert "gpu: 0 is served by process" in processes.talk()
        assert "gpu: must lie in 0..0, got 5" in processes.talk()
        assert first.poll() is None
        port = processes.url.rsplit(":", 1)[1]
        specification = str(tmp_path / "spec.json")
        taken = processes.start("dispatcher", "--spec", specification, "--http-port", port)
        (tmp_path / "bad.json").write_text('{"id": "x", "gpus": 0}')
        faulty = processes.start("dispatcher", "--spec", str(tmp_path / "bad.json"))
        assert (taken.wait(PATIENCE_S), faulty.wait(PATIENCE_S)) == (1, 2)
        assert f"cannot bind 127.0.0.1:{port}" in processes.talk()
        assert "plan_version: is required" in processes.talk()
        assert processes.infer("a").status_code == 200


def test_an_unloadable_model_ends_its_worker(tmp_path: Path) -> None:
    missing = ServedModel(
        "m", 1_000_000, (0, 1_000), backend=ModelBackend("onnx", str(tmp_path / "none.onnx"))
    )
    with live(tmp_path) as processes:
        processes.start_dispatcher(spec(missing, gpus=1))
        assert processes.start_worker(0).wait(PATIENCE_S) == 2  # another start would find the same
        assert "no file" in processes.talk()
        assert httpx.get(f"{processes.url}/v2/health/ready").status_code == 503


def test_worker_finishes_its_batch_on_sigterm(tmp_path: Path) -> None:
    slow = ServedModel("slow", 10_000_000, (0, 600_000))
    with live(tmp_path) as processes:
        processes.start_dispatcher(spec(slow, gpus=1))
        worker: subprocess.Popen[bytes] = processes.start_worker(0)
        processes.until_gpus_ready(1)
        background = Background(processes.url, {"slow": 20}, 0.05)
        until(lambda: processes.metric("fermata_requests_pending") == 1, "a request under way")
        time.sleep(0.1)
        worker.terminate()
        assert worker.wait(PATIENCE_S) == 0
        result = background.finished()
        assert (result.ok, result.sent) == (1, 1), processes.talk()
