"""
A sub-cluster whose number of GPUs follows advice, and the fewest GPUs that hindsight finds.

Every ``interval_us`` the advisor is shown what the scheduler saw. GPUs that it asks for
serve after ``start_up_us``; their cost counts from the request on. GPUs that it gives
back are those of the highest ids: first those that still start, then those that serve. They
end the batches that they hold, and their cost counts until then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.delays import Delays
from dispatcher.core.gpus import add_gpu, retire_gpu
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.observation import Observation, take_observation
from dispatcher.core.outbox import new_outbox
from dispatcher.core.rules import Rules
from dispatcher.core.scale_advice import Advice
from dispatcher.core.state import State, new_state
from dispatcher.simulation.loop import EXECUTED, Fleet, Requests, new_fleet, run
from dispatcher.simulation.simulate import run_requests


class Advisor(Protocol):
    """The part of ``dispatcher.core.scale_advice.ScaleAdvisor`` that a simulation uses."""

    def advise(self, seen: Observation, gpus: int, gpus_starting: int) -> Advice: ...


@dataclass(frozen=True, slots=True)
class Terms:
    """
    What the fleet allows.

    Parameters
    ----------
    start_up_us
        From the request for a GPU until it serves: the model's load time.
    gpus_max
        GPUs that the sub-cluster may hold; at least one stays.
    """

    gpus_at_start: int
    gpus_max: int
    interval_us: int
    start_up_us: int
    delays: Delays = field(default_factory=Delays)
    rules: Rules = field(default_factory=Rules)


@dataclass(frozen=True, slots=True, eq=False)
class ScaledRun:
    """
    What became of a run under advice.

    ``gpus`` is the number of GPUs paid for after each interval, those that leave not counted;
    ``gpu_hours`` counts them too. ``bad_rates`` has one entry for each model, 0 where nothing arrived.
    """

    arrived: int
    bad_rate: float
    bad_rates: NDArray[np.float64]
    gpu_hours: float
    changes: int
    gpus: NDArray[np.int64]


def run_with_advice(
    models: Sequence[ModelSpec], requests: Requests, advisor: Advisor, terms: Terms, duration_us: int
) -> ScaledRun:
    """Fill in what becomes of the requests while the number of GPUs follows the advisor."""
    cluster = _Cluster(models, terms, duration_us)
    outbox = new_outbox(models)
    counts = []
    for from_us in range(0, duration_us, terms.interval_us):
        until_us = min(from_us + terms.interval_us, duration_us)
        cluster.start_those_ready(from_us)
        if not run(cluster.state, outbox, requests, cluster.fleet, until_us):
            raise AssertionError("the scheduler refused an event of its own batch")
        advice = advisor.advise(
            take_observation(cluster.state, until_us),
            len(cluster.serving) + len(cluster.starting),
            len(cluster.starting),
        )
        cluster.follow(advice.gpus, until_us)
        counts.append(len(cluster.serving) + len(cluster.starting))
    if not run(cluster.state, outbox, requests, cluster.fleet, 2 * duration_us + 10**9):
        raise AssertionError("the scheduler refused an event of its own batch")
    bad = ~_in_time(requests)
    bad_rates = _rates_by_model(requests, bad, len(models))
    return ScaledRun(
        arrived=len(bad),
        bad_rate=float(bad.mean()) if len(bad) else 0.0,
        bad_rates=bad_rates,
        gpu_hours=cluster.gpu_us(duration_us) / 3.6e9,
        changes=cluster.changes,
        gpus=np.array(counts, dtype=np.int64),
    )


def smallest_fleet(
    models: Sequence[ModelSpec],
    requests: Requests,
    *,
    guess: int,
    bad_rate_max: float,
    delays: Delays,
    rules: Rules,
) -> int:
    """
    The smallest constant number of GPUs with at most that share of the requests bad.

    Searched outwards from ``guess``; the bad rate is taken to fall as GPUs are added.
    """
    if not len(requests.arrival_us):
        return 0

    def suffices(gpus: int) -> bool:
        run_requests(models, gpus, requests, delays=delays, rules=rules, measured_us=(0, 1))
        return float(1 - _in_time(requests).mean()) <= bad_rate_max

    low, high, step = 0, max(1, guess), 1
    if suffices(high):
        while high - step > 0 and suffices(high - step):
            high, step = high - step, 2 * step
        low = max(high - step, 0)
    else:
        low = high
        while not suffices(low + step):
            low, step = low + step, 2 * step
        high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        if suffices(middle):
            high = middle
        else:
            low = middle
    return high


class _Cluster:
    """The scheduler's state and the emulated GPUs, some of which serve, start or leave."""

    def __init__(self, models: Sequence[ModelSpec], terms: Terms, duration_us: int) -> None:
        self.terms = terms
        self.state: State = new_state(models, [1.0] * terms.gpus_max, terms.delays, terms.rules)
        self.fleet: Fleet = new_fleet(terms.gpus_max, len(models), self.state.latency_us, 0, duration_us)
        self.serving = list(range(terms.gpus_at_start))
        self.starting: list[tuple[int, int]] = []  # (ready, id)
        self.changes = 0
        self._since_us = dict.fromkeys(self.serving, 0)  # when those that serve or start were asked for
        self._paid_us = 0
        for g in self.serving:
            add_gpu(self.state, g)
        take_observation(self.state, 0)

    def start_those_ready(self, now_us: int) -> None:
        """GPUs asked for long enough ago serve from now on."""
        ready = [g for ready_us, g in self.starting if ready_us <= now_us]
        if ready:
            self.starting = [each for each in self.starting if each[1] not in ready]
            for g in ready:
                add_gpu(self.state, g)
            self.serving = sorted(self.serving + ready)
            self.fleet.progress["timer_us"] = now_us

    def follow(self, gpus: int, now_us: int) -> None:
        """Ask for GPUs, or give some back."""
        count = len(self.serving) + len(self.starting)
        wanted = min(max(count + gpus, 1), self.terms.gpus_max)
        self.changes += wanted != count
        if wanted > count:
            self._ask_for(wanted - count, now_us)
        for _ in range(count - wanted):
            self._give_back(now_us)

    def gpu_us(self, now_us: int) -> int:
        """GPU time paid for until now."""
        return self._paid_us + sum(now_us - since_us for since_us in self._since_us.values())

    def _ask_for(self, count: int, now_us: int) -> None:
        here = self.state.gpu["is_here"]
        free = [g for g in range(self.terms.gpus_max) if not here[g] and g not in self._since_us]
        for g in free[:count]:
            self._since_us[g] = now_us
            self.starting.append((now_us + self.terms.start_up_us, g))

    def _give_back(self, now_us: int) -> None:
        if self.starting:
            _, g = self.starting.pop()
            self._paid_us += now_us - self._since_us.pop(g)
            return
        g = self.serving.pop()
        emulated = self.fleet.gpu[g]
        end_us = (now_us, emulated["end_us"], emulated["next_end_us"])[int(emulated["batches"])]
        self._paid_us += int(end_us) - self._since_us.pop(g)
        retire_gpu(self.state, g)


def _in_time(requests: Requests) -> NDArray[np.bool_]:
    in_time: NDArray[np.bool_] = (requests.outcome == EXECUTED) & (requests.finish_us <= requests.deadline_us)
    return in_time


def _rates_by_model(requests: Requests, bad: NDArray[np.bool_], models: int) -> NDArray[np.float64]:
    arrived = np.bincount(requests.model_index, minlength=models)
    lost = np.bincount(requests.model_index[bad], minlength=models)
    return lost / np.maximum(arrived, 1)
