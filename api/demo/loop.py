"""
Once around the loop, on this machine.

Each step is a function that takes the demo's state and leaves its figures in
``figures``; the order in ``run_demo`` is the order of the product: facts, forecast, plan,
certificate, activation, live service, observed load, replan.
"""

from __future__ import annotations

import json
import shutil
import socket
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api.cli.output import talk
from api.demo import facts, live, report
from api.demo.control import ControlPlane
from api.demo.processes import Processes

HOST = "127.0.0.1"
API_READY_S_MAX = 60.0
SOLVER_TIME_LIMIT_S = 40.0


class DemoFailed(RuntimeError):
    """A step did not do what it should."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line asks for; ``seconds`` is how long the live part is driven."""

    folder: Path
    port: int
    fleet_gpus: int
    seconds: float
    seed: int
    stay_open: bool
    as_json: bool


@dataclass(slots=True)
class Demo:
    """The state that one step hands to the next."""

    options: DemoOptions
    processes: Processes
    control: ControlPlane
    figures: dict[str, Any] = field(default_factory=dict)


def run_demo(options: DemoOptions) -> None:
    """All steps; raises at the first that fails. Every process started is ended again."""
    started = time.monotonic()
    folder = options.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    url = f"http://{HOST}:{options.port or free_port()}"
    environment = {"FERMATA_DATABASE_URL": f"sqlite:///{(folder / 'fermata.db').resolve()}"}
    with Processes(folder, environment) as processes:
        demo = Demo(options, processes, ControlPlane(url))
        start_control_plane(demo, url)
        model_path = facts.write_real_model(folder)
        fleet = facts.submit_facts(demo.control, options, model_path, environment)
        forecast_id = facts.submit_forecast(demo.control, fleet)
        first = plan_and_activate(demo, forecast_id)
        live_figures = live.serve_and_drive(demo.processes, demo.control, options, fleet, first)
        if live_figures["errors"]:
            raise DemoFailed("requests without a proper answer: " + "; ".join(live_figures["errors"]))
        second = replan(demo, forecast_id, first, live_figures["began"])
        demo.figures.update(live=live_figures, first_plan=first, second_plan=second)
        demo.figures["seconds"] = round(time.monotonic() - started, 1)
        talk.print(f"\n[bold green]Once around in {demo.figures['seconds']:.0f} s.[/]")
        if options.as_json:
            sys.stdout.write(json.dumps(demo.figures, indent=2) + "\n")
        if options.stay_open:
            leave_open(processes, url)


def start_control_plane(demo: Demo, url: str) -> None:
    report.step(1, "Migrate a SQLite database and start the API")
    port = url.rsplit(":", 1)[1]
    demo.processes.start("serve", "serve", "--host", HOST, "--port", port, "--upgrade")
    demo.processes.wait_until("the API", demo.control.is_ready, within_s=API_READY_S_MAX)
    talk.print(f"  API at {url}/v1, its description at {url}/docs, state in {demo.options.folder}")


def plan_and_activate(demo: Demo, forecast_id: int) -> dict[str, Any]:
    """The first plan: solved, verified, certified, approved, activated; returns its summary."""
    report.step(4, "Plan 24 epochs as one integer program; verify; certify by simulation")
    plan = run_planner(demo, {"forecast_id": forecast_id})
    demo.figures["certificate"] = demo.control.get(f"/v1/plans/{plan['version']}/certificate")
    report.plan(plan)
    report.step(5, "Approve and activate")
    if not plan["certificate_passed"]:
        raise DemoFailed(f"plan {plan['version']} is not certified; see its certificate in the console")
    activate(demo.control, plan)
    return plan


def run_planner(demo: Demo, options: dict[str, Any]) -> dict[str, Any]:
    """One run of the planner; returns the plan with its summary."""
    request = {
        "time_limit_s": SOLVER_TIME_LIMIT_S,
        "seed": demo.options.seed,
        "policy": facts.POLICY,
        **options,
    }
    run = demo.control.run(request, progress=report.progress)
    found: dict[str, Any] = demo.control.get(f"/v1/plans/{run['plan_version']}")
    return found


def activate(control: ControlPlane, plan: dict[str, Any]) -> None:
    version = plan["version"]
    control.post(f"/v1/plans/{version}/approval", {"plan_id": plan["plan_id"]})
    control.post("/v1/activations", {"plan_version": version})
    talk.print(f"  plan {version} is active")


def replan(demo: Demo, forecast_id: int, first: dict[str, Any], since: str) -> dict[str, Any]:
    """Plan again from forecast and observed load, and say what would change."""
    report.step(7, "Replan from forecast and observed load")
    observed = {"use_observed": True, "observed_since": since}
    second = run_planner(demo, {"forecast_id": forecast_id, **observed})
    difference = demo.control.get(f"/v1/plans/{second['version']}/difference", against=first["version"])
    report.plan(second)
    report.difference(difference)
    demo.figures["difference"] = difference
    return second


def leave_open(processes: Processes, url: str) -> None:
    """Keep the API and console until interrupted."""
    report.step(8, "The console stays open")
    talk.print(f"  [bold]{url}/console[/]   (Ctrl-C ends)")
    try:
        while all(process.popen.poll() is None for process in processes.running):
            time.sleep(0.5)
    except KeyboardInterrupt:
        talk.print("  ending")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
