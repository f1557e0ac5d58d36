"""
A soak of ``fermata up``: ten minutes at half load over HTTP and gRPC, real processes.

Two emulated GPUs serve two models; ``fermata load`` asks one over each door, open-loop, together for half of
what the GPUs carry with full batches. Every few seconds the resident memory of the dispatcher and of
its workers is read. In the end each request that was sent must have an answer, and the dispatcher's
metrics must tell the same story as the clients. Ends with 1 where they do not.

    python -m bench.soak [--minutes 10] [--load 0.5] [--json FILE]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from bench.report import write_json

GPUS = 2
LARGEST = 16
ALPHA_MS, BETA_MS = 8, 20
SLO_MS = 2_000
CAPACITY_RPS = GPUS * LARGEST / ((ALPHA_MS * LARGEST + BETA_MS) / 1e3)
MODELS = {"over-http": "http", "over-grpc": "grpc"}

SAMPLE_S = 5.0
SETTLING_SHARE = 0.2
"""Of the samples: memory still grows to its working size in them, the slope is of the rest."""

BRING_UP_S_MAX = 300.0
ANSWERS_S_MAX = 60.0


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "api.cli.main", *arguments]


@contextlib.contextmanager
def brought_up(folder: Path) -> Iterator[tuple[dict[str, Any], int]]:
    """The addresses of a sub-cluster, and its dispatcher's process id."""
    latency = {"alpha": ALPHA_MS, "beta": BETA_MS}
    models = [
        {"name": id, "slo_ms": SLO_MS, "latency_ms": latency, "batch_size_max": LARGEST} for id in MODELS
    ]
    config, ready = folder / "up.json", folder / "addresses.json"
    config.write_text(json.dumps({"gpus": GPUS, "models": models}), encoding="utf-8")
    process = subprocess.Popen(
        command("up", str(config), "--folder", str(folder / "up"), "--ready-file", str(ready)),
        stdout=subprocess.DEVNULL,
    )
    try:
        end_s = time.monotonic() + BRING_UP_S_MAX
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > end_s:
                raise RuntimeError("fermata up did not come up")
            time.sleep(0.1)
        announced = json.loads((folder / "up/ready.json").read_text(encoding="utf-8"))
        yield json.loads(ready.read_text(encoding="utf-8")), int(announced["pid"])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def rss_kib(pid: int) -> int:
    """Resident memory of one process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def asking(addresses: dict[str, Any], rate_rps: float, seconds: float) -> dict[str, subprocess.Popen[str]]:
    """A client for each model, over its door."""
    at = {"http": addresses["http_url"], "grpc": addresses["grpc_address"]}
    return {
        model: subprocess.Popen(
            command(
                *("load", at[protocol], "--protocol", protocol, "--model", model, "--json"),
                *("--rate-rps", str(rate_rps / len(MODELS)), "--seconds", str(seconds)),
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for model, protocol in MODELS.items()
    }


def outcomes(url: str) -> dict[str, dict[str, int]]:
    """What the dispatcher counted, by model and outcome."""
    found: dict[str, dict[str, int]] = {model: {} for model in MODELS}
    pattern = r'^fermata_requests_total\{model="([^"]*)",outcome="([^"]*)"\} (\d+)'
    for model, outcome, count in re.findall(pattern, httpx.get(f"{url}/metrics").text, re.MULTILINE):
        found[model][outcome] = int(count)
    return found


def inconsistencies(sent: dict[str, dict[str, Any]], counted: dict[str, dict[str, int]]) -> list[str]:
    """What the clients and the dispatcher do not agree on, in words."""
    found = []
    for model, client in sent.items():
        server = counted[model]
        if client["error"]:
            found.append(f"{model}: {client['error']} requests had no answer")
        if sum(server.values()) != client["sent"]:
            found.append(f"{model}: {client['sent']} requests sent, {sum(server.values())} counted")
        if server["in_time"] < client["ok"]:
            found.append(f"{model}: {client['ok']} in time for the client, {server['in_time']} counted")
    return found


def slope_kib_per_minute(at_s: list[float], rss: list[int]) -> float:
    """By least squares, of the samples after those in which memory settles; 0 below two of them."""
    first = int(len(at_s) * SETTLING_SHARE)
    if len(at_s) - first < 2:
        return 0.0
    return float(np.polyfit(np.array(at_s[first:]) / 60, rss[first:], 1)[0])


def soak(minutes: float, load: float) -> dict[str, Any]:
    """The memory over time, what clients saw, what the dispatcher counted, and where they differ."""
    rate_rps = load * CAPACITY_RPS
    at_s: list[float] = []
    rss: list[int] = []
    with tempfile.TemporaryDirectory() as folder, brought_up(Path(folder)) as (addresses, pid):
        began_s = time.monotonic()
        clients = asking(addresses, rate_rps, minutes * 60)
        while any(client.poll() is None for client in clients.values()):
            if time.monotonic() - began_s > minutes * 60 + ANSWERS_S_MAX:
                raise RuntimeError("a client did not end")
            at_s.append(time.monotonic() - began_s)
            rss.append(rss_kib(pid))
            time.sleep(SAMPLE_S)
        results = {model: json.loads(client.communicate()[0]) for model, client in clients.items()}
        sent = {model: result["models"][0] for model, result in results.items()}
        counted = outcomes(addresses["http_url"])
        text = httpx.get(f"{addresses['http_url']}/metrics").text
        pending = re.search(r"^fermata_requests_pending (\d+)", text, re.MULTILINE)
    faults = inconsistencies(sent, counted)
    if pending is None or pending[1] != "0":
        faults.append(f"requests are pending when all clients have ended: {pending and pending[1]}")
    return {
        "minutes": minutes,
        "rate_rps": rate_rps,
        "rss_at_s": at_s,
        "rss_kib": rss,
        "rss_kib_per_minute": slope_kib_per_minute(at_s, rss),
        "clients": sent,
        "kept_up": {model: result["client"]["kept_up"] for model, result in results.items()},
        "counted": counted,
        "inconsistencies": faults,
    }


def show(found: dict[str, Any]) -> None:
    print(f"{found['rate_rps']:.0f} requests/s for {found['minutes']:g} minutes, {GPUS} emulated GPUs")
    print(f"{'model':<12}{'sent':>8}{'in time':>9}{'late':>7}{'refused':>9}{'no answer':>11}{'p99 ms':>9}")
    for model, client in found["clients"].items():
        latency = client["latency_ms"] or {"p99": float("nan")}
        numbers = f"{client['sent']:>8}{client['ok']:>9}{client['late']:>7}{client['refused']:>9}"
        print(f"{model:<12}{numbers}{client['error']:>11}{latency['p99']:>9.0f}")
    rss, at_s = found["rss_kib"], found["rss_at_s"]
    marks = [
        int(np.argmin(np.abs(np.array(at_s) - minute * 60))) for minute in range(int(at_s[-1] // 60) + 1)
    ]
    print("dispatcher's resident memory, MiB by minute:", *(f"{rss[mark] / 1024:.1f}" for mark in marks))
    print(f"slope after the first fifth: {found['rss_kib_per_minute']:+.1f} KiB a minute")
    for fault in found["inconsistencies"]:
        print("NOT CONSISTENT", fault)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--load", type=float, default=0.5, help="share of the GPUs' capacity")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found = soak(arguments.minutes, arguments.load)
    show(found)
    write_json(arguments.json, soak=found)
    return 1 if found["inconsistencies"] else 0


if __name__ == "__main__":
    sys.exit(main())
