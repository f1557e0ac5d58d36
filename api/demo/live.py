"""The live part: two sub-clusters as real processes, driven over HTTP, compared with their simulation."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np

from api.cli.output import talk
from api.demo import report
from api.demo.control import ControlPlane
from api.demo.facts import CPU_TYPE, Fleet
from api.demo.processes import Process, Processes, ProcessFailed
from dispatcher.contract.sub_cluster import SubClusterSpec
from dispatcher.contract.sub_cluster_file import encode_sub_cluster, parse_sub_cluster
from dispatcher.core.scheduler import ModelSpec
from dispatcher.frontend.load_client import DrivenModel, drive, infer_body
from dispatcher.frontend.load_result import LoadResult
from dispatcher.simulation.arrivals import gamma_arrivals
from dispatcher.simulation.result import SimulationResult
from dispatcher.simulation.simulate import simulate_arrivals

if TYPE_CHECKING:
    from api.demo.loop import DemoOptions

EPOCH = 0  # the horizon begins now
RATE_RPS_WANTED = 300.0  # enough to see batches, few enough for a client and a dispatcher on two cores
RATE_RPS_MAX = 700.0
READY_S_MAX = 60.0
REPORT_S_MAX = 30.0
REPORT_INTERVAL_S = 1.0


@dataclass(slots=True)
class LiveSubCluster:
    """One sub-cluster of the plan as it runs here, with the arrivals it will get."""

    spec: SubClusterSpec
    arrivals: list[tuple[float, str]]
    dispatcher: Process | None = None
    workers: tuple[Process, ...] = ()
    url: str = ""

    @property
    def processes(self) -> list[Process]:
        return [*([self.dispatcher] if self.dispatcher else []), *self.workers]


def serve_and_drive(
    processes: Processes, control: ControlPlane, options: DemoOptions, fleet: Fleet, plan: dict[str, Any]
) -> dict[str, Any]:
    """Run, drive and compare; returns the figures, JSON-ready."""
    report.step(6, f"Serve two sub-clusters live and drive them for {options.seconds:.0f} s")
    chosen = choose(control, plan)
    rng = np.random.default_rng(options.seed)
    running = [_with_arrivals(spec, plan, fleet, options.seconds, rng) for spec in chosen]
    predicted = [predict(sub_cluster, options.seconds) for sub_cluster in running]
    start(processes, options.folder, running)
    began = datetime.now(UTC)
    result = asyncio.run(_drive(running))
    for sub_cluster in running:
        processes.stop([sub_cluster.dispatcher] if sub_cluster.dispatcher else [])
        processes.stop(sub_cluster.workers)
    observed = _observed(control, plan["version"], result.sent, processes)
    figures = [
        compare(sub_cluster, forecasted, result, observed, options.seconds)
        for sub_cluster, forecasted in zip(running, predicted, strict=True)
    ]
    report.live(figures, result)
    return {
        "began": began.isoformat().replace("+00:00", "Z"),
        "sub_clusters": figures,
        "send_lag_ms_p99": result.send_lag_ms,
        "errors": list(result.errors),
    }


def choose(control: ControlPlane, plan: dict[str, Any]) -> list[SubClusterSpec]:
    """The sub-cluster of emulated GPUs whose load suits this machine best, and the real model's."""
    problem = control.get(f"/v1/plans/{plan['version']}/problem")
    demand = {model["id"]: model["demand_rps"][EPOCH] for model in problem["models"]}
    real, emulated = [], []
    for cluster in plan["plan"]["sub_clusters"]:
        rate_rps = sum(demand[m["id"]] * m["share"][EPOCH] for m in cluster["models"])
        if cluster["gpu_type"] == CPU_TYPE["id"]:
            real.append(cluster["id"])
        elif rate_rps > 0:
            emulated.append((_unsuitable(rate_rps, cluster["gpus"][EPOCH]), cluster["id"]))
    if not emulated or not real:
        raise ProcessFailed("the plan has no sub-cluster of emulated GPUs, or none for the real model")
    ids = [min(emulated)[1], *real]
    query = {"epoch": EPOCH}
    return [
        parse_sub_cluster(control.get(f"/v1/plans/{plan['version']}/sub-clusters/{id}", **query))
        for id in ids
    ]


def _unsuitable(rate_rps: float, gpus: int) -> float:
    """How far from the wish, as a logarithm; one GPU shows less, too many requests drown the machine."""
    return abs(math.log(rate_rps / RATE_RPS_WANTED)) + 0.7 * (gpus == 1) + 2.0 * (rate_rps > RATE_RPS_MAX)


def _with_arrivals(
    spec: SubClusterSpec, plan: dict[str, Any], fleet: Fleet, seconds: float, rng: np.random.Generator
) -> LiveSubCluster:
    """Arrivals of the trace's rate and variation in the first epoch, for each model."""
    (cluster,) = (c for c in plan["plan"]["sub_clusters"] if c["id"] == spec.id)
    arrivals: list[tuple[float, str]] = []
    for placed in cluster["models"]:
        rate_rps = fleet.rate_rps(placed["id"], EPOCH) * placed["share"][EPOCH]
        times_us = gamma_arrivals(
            rng, rate_rps, 1 / fleet.arrival_cv(placed["id"]) ** 2, round(seconds * 1e6)
        )
        arrivals += [(float(us) / 1e6, placed["id"]) for us in times_us]
    return LiveSubCluster(spec, sorted(arrivals))


def predict(sub_cluster: LiveSubCluster, seconds: float) -> SimulationResult:
    """What the simulation says of exactly these arrivals."""
    spec = sub_cluster.spec
    index = {model.id: i for i, model in enumerate(spec.models)}
    return simulate_arrivals(
        [ModelSpec(m.id, m.slo_us, np.array(m.latency_us, dtype=np.int64)) for m in spec.models],
        spec.gpus,
        np.array([round(at_s * 1e6) for at_s, _ in sub_cluster.arrivals], dtype=np.int64),
        np.array([index[model] for _, model in sub_cluster.arrivals], dtype=np.int32),
        delays=spec.delays,
        rules=spec.rules,
        duration_us=round(seconds * 1e6),
    )


def start(processes: Processes, folder: Path, running: Sequence[LiveSubCluster]) -> None:
    """The dispatchers, then one worker a GPU; returns when requests would be served."""
    ready_files = {
        sub_cluster.spec.id: folder / f"{_slug(sub_cluster.spec.id)}.ready.json" for sub_cluster in running
    }
    for sub_cluster in running:
        name = _slug(sub_cluster.spec.id)
        spec_file = folder / f"{name}.json"
        spec_file.write_text(encode_sub_cluster(sub_cluster.spec), encoding="utf-8")
        arguments = ("--spec", str(spec_file), "--ready-file", str(ready_files[sub_cluster.spec.id]))
        sub_cluster.dispatcher = processes.start(f"dispatcher-{name}", "dispatcher", *arguments)
    everything = ready_files.values()
    processes.wait_until("the dispatchers", lambda: all(f.exists() for f in everything), within_s=READY_S_MAX)
    for sub_cluster in running:
        ready = json.loads(ready_files[sub_cluster.spec.id].read_text(encoding="utf-8"))
        sub_cluster.url = ready["http_url"]
        sub_cluster.workers = _start_workers(processes, sub_cluster, ready["worker_endpoint"])
    processes.wait_until("the workers", lambda: all(map(_all_joined, running)), within_s=READY_S_MAX)
    for sub_cluster in running:
        spec = sub_cluster.spec
        kinds = " and ".join(sorted({model.backend.kind for model in spec.models}))
        talk.print(
            f"  {spec.id}: {len(spec.models)} model(s) on {spec.gpus} GPU(s), {kinds}, "
            f"door at {sub_cluster.url}/v2"
        )


def _start_workers(processes: Processes, sub_cluster: LiveSubCluster, endpoint: str) -> tuple[Process, ...]:
    name = _slug(sub_cluster.spec.id)
    return tuple(
        processes.start(f"worker-{name}-{gpu}", "worker", "--connect", endpoint, "--gpu", str(gpu))
        for gpu in range(sub_cluster.spec.gpus)
    )


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name)


def _all_joined(sub_cluster: LiveSubCluster) -> bool:
    return all(worker.log.stat().st_size > 0 for worker in sub_cluster.workers) and _is_ready(sub_cluster.url)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/v2/health/ready").is_success
    except httpx.TransportError:
        return False


async def _drive(running: Sequence[LiveSubCluster]) -> LoadResult:
    models: dict[str, DrivenModel] = {}
    for sub_cluster in running:
        for model in sub_cluster.spec.models:
            inputs = [(t.name, t.datatype, t.shape, [0.5] * int(np.prod(t.shape))) for t in model.inputs]
            body = infer_body(inputs)
            models[model.id] = DrivenModel(model.id, model.slo_us / 1_000, body, (sub_cluster.url,))
    arrivals = sorted(arrival for sub_cluster in running for arrival in sub_cluster.arrivals)
    with report.driving(len(arrivals)) as progress:
        return await drive([s.url for s in running], arrivals, models, progress=progress)


def _observed(control: ControlPlane, version: int, sent: int, processes: Processes) -> dict[str, Any]:
    """The load that the dispatchers reported; the last report leaves while they end."""
    found: dict[str, Any] = {}

    def all_reported() -> bool:
        nonlocal found
        found = control.get("/v1/observed-load", plan_version=version)
        return bool(sum(model["arrived"] for model in found["models"]) >= sent)

    processes.wait_until(f"load reports of all {sent} requests", all_reported, within_s=REPORT_S_MAX)
    return {model["model"]: model for model in found["models"]}


def compare(
    sub_cluster: LiveSubCluster,
    predicted: SimulationResult,
    result: LoadResult,
    observed: dict[str, Any],
    seconds: float,
) -> dict[str, Any]:
    """Live beside simulated: goodput, bad rate, batch size, busy share."""
    ids = {model.id for model in sub_cluster.spec.models}
    driven = [model for model in result.models if model.model in ids]
    loads = [observed[id] for id in ids if id in observed]
    sent, ok = sum(m.sent for m in driven), sum(m.ok for m in driven)
    batches = sum(load["batches"] for load in loads)
    executed = sum(load["batches"] * (load["batch_size_mean"] or 0.0) for load in loads)
    simulated_batches = sum(m.batches for m in predicted.models)
    simulated_items = sum(m.batches * m.batch_size_mean for m in predicted.models if m.batches)
    return {
        "sub_cluster": sub_cluster.spec.id,
        "gpus": sub_cluster.spec.gpus,
        "models": len(ids),
        "sent": sent,
        "goodput_rps": {"live": ok / seconds, "simulated": predicted.goodput_rps},
        "bad_rate": {"live": 1 - ok / sent if sent else 0.0, "simulated": predicted.bad_rate},
        "batch_size": {
            "live": executed / batches if batches else 0.0,
            "simulated": simulated_items / simulated_batches if simulated_batches else 0.0,
        },
        "gpu_busy_share": {
            "live": sum(load["busy_s"] for load in loads) / (sub_cluster.spec.gpus * seconds),
            "simulated": predicted.gpu_busy_share,
        },
    }
