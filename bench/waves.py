"""
Models change places on GPUs none of which holds both, under load: wave by wave, through a spare, at once.

Three sub-clusters of one emulated GPU each on one node, with a real planner. Two models of 9 GiB and a small
one change places on GPUs of 16 GiB, which refuse what does not fit. Clients ask at 70 % of a GPU's capacity
for each heavy model and follow the routes that the planner tells (``GET /v1/activations/current/routes``).
Refusals, late answers and broken connections all count as failed. The same load undisturbed stands beside
it, and the same change without waves: the new is loaded beside the old, which memory does not allow.

Then two GPUs exchange their heavy models, with no third sub-cluster that one could wait on. Another node
keeps one GPU for that (``spares`` in its file); going back nobody is told of it, and the order takes a loss.

    python -m bench.waves [--load 0.7] [--json FILE]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import numpy as np
import uvicorn

from api.rest.app import create_app
from api.settings import Settings
from bench.faults.client import Client, Story, endings
from bench.faults.house import PATIENCE_S, ROOT, free_port
from dispatcher.frontend.load_client import infer_body
from planner.plan.plan import Placement, Plan, PlanStatus, SubCluster
from planner.service import plans
from planner.service.activation import ActivationRequest, activate
from planner.service.rollouts import ordering
from planner.service.rollouts.announced import Announced
from planner.service.rollouts.kept import waves
from planner.service.rollouts.view import Progress, RolloutState, progress
from planner.store import migrate
from planner.store.store import Store

GPUS = 4
GPU_GIB = 16.0
WEIGHTS_GIB = {"x": 9.0, "y": 9.0, "light": 1.0}
LARGEST = 16
ALPHA_MS, BETA_MS, SLO_MS = 20.0, 100.0, 1_500.0
CAPACITY_RPS = LARGEST / ((ALPHA_MS * LARGEST + BETA_MS) / 1e3)
LIGHT_SHARE = 0.15  # of a heavy model's rate: for a time it shares a GPU with one
BODY = infer_body([("input", "FP32", (4,), (1.0,) * 4)])
DEVICES = {"one": ["0", "3"], "two": ["1", "3"], "three": ["2"]}  # number 3 serves either of two
SPARE, SPARE_DEVICES = "spare", ["4"]
Homes = dict[str, tuple[str, ...]]  # models by sub-cluster
FIRST: Homes = {"one": ("x",), "two": ("y",), "three": ("light",)}
SECOND: Homes = {"one": ("y",), "two": ("light",), "three": ("x",)}
PAIR: Homes = {"one": ("x",), "two": ("y", "light")}
EXCHANGED: Homes = {"one": ("y",), "two": ("x", "light")}
UNDISTURBED_S = 10.0
AT_ONCE_S = 15.0


def rates(load: float) -> dict[str, float]:
    """Requests per second of each model."""
    heavy = load * CAPACITY_RPS
    return {"x": heavy, "y": heavy, "light": LIGHT_SHARE * heavy}


def problem(demand_rps: dict[str, float]) -> dict[str, Any]:
    profile = {"alpha_ms": ALPHA_MS, "beta_ms": BETA_MS, "batch_size_max": LARGEST}
    models = [
        {
            "id": name,
            "slo_ms": SLO_MS,
            "demand_rps": [rate],
            "profiles": {"a": {**profile, "weights_gib": WEIGHTS_GIB[name], "workspace_gib_per_item": 0.1}},
        }
        for name, rate in demand_rps.items()
    ]
    return {
        "epochs": [{"start": datetime.now(UTC).isoformat(), "hours": 24}],
        "gpu_types": [{"id": "a", "memory_gib": GPU_GIB, "price_usd_per_hour": 1.0}],
        "pools": [{"gpu_type": "a", "zone": "z", "available": GPUS}],
        "models": models,
    }


def plan(homes: Homes, more: str | None = None) -> Plan:
    """One GPU for each sub-cluster; ``more`` has the GPU besides."""
    clusters = tuple(
        SubCluster(
            name,
            "a",
            "z",
            (2 if name == more else 1,),
            tuple(Placement(model, (1.0,), LARGEST) for model in models),
        )
        for name, models in homes.items()
    )
    return Plan(PlanStatus.FEASIBLE, 3, 3, 0, 3, 0, 3, clusters, (), (), "hand", 0, "hand")


class WaveHouse:
    """
    A planner, ``fermata node`` with three sub-clusters, another that keeps a spare, and clients.

    Clients follow routes; one whose model no route names asks where it was last.
    """

    def __init__(self, folder: Path, store: Store, url: str, demand_rps: dict[str, float]) -> None:
        self.store = store
        self.urls: dict[str, str] = {}
        self._url = url
        self._demand_rps = demand_rps
        self._routes: dict[str, dict[str, float]] = {}
        self._last_routes: dict[str, dict[str, float]] = {}
        self._random = np.random.default_rng(5)
        self._log_file = folder / "node.log"
        self._log = self._log_file.open("ab")
        self._ended = threading.Event()
        self._follower = threading.Thread(target=self._follow, daemon=True)
        configs = {
            "n1": {"sub_clusters": [self._part(name, devices) for name, devices in DEVICES.items()]},
            "n2": {"spares": [self._part(SPARE, SPARE_DEVICES) | {"gpu_type": "a", "zone": "z"}]},
        }
        for name, own in configs.items():
            config = self._common(name, folder / name) | own
            (folder / f"{name}.yaml").write_text(json.dumps(config))
        self._folder = folder
        self.node, self.spare_node = self.start_node(), self.start_node("n2")

    def start_node(self, name: str = "n1") -> subprocess.Popen[bytes]:
        config = str(self._folder / f"{name}.yaml")
        command = [sys.executable, "-m", "api.cli.main", "node", "--config", config]
        return subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=self._log, start_new_session=True
        )

    def activate(self, homes: Homes, more: str | None = None) -> None:
        """A plan with these models in these sub-clusters, whatever it takes to get there."""
        from tests.stored_plans import kept_plan

        version = kept_plan(self.store, problem(self._demand_rps), plan(homes, more))
        plans.approve(self.store, version, plan_id=plans.summary(self.store, version).plan_id, actor="bench")
        activate(self.store, ActivationRequest(version), actor="bench")

    @property
    def at(self) -> Progress:
        return progress(self.store)

    def held(self) -> dict[str, list[str]]:
        """What the GPUs of each sub-cluster hold that hold something, as nodes said."""
        found = {
            part["id"]: [model for gpu in part["gpus"] for model in sorted(gpu["models"])]
            for part in self.parts()
        }
        return {name: models for name, models in found.items() if models}

    def faults(self) -> list[str]:
        """Why parts of nodes do not serve what they were asked to."""
        return [part["fault"] for part in self.parts() if part["fault"]]

    def spare(self) -> dict[str, Any]:
        """What was said of the spare's sub-cluster."""
        (found,) = (part for part in self.parts() if part["id"] == SPARE)
        return found

    def is_kept(self) -> bool:
        """Whether the planner has heard of the spare."""
        with self.store.reading() as work:
            return any(node.status.get("spares") for node in work.nodes.all())

    def parts(self) -> list[dict[str, Any]]:
        """What nodes said of their parts of sub-clusters."""
        with self.store.reading() as work:
            return [part for node in work.nodes.all() for part in node.status["sub_clusters"]]

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Raises ``TimeoutError`` with the node's log where it never comes."""
        end_s = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > end_s:
                raise TimeoutError(f"waited {PATIENCE_S:g} s for: {what}\n{self.talk()}")
            time.sleep(0.05)

    def until_held(self, homes: Homes) -> None:
        wanted = {name: sorted(models) for name, models in homes.items()}
        self.until(lambda: self.held() == wanted, f"{wanted}, {self.held()} at {self.at}")

    def clients(self, demand_rps: dict[str, float]) -> list[Client]:
        """One for each model, who asks where the planner says it is served."""
        if not self._follower.is_alive():
            self._follower.start()
            self.until(lambda: set(self._routes) == set(demand_rps), "routes")
        return [
            Client(self._where(name), rate, seed, name, BODY)
            for seed, (name, rate) in enumerate(demand_rps.items())
        ]

    def talk(self) -> str:
        return self._log_file.read_text(errors="replace")[-6_000:]

    def end(self) -> None:
        self._ended.set()
        running = [node for node in (self.node, self.spare_node) if node.poll() is None]
        for node in running:
            node.terminate()
        for node in running:
            node.wait(60)
        self._log.close()

    def _where(self, model: str) -> Callable[[], str]:
        def url() -> str:
            shares = self._last_routes[model]
            weights = np.array(list(shares.values()))
            return self.urls[list(shares)[self._random.choice(len(shares), p=weights / weights.sum())]]

        return url

    def _follow(self) -> None:
        etag = None
        while not self._ended.is_set():
            headers = {"if-none-match": etag} if etag else {}
            with contextlib.suppress(httpx.HTTPError):
                answer = httpx.get(
                    f"{self._url}/v1/activations/current/routes",
                    headers=headers,
                    params={"wait_s": 2},
                    timeout=10,
                )
                if answer.status_code == 200:
                    self._routes, etag = answer.json()["models"], answer.headers["etag"]
                    self._last_routes = self._last_routes | self._routes

    def _part(self, name: str, devices: list[str]) -> dict[str, Any]:
        port = free_port()
        self.urls[name] = f"http://127.0.0.1:{port}"
        doors = {"worker_endpoint": f"tcp://127.0.0.1:{free_port()}", "http_port": port}
        return {"id": name, "devices": devices, "dispatcher": doors, "emulated_memory_gib": GPU_GIB}

    def _common(self, name: str, state: Path) -> dict[str, Any]:
        return {
            "node": name,
            "planner": self._url,
            "state": str(state),
            "poll_s": 0.1,
            "wait_s": 2.0,
            "heartbeat_s": 1.0,
        }


@contextlib.contextmanager
def wave_house(folder: Path, demand_rps: dict[str, float]) -> Iterator[WaveHouse]:
    """All of it on loopback, serving the first plan."""
    database = f"sqlite:///{folder / 'fermata.db'}"
    migrate.upgrade(database)
    app = create_app(Settings(database_url=database, run_worker=False))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    store = Store(database)
    built = WaveHouse(folder, store, f"http://127.0.0.1:{port}", demand_rps)
    try:
        built.activate(FIRST)
        built.until_held(FIRST)
        built.until(built.is_kept, "the spare")
        yield built
    finally:
        built.end()
        server.should_exit = True
        thread.join()
        store.close()


def measured(built: WaveHouse, demand_rps: dict[str, float], act: Callable[[], None]) -> dict[str, Any]:
    """What became of the requests asked while ``act`` ran."""
    clients = built.clients(demand_rps)
    time.sleep(2.0)
    began_s = time.monotonic()
    try:
        act()
    finally:
        stories: list[Story] = [story for client in clients for story in client.finish()]
    during = [story for story in stories if story.at_s >= began_s]
    return {
        "seconds": round(time.monotonic() - began_s, 1),
        "requests": len(during),
        "failed": sum(not story.is_good for story in during),
        "endings": endings(during),
    }


def swap(built: WaveHouse, homes: Homes) -> None:
    built.activate(homes)
    built.until(lambda: built.at.state is RolloutState.DONE, f"the end of the waves: {built.at}")
    built.until_held(homes)


def swap_at_once(built: WaveHouse) -> None:
    """As though there were no order: what the node makes of it, after some seconds."""
    with mock.patch.object(ordering, "apart", return_value=(["not asked for"], {})):
        built.activate(SECOND)
        built.until(lambda: built.at.state is RolloutState.AT_ONCE, "the plan at once")
    time.sleep(AT_ONCE_S)


def swap_without_spare(built: WaveHouse, homes: Homes) -> None:
    """As though nobody had announced any."""
    with mock.patch.object(ordering, "announced", return_value=Announced()):
        built.activate(homes)
        built.until(lambda: built.at.state is RolloutState.WAVES, "an order")
    built.until(lambda: built.at.state is RolloutState.DONE, f"the end of the waves: {built.at}")
    built.until_held(homes)


def exchange(built: WaveHouse, demand_rps: dict[str, float]) -> dict[str, Any]:
    """Two GPUs change their models with a third that is kept for that, and back without it."""
    swap(built, PAIR)
    found = {}
    for name, act in (
        ("with_spare", lambda: swap(built, EXCHANGED)),
        ("without_spare", lambda: swap_without_spare(built, PAIR)),
    ):
        found[name] = measured(built, demand_rps, act)
        ordered = waves(built.store, built.at.activation_id)
        lost = {model for wave in ordered.lost_rps for model, _ in wave}
        found[name] |= {"waves": built.at.waves, "spares": ordered.spares, "models_left_out": sorted(lost)}
    swap(built, FIRST)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--load", type=float, default=0.7, help="share of a GPU's capacity")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    demand_rps = rates(options.load)
    with tempfile.TemporaryDirectory() as folder, wave_house(Path(folder), demand_rps) as built:
        figures: dict[str, Any] = {"rates_rps": {name: round(rate, 1) for name, rate in demand_rps.items()}}
        figures["undisturbed"] = measured(built, demand_rps, lambda: time.sleep(UNDISTURBED_S))
        figures["waves"] = measured(built, demand_rps, lambda: swap(built, SECOND))
        figures["waves"] |= {"waves": built.at.waves, "held": built.held()}
        figures["back"] = measured(built, demand_rps, lambda: swap(built, FIRST))
        figures["exchange"] = exchange(built, demand_rps)
        figures["at_once"] = measured(built, demand_rps, lambda: swap_at_once(built))
        figures["at_once"] |= {"held": built.held(), "faults": built.faults()}
    text = json.dumps(figures, indent=2) + "\n"
    if options.json:
        options.json.write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
