"""``fermata up`` and ``fermata load`` as a user runs them, on loopback. No test here asserts a time."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from dispatcher.frontend.load_client import infer_body
from dispatcher.native_client import Answered, NativeClient
from tests.certificates import Authority
from tests.integration.live_processes import PATIENCE_S, Live, until
from tests.onnx_models import affine_model, gather_model

CONFIG = """
gpu_type: T4
gpus: 2
models:
  - {name: ResNet50, slo_ms: 2000}
  - {name: mine, slo_ms: 2000, latency_ms: {alpha: 1, beta: 4}}
"""
REAL = """
  - name: gather
    slo_ms: 2000
    latency_ms: [[1, 1.0], [4, 1.5]]
    backend: {{kind: onnx, path: {path}}}
    inputs: [{{name: indices, datatype: INT64, shape: [1]}}]
    outputs: [{{name: values, datatype: FP32, shape: [1]}}]
"""


class Up(Live):
    """One ``fermata up``."""

    def __init__(self, folder: Path, more: str = "") -> None:
        super().__init__(folder)
        config = folder / "up.yaml"
        config.write_text(CONFIG + more, encoding="utf-8")
        ready = folder / "up.json"
        self.process = self.start(
            "up", str(config), "--json", "--folder", str(folder / "up"), "--ready-file", str(ready)
        )
        until(lambda: ready.exists() or self.process.poll() is not None, "fermata up")
        assert self.process.poll() is None, self.talk()
        self.addresses: dict[str, Any] = json.loads(ready.read_text())
        self.url = self.addresses["http_url"]

    def load(self, address: str, *arguments: str, status: int = 0) -> dict[str, Any]:
        """What ``fermata load ... --json`` answers."""
        command = [sys.executable, "-m", "api.cli.main", "load", address, "--json", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == status, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def worker_pid(self, gpu: int) -> int:
        """Of the worker that announced itself last."""
        lines = (self.folder / f"up/worker-{gpu}.log").read_text().splitlines()
        announced = [json.loads(line) for line in lines if line.startswith('{"gpu"')]
        return int(announced[-1]["pid"])


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("up")
    started = Up(folder, REAL.format(path=gather_model(folder)) + 'devices: ["0", "1"]\n')
    try:
        yield started
    finally:
        started.process.send_signal(signal.SIGTERM)
        started.process.wait(PATIENCE_S)
        started.end()


def test_load_over_http_is_counted_as_the_dispatcher_counts_it(up: Up) -> None:
    before = up.metric("fermata_requests_total", model="ResNet50")
    found = up.load(up.url, "--model", "ResNet50", "--model", "mine=30", "--rate-rps", "60", "--seconds", "2")
    assert found["sent"] == sum(model["sent"] for model in found["models"]) > 100
    assert [model["slo_ms"] for model in found["models"]] == [2_000, 2_000]
    assert found["errors"] == []
    assert found["ok"] + sum(found["bad_by_reason"].values()) == found["sent"]
    sent = next(model["sent"] for model in found["models"] if model["model"] == "ResNet50")
    assert up.metric("fermata_requests_total", model="ResNet50") - before == sent
    assert set(found["client"]) >= {"kept_up", "send_lag_ms_p99", "held_back"}


def test_a_real_network_beside_emulated_ones_answers_what_it_computes(up: Up) -> None:
    body = infer_body([("indices", "INT64", (1,), (2,))])
    answer = httpx.post(f"{up.url}/v2/models/gather/infer", content=body, timeout=PATIENCE_S)
    assert answer.json()["outputs"][0]["data"] == [30.0]


def test_load_over_the_native_door_with_a_deadline_of_its_own(up: Up) -> None:
    endpoint = up.addresses["native_endpoint"]
    arguments = ("--protocol", "native", "--model", "mine", "--seconds", "1")
    found = up.load(endpoint, *arguments, "--rate-rps", "300", "--arrivals", "gamma", "--cv", "2.2")
    assert found["errors"] == []
    assert found["ok"] > 0
    hopeless = up.load(endpoint, *arguments, "--timeout-ms", "1", "--bad-rate-max", "0.5", status=1)
    assert hopeless["bad_rate"] == 1.0
    assert hopeless["bad_by_reason"].keys() <= {"deadline_unreachable", "gpus_busy", "late", "window"}


def test_the_native_client_and_http_share_batches(up: Up) -> None:
    async def both() -> None:
        async with NativeClient(up.addresses["native_endpoint"]) as client:
            array = np.ones((40, 4), dtype=np.float32)
            answered, response = await asyncio.gather(
                client.infer("mine", {"input": array}), asyncio.to_thread(up.infer, "mine")
            )
            assert answered.completed.all()
            assert answered.outputs["output"].shape == (40, 4)
            assert response.status_code == 200

    asyncio.run(both())


def test_native_calls_cancelled_at_any_moment_are_each_counted_once(up: Up) -> None:
    random = np.random.default_rng(5)
    frames, rows = 60, 20

    async def run() -> int:
        async with NativeClient(up.addresses["native_endpoint"]) as client:
            asked = []
            for _ in range(frames):
                asked.append(client.submit("mine", {"input": np.ones((rows, 4), dtype=np.float32)}))
                await asyncio.sleep(random.uniform(0, 0.01))
                if random.random() < 0.5:
                    asked[random.integers(len(asked))].cancel()
            ended = await asyncio.gather(*asked, return_exceptions=True)
            answered = [each for each in ended if isinstance(each, Answered)]
            assert 0 < len(answered) < frames
            assert all(isinstance(each, asyncio.CancelledError) for each in ended if each not in answered)
            until(lambda: up.metric("fermata_requests_pending") == 0, "every request ended")
            return sum(int(each.completed.sum()) for each in answered)

    def count(**outcome: str) -> float:
        return up.metric("fermata_requests_total", model="mine", **outcome)

    ended, cancelled, in_time = count(), count(outcome="cancelled"), count(outcome="in_time")
    completed = asyncio.run(run())
    assert count() - ended == frames * rows
    assert count(outcome="cancelled") - cancelled > 0
    assert count(outcome="in_time") - in_time >= completed


def test_native_requests_of_a_killed_worker_are_each_answered_once(up: Up) -> None:
    async def run() -> None:
        heard = np.zeros(5 * 200, dtype=np.int64)
        async with NativeClient(up.addresses["native_endpoint"]) as client:

            def ask(number: int) -> asyncio.Future[Answered]:
                def on_rows(rows: NDArray[np.int64], codes: NDArray[np.uint16]) -> None:
                    heard[200 * number + rows] += 1

                array = np.ones((200, 4), dtype=np.float32)
                return client.submit("mine", {"input": array}, on_rows=on_rows)

            asked = []
            for number in range(5):
                asked.append(ask(number))
                await asyncio.sleep(0.05)
                if number == 2:
                    os.kill(up.worker_pid(0), signal.SIGKILL)
            answered = await asyncio.gather(*asked)
        assert (heard == 1).all()
        reasons = {each.reason(row) for each in answered for row in range(200)}
        assert reasons <= {None, "gpu_lost", "deadline_unreachable", "gpus_busy", "window", "late"}
        assert None in reasons

    before = up.worker_pid(0)
    asyncio.run(run())
    until(lambda: up.worker_pid(0) != before, "another worker")
    up.until_gpus_ready(2)
    assert up.metric("fermata_requests_pending") == 0


def test_a_killed_worker_and_a_killed_dispatcher_are_started_again(up: Up) -> None:
    before = up.worker_pid(1)
    os.kill(before, signal.SIGKILL)
    until(lambda: up.worker_pid(1) != before, "another worker")
    up.until_gpus_ready(2)
    dispatcher = json.loads((up.folder / "up/ready.json").read_text())["pid"]
    os.kill(dispatcher, signal.SIGKILL)
    until(
        lambda: json.loads((up.folder / "up/ready.json").read_text())["pid"] != dispatcher,
        "another dispatcher",
    )
    up.until_gpus_ready(2)
    assert up.infer("ResNet50").status_code == 200
    assert "started again" in up.talk()


def test_the_doors_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    pair = authority.sign("server")
    secured = Up(tmp_path, f"doors: {{tls: {{certificate: {pair.certificate}, key: {pair.key}}}}}")
    try:
        arguments = ("--model", "mine", "--seconds", "0.5", "--tls-ca", str(authority.ca))
        assert secured.url.startswith("https://")
        for address, protocol in (
            (secured.url, "http"),
            (f"grpcs://{secured.addresses['grpc_address']}", "grpc"),
        ):
            found = secured.load(address, "--protocol", protocol, *arguments)
            assert found["errors"] == []
            assert found["ok"] > 0
        command = [sys.executable, "-m", "api.cli.main", "load", secured.url, "--model", "mine"]
        refused = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert "CERTIFICATE_VERIFY_FAILED" in refused.stderr
    finally:
        secured.process.send_signal(signal.SIGTERM)
        secured.process.wait(PATIENCE_S)
        secured.end()


def test_ctrl_c_drains_and_leaves_nothing_behind(tmp_path: Path) -> None:
    up = Up(tmp_path)
    try:
        pids = [up.worker_pid(0), up.worker_pid(1)]
        pids.append(json.loads((tmp_path / "up/ready.json").read_text())["pid"])
        up.process.send_signal(signal.SIGINT)
        assert up.process.wait(PATIENCE_S) == 0, up.talk()
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        assert "drained" in up.talk()
    finally:
        up.end()


def no_network(folder: Path) -> Path:
    path = folder / "words.onnx"
    path.write_text("this is no network", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda folder: folder / "gone.onnx", "no file"),
        (no_network, "cannot load"),
        (lambda folder: affine_model(folder, 1), "the file's inputs are ['x'], declared are ['indices']"),
    ],
    ids=["missing file", "wrong format", "wrong input names"],
)
def test_a_model_that_can_never_be_loaded_is_told_at_once(
    tmp_path: Path, made: Callable[[Path], Path], words: str
) -> None:
    path, config = made(tmp_path), tmp_path / "up.yaml"
    config.write_text(CONFIG + REAL.format(path=path), encoding="utf-8")
    command = [sys.executable, "-m", "api.cli.main", "up", str(config), "--folder", str(tmp_path / "up")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 2, done.stderr
    assert "error: model gather: " in done.stderr
    assert words in done.stderr
    assert str(path) in done.stderr
    assert "started again" not in done.stderr
    for log in (tmp_path / "up").glob("worker-*.log"):
        assert log.read_text().count("error: ") <= 1


def test_a_server_that_is_not_there_ends_with_a_hint() -> None:
    command = [sys.executable, "-m", "api.cli.main", "load", "http://127.0.0.1:1", "--model", "m"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr
    assert "hint: `fermata up" in done.stderr
