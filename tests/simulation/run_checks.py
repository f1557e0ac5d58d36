"""What must hold of every run, whatever the scheduler decided; fast enough for runs of a million requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

from dispatcher.core.delays import Delays
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.rules import DropRule, Rules
from dispatcher.core.state import State
from dispatcher.simulation import simulate
from dispatcher.simulation.execution import EXACT_PPM
from dispatcher.simulation.loop import EXECUTED, PENDING, Fleet, Requests


class Batches(NamedTuple):
    """What was executed, told from the requests alone: those of one GPU and start are one batch."""

    gpu: np.ndarray
    model: np.ndarray
    start_us: np.ndarray
    end_us: np.ndarray
    size: np.ndarray


def check_run(
    requests: Requests,
    models: Sequence[ModelSpec],
    delays: Delays,
    speeds: Sequence[float],
    *,
    may_be_late: bool = False,
    has_exact_times: bool = True,
) -> Batches:
    """Assert that each request is answered once, none late, and no GPU does two things at once."""
    assert not (requests.outcome == PENDING).any(), "a request was never answered"
    executed = requests.outcome == EXECUTED
    assert ((requests.gpu >= 0) == executed).all(), "a request was both executed and dropped"
    assert (requests.gpu < len(speeds)).all(), "a GPU that is not there"
    is_late = requests.finish_us[executed] > requests.deadline_us[executed]
    assert may_be_late or not is_late.any(), "a started request is late"
    assert (requests.finish_us[~executed] >= requests.arrival_us[~executed]).all(), "dropped before it came"
    batches = _batches(requests, np.flatnonzero(executed), delays)
    largest = np.array([spec.batch_size_max for spec in models])
    assert (batches.size <= largest[batches.model]).all(), "a batch is too large"
    is_same_gpu = batches.gpu[1:] == batches.gpu[:-1]
    assert (batches.start_us[1:] >= batches.end_us[:-1])[is_same_gpu].all(), "two batches at once"
    if has_exact_times:
        took_us = batches.end_us - batches.start_us
        assert (took_us == _execution_us(batches, models, speeds)).all(), "not the curve's time"
    return batches


def _batches(requests: Requests, executed: np.ndarray, delays: Delays) -> Batches:
    """By GPU and start; asserts that each is of one model, has one end and was not sent too early."""
    order = executed[np.lexsort((requests.start_us[executed], requests.gpu[executed]))]
    gpu, start_us = requests.gpu[order], requests.start_us[order]
    model, end_us = requests.model_index[order], requests.finish_us[order]
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = (gpu[1:] != gpu[:-1]) | (start_us[1:] != start_us[:-1])
    assert (model[1:] == model[:-1])[~is_first[1:]].all(), "one batch of two models"
    assert (end_us[1:] == end_us[:-1])[~is_first[1:]].all(), "a batch with two ends"
    first = np.flatnonzero(is_first)
    size = np.diff(np.append(first, len(order)))
    sent_us = np.repeat(start_us[first] - delays.ctrl_us - size * delays.data_us, size)
    assert (requests.arrival_us[order] <= sent_us).all(), "in a batch that was sent before it came"
    return Batches(gpu[first], model[first], start_us[first], end_us[first], size)


def _execution_us(batches: Batches, models: Sequence[ModelSpec], speeds: Sequence[float]) -> np.ndarray:
    curves = np.concatenate([spec.latency_us for spec in models])
    first = np.cumsum([0] + [len(spec.latency_us) for spec in models[:-1]])
    at_speed_one_us = curves[first[batches.model] + batches.size]
    return np.ceil(at_speed_one_us / np.asarray(speeds)[batches.gpu] - 1e-6).astype(np.int64)


def check_end(state: State, fleet: Fleet, batches: Batches) -> None:
    """Assert that nothing is left to do, and that the fleet's counts are those of the batches."""
    assert not state.model["count"].any(), "requests still wait"
    assert not fleet.gpu["batches"].any(), "a GPU still executes"
    for heap in (state.holding, state.waiting):
        assert heap["slot"][0] == 0, "a candidate without requests"
    preempted = int(state.totals["batches"][0]) - len(batches.size)
    assert preempted >= 0, "more batches than were started"
    from_us, to_us = (int(each) for each in fleet.measured_us)
    within_us = np.minimum(batches.end_us, to_us) - np.maximum(batches.start_us, from_us)
    busy_us = np.bincount(batches.gpu, np.maximum(within_us, 0), minlength=len(fleet.gpu))
    assert (fleet.gpu["busy_us"] <= to_us - from_us).all(), "busier than the interval is long"
    if preempted:
        assert (fleet.gpu["busy_us"] >= busy_us).all(), "execution that was not counted"
    else:
        assert (fleet.gpu["busy_us"] == busy_us).all(), "busy time is not that of the batches"
    counted = (batches.start_us >= from_us) & (batches.start_us < to_us)
    model = batches.model[counted]
    assert (fleet.tally["batches"] == np.bincount(model, minlength=len(fleet.tally))).all()
    requests = np.bincount(model, batches.size[counted], minlength=len(fleet.tally))
    assert (fleet.tally["requests"] == requests).all(), "requests of batches are not conserved"


def checked_run_requests(
    models: Sequence[ModelSpec],
    gpu_count: int,
    requests: Requests,
    *,
    delays: Delays,
    rules: Rules,
    gpu_speeds: Sequence[float] | None = None,
    **others: Any,
) -> tuple[State, Fleet]:
    """``run_requests``, and every check of what it did."""
    given = {"delays": delays, "rules": rules, "gpu_speeds": gpu_speeds, **others}
    state, fleet = RUN_REQUESTS(models, gpu_count, requests, **given)
    is_exact = np.array_equal(fleet.factor_ppm, EXACT_PPM)
    batches = check_run(
        requests,
        models,
        delays,
        [1.0] * gpu_count if gpu_speeds is None else gpu_speeds,
        may_be_late=rules.drop_rule is DropRule.NEVER or not is_exact,
        has_exact_times=is_exact and np.array_equal(fleet.latency_us, state.latency_us),
    )
    check_end(state, fleet, batches)
    return state, fleet


RUN_REQUESTS = simulate.run_requests


def check_every_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on every simulation of the test is checked, whoever runs it."""
    monkeypatch.setattr(simulate, "run_requests", checked_run_requests)
