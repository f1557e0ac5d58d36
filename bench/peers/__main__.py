"""
Fermata beside Triton, Ray Serve, BentoML, LitServe and mosec on the same emulated GPUs.

Each server gets its batch limit and an instance of the model on each GPU, of several models one instance each
(which takes more than one on each GPU); an emulated GPU takes alpha * b + beta for a batch of b, one
batch at a time. The client is open loop; refusals, errors and answers
after the SLO are bad. For each scenario: the largest rate with at most 1 % bad, and the GPUs' busy
share at one rate for all, half of what Fermata takes.

    python -m bench.peers setup                       # environments under var/peers, once
    python -m bench.peers run --json var/bench/peers.json --seconds 6
    python -m bench.peers run --json var/bench/peers.json --missing      # only what that file lacks
    python -m bench.peers draw var/bench/peers.json var/bench/peers.png
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.peers.drawing import draw
from bench.peers.environments import PACKAGES, set_up, version_of
from bench.peers.measure import Run, largest_rate, measured, settle
from bench.peers.running import NAMES, ServerFailed, running
from bench.peers.scenarios import SCENARIOS, Scenario
from dispatcher.frontend.descriptions import server_metadata

HEAD = (
    f"{'server':>9} {'largest rate':>12} {'of capacity':>11} {'equal load':>10} {'bad':>7} {'GPU busy':>8} "
    f"{'batch':>6} {'p50 ms':>7} {'p99 ms':>7}"
)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    setup = commands.add_parser("setup", help="make the peers' environments")
    setup.add_argument("peers", nargs="*", default=list(PACKAGES))
    run = commands.add_parser("run", help="measure")
    run.add_argument("--servers", default=",".join(NAMES))
    run.add_argument("--scenarios", default=",".join(SCENARIOS))
    run.add_argument("--seconds", type=float, default=6.0, help="of each run, after a warm-up")
    run.add_argument("--seed", type=int, default=1)
    run.add_argument("--json", type=Path, help="write results here, after each server anew")
    run.add_argument("--missing", action="store_true", help="only what the file lacks, or what failed")
    picture = commands.add_parser("draw", help="draw what was measured")
    picture.add_argument("results", type=Path)
    picture.add_argument("image", type=Path)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # servers are ended on the way out
    if arguments.command == "setup":
        for peer in arguments.peers:
            set_up(peer)
            print(f"{peer} {version_of(peer)}")
    elif arguments.command == "draw":
        draw(json.loads(arguments.results.read_text(encoding="utf-8")), arguments.image)
    else:
        measure_all(arguments)


def measure_all(arguments: argparse.Namespace) -> None:
    """Fermata first: half of what it takes is the load at which all are compared."""
    results = _results_so_far(arguments)
    for scenario in (SCENARIOS[name] for name in arguments.scenarios.split(",")):
        limits = f"SLO {scenario.slo_ms:g} ms, capacity {scenario.capacity_rps:.0f}/s"
        print(f"\n{scenario.title}; {limits}\n{HEAD}")
        servers: dict[str, Any] = results["servers"].setdefault(scenario.name, {})
        for name in arguments.servers.split(","):
            if arguments.missing and "equal_load" in servers.get(name, {}):
                continue
            ours = servers.get("fermata", {}).get("equal_load", {})
            servers[name] = measure_one(name, scenario, arguments, ours.get("rate_rps"))
            if arguments.json is not None:
                arguments.json.parent.mkdir(parents=True, exist_ok=True)
                arguments.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def _results_so_far(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the file holds already, so that servers can be measured one after the other."""
    if arguments.json is not None and arguments.json.exists():
        found: dict[str, Any] = json.loads(arguments.json.read_text(encoding="utf-8"))
        for option in ("seconds", "seed"):
            if found[option] != getattr(arguments, option):
                given = getattr(arguments, option)
                limit = f"must be {found[option]:g}, as of what {arguments.json} holds"
                sys.exit(f"--{option}: {limit}, got {given:g}")
        return found
    scenarios = {
        name: {**asdict(scenario), "capacity_rps": scenario.capacity_rps}
        for name, scenario in SCENARIOS.items()
    }
    return {
        "seconds": arguments.seconds,
        "seed": arguments.seed,
        "scenarios": scenarios,
        "servers": {},
    }


def measure_one(
    name: str, scenario: Scenario, arguments: argparse.Namespace, equal_rps: float | None
) -> dict[str, Any]:
    """One line of the table; a server that does not run says why."""
    version = server_metadata()["version"] if name == "fermata" else version_of(name)
    result: dict[str, Any] = {"server": name, "version": version}

    def at(rate_rps: float) -> Run:
        return measured(server, scenario, rate_rps, arguments.seconds, arguments.seed)

    try:
        with running(name, scenario) as server:
            largest_rps, runs = largest_rate(at, scenario.capacity_rps)
        with running(name, scenario) as server:  # afresh: what it learnt in overload is another question
            ours = None if name == "fermata" else equal_rps
            rate_rps = ours or largest_rps / 2 or 0.1 * scenario.capacity_rps
            settle(server, scenario, rate_rps, arguments.seed)
            equal = at(rate_rps)
    except ServerFailed as error:
        sys.stderr.write(f"{name}: {error}\n")
        return result | {"failed": str(error)}
    share = largest_rps / scenario.capacity_rps
    print(
        f"{name:>9} {largest_rps:>12.0f} {share:>11.0%} {equal.rate_rps:>10.0f} "
        f"{equal.bad_rate:>7.2%} {equal.gpu_busy_share:>8.1%} {equal.batch_size_mean:>6.1f} "
        f"{equal.p50_ms:>7.0f} {equal.p99_ms:>7.0f}"
        + ("" if all(run.client_kept_up for run in [*runs, equal]) else "  client lagged"),
        flush=True,
    )
    return result | {
        "largest_rate_rps": largest_rps,
        "runs": [asdict(run) for run in runs],
        "equal_load": asdict(equal),
    }


if __name__ == "__main__":
    main()
