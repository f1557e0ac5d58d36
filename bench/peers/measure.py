"""One server under one scenario: how much it takes with 1 % bad, and what it costs at a given load."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import uvloop

from bench.peers.running import Running
from bench.peers.scenarios import Scenario
from dispatcher.frontend.load_client import drive_over
from dispatcher.frontend.load_http import HttpTransport
from dispatcher.frontend.load_result import LoadResult

BAD_RATE_MAX = 0.01
WARM_UP_S = 1.5
SHARES = (0.3, 0.5, 0.7, 0.8, 0.9, 1.0)
"""Of the GPUs' capacity in full batches: the rates tried first, upwards until one goes bad."""

TRIES = 3
"""A run in which the client lagged says more of the machine than of the server: the quietest try counts."""

HALVINGS = 2
"""Then between the last that was good and the first that was bad."""

SETTLE_S = 20.0
"""At equal load first, not counted: what a server has yet to learn is not its use of GPUs for good."""


@dataclass(frozen=True)
class Run:
    """One rate; ``gpu_busy_share`` is of the seconds in which requests were due and answered."""

    rate_rps: float
    sent: int
    bad_rate: float
    reasons: dict[str, int]
    goodput_rps: float
    p50_ms: float
    p99_ms: float
    gpu_busy_share: float
    batch_size_mean: float
    client_kept_up: bool
    send_lag_ms: float


def measured(server: Running, scenario: Scenario, rate_rps: float, seconds: float, seed: int) -> Run:
    """Drive the server at one rate, again where the client lagged."""
    tries: list[Run] = []
    while len(tries) < TRIES and not any(run.client_kept_up for run in tries):
        tries.append(_tried(server, scenario, rate_rps, seconds, seed))
    return min(tries, key=lambda run: run.send_lag_ms)


def _tried(server: Running, scenario: Scenario, rate_rps: float, seconds: float, seed: int) -> Run:
    """The first seconds are not counted as requests, but all GPU time is."""
    before = server.gpu_use()
    result = _driven(server, scenario, rate_rps, seconds, seed)
    busy_s, batches, requests = (b - a for a, b in zip(before, server.gpu_use(), strict=True))
    everything_s = result.duration_s + WARM_UP_S
    latency_ms: dict[str, Any] = result.to_json()["latency_ms"] or {}
    return Run(
        rate_rps=rate_rps,
        sent=result.sent,
        bad_rate=result.bad_rate,
        reasons=dict(result.reasons),
        goodput_rps=result.goodput_rps,
        p50_ms=latency_ms.get("p50", float("nan")),
        p99_ms=latency_ms.get("p99", float("nan")),
        gpu_busy_share=busy_s / (scenario.gpus * everything_s),
        batch_size_mean=requests / batches if batches else 0.0,
        client_kept_up=result.client_kept_up,
        send_lag_ms=result.send_lag_ms,
    )


def settle(server: Running, scenario: Scenario, rate_rps: float, seed: int) -> None:
    """Drive the server at one rate until it has seen some hundred requests of each model."""
    _driven(server, scenario, rate_rps, SETTLE_S, seed + 1)


def largest_rate(at: Callable[[float], Run], capacity_rps: float) -> tuple[float, list[Run]]:
    """The largest rate tried with at most 1 % bad, 0 if none; and every run."""
    runs: list[Run] = []
    good, bad = 0.0, None
    for share in SHARES:
        runs.append(at(share * capacity_rps))
        if runs[-1].bad_rate > BAD_RATE_MAX:
            bad = share * capacity_rps
            break
        good = share * capacity_rps
    for _ in range(HALVINGS if bad is not None else 0):
        middle = (good + (bad or 0.0)) / 2
        runs.append(at(middle))
        if runs[-1].bad_rate > BAD_RATE_MAX:
            bad = middle
        else:
            good = middle
    return good, runs


def _driven(server: Running, scenario: Scenario, rate_rps: float, seconds: float, seed: int) -> LoadResult:
    arrivals = scenario.arrivals(rate_rps, seconds + WARM_UP_S, seed)
    slos_ms = dict.fromkeys(scenario.model_names, scenario.slo_ms)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        transport = HttpTransport((), server.payloads)
        return runner.run(drive_over(transport, arrivals, slos_ms, warm_up_s=WARM_UP_S))
