"""The scheduler on the machine's clock: whatever the machine does, each request is answered once."""

from __future__ import annotations

import time

import numpy as np

from dispatcher.core.compiled import loop_kernel
from dispatcher.core.delays import Delays
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.rules import Rules
from dispatcher.runtime.compiled_clock import monotonic_ns
from dispatcher.runtime.real_time import run_in_real_time
from dispatcher.simulation.arrivals import gamma_arrivals
from dispatcher.simulation.simulate import new_requests
from tests.simulation.run_checks import check_run


@loop_kernel
def _read() -> int:
    return int(monotonic_ns())


def test_compiled_clock_is_python_s_monotonic_clock() -> None:
    _read()
    before, between, after = time.monotonic_ns(), _read(), time.monotonic_ns()
    assert before <= between <= after


def test_a_run_on_real_time_answers_each_request_once() -> None:
    random = np.random.default_rng(3)
    arrival_us = gamma_arrivals(random, 50_000.0, 1.0, 200_000)
    model_index = random.integers(0, 5, len(arrival_us), dtype=np.int32)
    latency_us = np.array([0, *(120 * b + 560 for b in range(1, 33))])
    models = [ModelSpec(f"m{m}", 25_000, latency_us) for m in range(5)]
    requests = new_requests(models, arrival_us, model_index, Delays())
    observed = run_in_real_time(models, 12, requests, delays=Delays(), rules=Rules())
    check_run(requests, models, Delays(), [1.0] * 12, may_be_late=True)
    assert observed.lag.counts.sum() == len(arrival_us)
    batches = len(np.unique(np.stack([requests.gpu, requests.start_us])[:, requests.gpu >= 0], axis=1).T)
    assert observed.decision.counts.sum() == batches + (requests.gpu < 0).sum()
