"""Start a server in its environment, learn how to ask it, and end it by its own process group."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec
import yaml

from bench.peers.environments import python_of
from bench.peers.scenarios import Scenario
from dispatcher.frontend.load_client import infer_body
from dispatcher.frontend.load_http import HttpPayload, infer_path

SERVERS = Path(__file__).parent / "servers"
READY_S_MAX = 240.0
STOP_S_MAX = 40.0
NUMBERS = [1.0, 2.0, 3.0, 4.0]
OIP_BODY = infer_body([("input", "FP32", (4,), NUMBERS)])
PLAIN_BODY = msgspec.json.encode({"input": NUMBERS})
NAMES = ("fermata", "triton", "mosec", "litserve", "ray", "bentoml")


class ServerFailed(RuntimeError):
    """A server ended or never answered; the message carries the end of its log."""


@dataclass
class Running:
    """A server that answers requests for every model of the scenario."""

    folder: Path
    gpus: int
    payloads: dict[str, HttpPayload]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def gpu_use(self) -> tuple[float, int, int]:
        """Busy seconds, batches and requests of all GPUs since the start."""
        totals = [0.0, 0, 0]
        for gpu in range(self.gpus):
            raw = (self.folder / f"gpu-{gpu}").read_bytes() if (self.folder / f"gpu-{gpu}").exists() else b""
            for index, value in enumerate(struct.unpack("<dqq", raw) if len(raw) == 24 else (0.0, 0, 0)):
                totals[index] += value
        return float(totals[0]), int(totals[1]), int(totals[2])


class FermataRunning(Running):
    """Our workers measure for themselves."""

    def gpu_use(self) -> tuple[float, int, int]:
        (payload,) = {each.urls[0] for each in self.payloads.values()}
        found = dict.fromkeys(("gpu_busy_seconds_total", "batch_size_count", "batch_size_sum"), 0.0)
        for line in httpx.get(f"{payload}/metrics").text.splitlines():
            name = line.split("{")[0].removeprefix("fermata_")
            if name in found:
                found[name] += float(line.rsplit(" ", 1)[1])
        busy_s, batches, requests = found.values()
        return busy_s, int(batches), int(requests)


@contextlib.contextmanager
def running(name: str, scenario: Scenario) -> Iterator[Running]:
    """The server, warm: every model has answered on every GPU."""
    with tempfile.TemporaryDirectory(prefix=f"peer-{name}-") as temporary:
        folder = Path(temporary)
        kind = FermataRunning if name == "fermata" else Running
        server = kind(folder, scenario.gpus, {})
        try:
            STARTS[name](server, scenario)
            _wait(server, scenario)
            yield server
        finally:
            _end(server.processes)


def _start_fermata(server: Running, scenario: Scenario) -> None:
    latency = {"alpha": scenario.alpha_ms, "beta": scenario.beta_ms}
    common = {"slo_ms": scenario.slo_ms, "latency_ms": latency, "batch_size_max": scenario.batch_size_max}
    port = _free_port()
    config: dict[str, Any] = {
        "gpus": scenario.gpus,
        "models": [{"name": model, **common} for model in scenario.model_names],
        "doors": {"http_port": port},
    }
    file = server.folder / "up.yaml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [sys.executable, "-m", "api.cli.main", "up", str(file), "--folder", str(server.folder / "up")]
    _spawn(server, "fermata", command, {})
    url = (f"http://127.0.0.1:{port}",)
    for model in scenario.model_names:
        server.payloads[model] = HttpPayload(infer_path(model), OIP_BODY, url)


def _start_triton(server: Running, scenario: Scenario) -> None:
    repository = server.folder / "models"
    packages = python_of("triton").parent.parent / "lib/python3.11/site-packages"
    home = packages / "pytriton/tritonserver"
    backends = server.folder / "backends"
    shutil.copytree(home / "backends", backends)
    stub = home / "python_backend_stubs/3.11/triton_python_backend_stub"
    shutil.copy(stub, backends / "python/triton_python_backend_stub")
    tensors = 'input [{name: "input" data_type: TYPE_FP32 dims: [4]}]\n'
    tensors += 'output [{name: "output" data_type: TYPE_FP32 dims: [4]}]\n'
    instances = f"{{count: {scenario.instances} kind: KIND_CPU}}"
    for model in scenario.model_names:
        (repository / model / "1").mkdir(parents=True)
        shutil.copy(SERVERS / "triton_model.py", repository / model / "1/model.py")
        (repository / model / "config.pbtxt").write_text(
            f'name: "{model}"\nbackend: "python"\nmax_batch_size: {scenario.batch_size_max}\n{tensors}'
            f"instance_group [{instances}]\ndynamic_batching {{}}\n"
        )
    port, grpc_port, metrics_port = _free_port(), _free_port(), _free_port()
    command = [str(home / "bin/tritonserver"), f"--model-repository={repository}"]
    command += [f"--backend-directory={backends}", "--model-control-mode=explicit", "--load-model=*"]
    for door, number in (("http", port), ("grpc", grpc_port), ("metrics", metrics_port)):
        command += [f"--{door}-port={number}"]
    command += ["--http-address=127.0.0.1", "--grpc-address=127.0.0.1", "--metrics-address=127.0.0.1"]
    libraries = f"{sysconfig.get_config_var('LIBDIR')}:{packages / 'nvidia_pytriton.libs'}"
    search = f"{python_of('triton').parent}:{os.environ['PATH']}"
    environment = {"LD_LIBRARY_PATH": libraries, "PATH": search, "PYTHONPATH": str(packages)}
    _spawn(server, "triton", command, environment | _emulation(server, scenario))
    for model in scenario.model_names:
        server.payloads[model] = HttpPayload(infer_path(model), OIP_BODY, (f"http://127.0.0.1:{port}",))


def _start_one_for_each(server: Running, scenario: Scenario, peer: str, path: str, body: bytes) -> None:
    """Servers that serve one model each: a process (group) for each model."""
    for model in scenario.model_names:
        port = _free_port()
        interpreter, script = str(python_of(peer)), str(SERVERS / f"{peer}_server.py")
        commands = {
            "mosec": [interpreter, script, "--address", "127.0.0.1", "--port", str(port)],
            "litserve": [interpreter, script],
            "bentoml": [
                *(str(python_of(peer).parent / "bentoml"), "serve", "bentoml_service:Model"),
                *("--working-dir", str(SERVERS), "--host", "127.0.0.1", "--port", str(port)),
            ],
        }
        own = {"PEER_MODEL": model, "PEER_PORT": str(port), "BENTOML_DO_NOT_TRACK": "True"}
        _spawn(server, f"{peer}-{model}", commands[peer], _emulation(server, scenario) | own)
        server.payloads[model] = HttpPayload(path, body, (f"http://127.0.0.1:{port}",))


def _start_ray(server: Running, scenario: Scenario) -> None:
    port = _free_port()
    own = {
        "PEER_MODELS": ",".join(scenario.model_names),
        "PEER_PORT": str(port),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    command = [str(python_of("ray")), str(SERVERS / "ray_app.py")]
    _spawn(server, "ray", command, _emulation(server, scenario) | own)
    for model in scenario.model_names:
        server.payloads[model] = HttpPayload(f"/{model}", PLAIN_BODY, (f"http://127.0.0.1:{port}",))


STARTS = {
    "fermata": _start_fermata,
    "triton": _start_triton,
    "mosec": lambda server, scenario: _start_one_for_each(
        server, scenario, "mosec", "/inference", PLAIN_BODY
    ),
    "litserve": lambda server, scenario: _start_one_for_each(
        server, scenario, "litserve", "/predict", PLAIN_BODY
    ),
    "bentoml": lambda server, scenario: _start_one_for_each(
        server, scenario, "bentoml", "/predict", msgspec.json.encode({"inputs": [NUMBERS]})
    ),
    "ray": _start_ray,
}


def _emulation(server: Running, scenario: Scenario) -> dict[str, str]:
    return {
        "PEER_FOLDER": str(server.folder),
        "PEER_SERVERS": str(SERVERS),
        "PEER_GPUS": str(scenario.gpus),
        "PEER_INSTANCES": str(scenario.instances),
        "PEER_ALPHA_MS": str(scenario.alpha_ms),
        "PEER_BETA_MS": str(scenario.beta_ms),
        "PEER_BATCH_MAX": str(scenario.batch_size_max),
        "PEER_SLO_MS": str(round(scenario.slo_ms)),
        "PYTHONPATH": str(SERVERS),
    }


def _spawn(server: Running, name: str, command: list[str], environment: dict[str, str]) -> None:
    kept = {key: value for key, value in os.environ.items() if key not in environment}
    with (server.folder / f"{name}.log").open("wb") as log:
        server.processes.append(
            subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=kept | environment,
                start_new_session=True,
                cwd=None if name == "fermata" else server.folder,
            )
        )


def _wait(server: Running, scenario: Scenario) -> None:
    """Until every model has answered a few requests for each GPU in a row."""
    deadline_s = time.monotonic() + READY_S_MAX
    for payload in server.payloads.values():
        answered = 0
        while answered < 2 * scenario.gpus:
            if any(process.poll() is not None for process in server.processes):
                raise ServerFailed(f"a server ended\n{_story(server)}")
            if time.monotonic() > deadline_s:
                raise ServerFailed(f"no answer within {READY_S_MAX:g} s\n{_story(server)}")
            try:
                headers = {"content-type": payload.content_type}
                url = payload.urls[0] + payload.path
                answer = httpx.post(url, content=payload.body, headers=headers, timeout=10)
            except httpx.TransportError:
                time.sleep(0.2)
                continue
            answered = answered + 1 if answer.status_code == 200 else 0
            if not answered:
                time.sleep(0.2)


def _story(server: Running) -> str:
    logs = sorted(server.folder.glob("*.log"))
    return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-3_000:]}" for log in logs)


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    """Each in its own group: gently, then by force."""
    for process in processes:
        process.send_signal(signal.SIGTERM)
    deadline_s = time.monotonic() + STOP_S_MAX
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.1, deadline_s - time.monotonic()))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
