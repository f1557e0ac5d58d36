"""What must hold of every run, whatever the scheduler decided."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dispatcher.core.delays import Delays
from dispatcher.core.model_spec import ModelSpec
from dispatcher.simulation.loop import EXECUTED, PENDING, Requests


def check_run(
    requests: Requests,
    models: Sequence[ModelSpec],
    delays: Delays,
    speeds: Sequence[float],
    *,
    may_be_late: bool = False,
) -> None:
    """Assert that each request is answered once, none late, and no GPU does two things at once."""
    assert not (requests.outcome == PENDING).any(), "a request was never answered"
    executed = requests.outcome == EXECUTED
    assert ((requests.gpu >= 0) == executed).all(), "a request was both executed and dropped"
    is_late = requests.finish_us[executed] > requests.deadline_us[executed]
    assert may_be_late or not is_late.any(), "a started request is late"
    least_lead_us = delays.lead_us(1)
    assert (requests.start_us[executed] >= requests.arrival_us[executed] + least_lead_us).all()
    for gpu in np.unique(requests.gpu[executed]):
        check_gpu(requests, executed & (requests.gpu == gpu), models, speeds[gpu])


def check_gpu(requests: Requests, mine: np.ndarray, models: Sequence[ModelSpec], speed: float) -> None:
    """One GPU's batches: of one model, of allowed size, of the curve's time, one after another."""
    starts, first, sizes = np.unique(requests.start_us[mine], return_index=True, return_counts=True)
    ends = requests.finish_us[mine][first]
    index = requests.model_index[mine][first]
    assert (starts[1:] >= ends[:-1]).all(), "two batches at once"
    for start, end, m, size in zip(starts, ends, index, sizes, strict=True):
        members = mine & (requests.start_us == start)
        assert (requests.model_index[members] == m).all(), "one batch of two models"
        assert (requests.finish_us[members] == end).all()
        assert size <= models[m].batch_size_max
        assert end - start == np.ceil(models[m].latency_us[size] / speed - 1e-6)
