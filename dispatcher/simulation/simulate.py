"""Run scenarios, or arrivals that are given, through the scheduler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.delays import Delays
from dispatcher.core.gpus import add_gpu
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.outbox import Outbox, new_outbox
from dispatcher.core.rules import Rules
from dispatcher.core.state import FAR_US, State, hold_factor, new_state
from dispatcher.core.tenant_spec import EVERYONE, TenantSpec
from dispatcher.simulation.arrivals import merged_arrivals, tenants_drawn
from dispatcher.simulation.execution import EXACT_PPM, factors_ppm
from dispatcher.simulation.loop import PENDING, Fleet, Requests, new_fleet, run
from dispatcher.simulation.result import SimulationResult, summarise
from dispatcher.simulation.scenario import Scenario

KERNELS = (add_gpu, run)
"""The compiled functions that are called from here."""


class Simulation(NamedTuple):
    """A run under way: what it has written down so far, and what it goes on from."""

    state: State
    outbox: Outbox
    requests: Requests
    fleet: Fleet

    def run_on(self, until_us: int = FAR_US) -> None:
        """Let everything happen that happens before ``until_us``."""
        if not run(self.state, self.outbox, self.requests, self.fleet, until_us):
            raise AssertionError("the scheduler refused an event of its own batch")


def simulate(scenario: Scenario, rules: Rules, *, seed: int | None = None) -> SimulationResult:
    """One run of the scenario under the rules; ``seed`` takes the place of the scenario's."""
    simulation = new_simulation(scenario, rules, seed=seed)
    simulation.run_on()
    return result_of(scenario, simulation)


def new_simulation(scenario: Scenario, rules: Rules, *, seed: int | None = None) -> Simulation:
    """The scenario's arrivals drawn and its GPUs idle, at instant 0."""
    used_seed = scenario.seed if seed is None else seed
    arrival_us, model_index = merged_arrivals(scenario, used_seed)
    tenant_index = tenants_drawn(scenario, used_seed, model_index)
    models = [model.spec() for model in scenario.models]
    return _started(
        models,
        scenario.gpu_count,
        new_requests(models, arrival_us, model_index, scenario.delays, tenant_index),
        delays=scenario.delays,
        rules=rules,
        measured_us=(scenario.warmup_us, scenario.duration_us),
        gpu_speeds=scenario.gpu_speeds,
        tenants=scenario.tenants,
        factor_ppm=factors_ppm(scenario.execution, used_seed),
    )


def result_of(scenario: Scenario, simulation: Simulation) -> SimulationResult:
    """What a simulation of the scenario found, once it has run to its end."""
    return summarise(
        [model.id for model in scenario.models],
        simulation.requests,
        simulation.fleet,
        scenario.delays.resp_us,
        hold_factor(simulation.state),
        [tenant.tenant_id for tenant in scenario.tenants],
    )


def load_kernels() -> None:
    """Have the kernels compiled, or loaded from their cache, before time is measured."""
    spec = ModelSpec("warm-up", 1_000, np.array([0, 1], dtype=np.int64))
    none = np.zeros(0, dtype=np.int64)
    simulate_arrivals([spec], 1, none, none.astype(np.int32), delays=Delays(), rules=Rules(), duration_us=1)


def simulate_arrivals(
    models: Sequence[ModelSpec],
    gpu_count: int,
    arrival_us: NDArray[np.int64],
    model_index: NDArray[np.int32],
    *,
    delays: Delays,
    rules: Rules,
    duration_us: int,
    measure_from_us: int = 0,
    gpu_speeds: Sequence[float] | None = None,
) -> SimulationResult:
    """
    One run of given arrivals, until each request is served or dropped.

    Parameters
    ----------
    arrival_us, model_index
        One entry for each request, never falling in time; the index is a position in ``models``.
    measure_from_us, duration_us
        The measured interval: from the end of the warm-up to the end of arrivals.
    """
    requests = new_requests(models, arrival_us, model_index, delays)
    state, fleet = run_requests(
        models,
        gpu_count,
        requests,
        delays=delays,
        rules=rules,
        measured_us=(measure_from_us, duration_us),
        gpu_speeds=gpu_speeds,
    )
    return summarise([spec.model_id for spec in models], requests, fleet, delays.resp_us, hold_factor(state))


def new_requests(
    models: Sequence[ModelSpec],
    arrival_us: NDArray[np.int64],
    model_index: NDArray[np.int32],
    delays: Delays,
    tenant_index: NDArray[np.int32] | None = None,
) -> Requests:
    """The requests of a run, none of them answered; ValueError where the arrays make no sense."""
    count = len(arrival_us)
    if len(model_index) != count:
        raise ValueError(f"need a model for each of {count} arrivals, got {len(model_index)}.")
    if count and (arrival_us[0] < 0 or np.any(np.diff(arrival_us) < 0)):
        raise ValueError("arrival_us must not be negative and must not fall.")
    if count and not (model_index.min() >= 0 and model_index.max() < len(models)):
        raise ValueError(f"model_index must be in 0..{len(models) - 1}.")
    promise_us = np.array([spec.slo_us - delays.resp_us for spec in models], dtype=np.int64)
    return Requests(
        arrival_us=np.ascontiguousarray(arrival_us, dtype=np.int64),
        deadline_us=arrival_us + promise_us[model_index],
        model_index=np.ascontiguousarray(model_index, dtype=np.int32),
        tenant_index=np.zeros(count, dtype=np.int32) if tenant_index is None else tenant_index,
        outcome=np.full(count, PENDING, dtype=np.int8),
        start_us=np.zeros(count, dtype=np.int64),
        finish_us=np.zeros(count, dtype=np.int64),
        gpu=np.full(count, -1, dtype=np.int32),
    )


def run_requests(
    models: Sequence[ModelSpec],
    gpu_count: int,
    requests: Requests,
    *,
    delays: Delays,
    rules: Rules,
    measured_us: tuple[int, int],
    gpu_speeds: Sequence[float] | None = None,
    tenants: Sequence[TenantSpec] = EVERYONE,
    factor_ppm: NDArray[np.int64] = EXACT_PPM,
) -> tuple[State, Fleet]:
    """
    Fill in what becomes of the requests; the scheduler's last state and the emulated GPUs.

    ``factor_ppm`` says how far execution is from the curves (``execution.factors_ppm``).
    """
    simulation = _started(
        models,
        gpu_count,
        requests,
        delays=delays,
        rules=rules,
        measured_us=measured_us,
        gpu_speeds=gpu_speeds,
        tenants=tenants,
        factor_ppm=factor_ppm,
    )
    simulation.run_on()
    return simulation.state, simulation.fleet


def _started(
    models: Sequence[ModelSpec],
    gpu_count: int,
    requests: Requests,
    *,
    delays: Delays,
    rules: Rules,
    measured_us: tuple[int, int],
    gpu_speeds: Sequence[float] | None,
    tenants: Sequence[TenantSpec] = EVERYONE,
    factor_ppm: NDArray[np.int64] = EXACT_PPM,
) -> Simulation:
    if not 0 <= measured_us[0] < measured_us[1]:
        raise ValueError(f"the measured interval must not be empty, got {measured_us} us.")
    speeds = [1.0] * gpu_count if gpu_speeds is None else list(gpu_speeds)
    state = new_state(models, speeds, delays, rules, tenants)
    for g in range(gpu_count):
        add_gpu(state, g)
    fleet = new_fleet(gpu_count, len(models), state.latency_us, *measured_us, factor_ppm)
    return Simulation(state, new_outbox(models), requests, fleet)
