from __future__ import annotations

import numpy as np
import pytest

from dispatcher.core.rules import Policy, Rules
from dispatcher.simulation.loop import EXECUTED
from dispatcher.simulation.scenario import ArrivalKind, Arrivals, GpuGroup, Scenario, ScenarioModel
from dispatcher.simulation.simulate import new_simulation
from dispatcher.simulation.timeline import batches_within, run_with_timeline
from profiles.latency import AffineCurve

ALL = 10**9


def scenario(*arrivals: Arrivals, gpus: int = 3) -> Scenario:
    models = tuple(
        ScenarioModel(f"m{m}", 50_000, AffineCurve(1_000.0, 5_000.0), 40, 1_000, each)
        for m, each in enumerate(arrivals)
    )
    return Scenario(5, 2_000_000, 0, models, (GpuGroup("gpu", gpus, 1.0),))


POISSON = Arrivals(ArrivalKind.POISSON, 700.0)


def test_looking_in_between_changes_no_decision() -> None:
    question = scenario(POISSON, POISSON)
    plain, watched = (new_simulation(question, Rules()) for _ in range(2))
    plain.run_on()
    run_with_timeline(watched, 500_000, 1_500_000, ALL)
    for before, after in zip(plain.requests, watched.requests, strict=True):
        assert np.array_equal(before, after)


def test_batches_are_those_of_the_requests() -> None:
    simulation = new_simulation(scenario(POISSON, POISSON), Rules())
    simulation.run_on()
    requests = simulation.requests
    found = batches_within(requests, 300_000, 900_000)
    expected: dict[tuple[int, int], list[int]] = {}
    for i in np.flatnonzero(requests.outcome == EXECUTED).tolist():
        if requests.start_us[i] < 900_000 and requests.finish_us[i] > 300_000:
            expected.setdefault((int(requests.start_us[i]), int(requests.gpu[i])), []).append(i)
    assert len(found) == len(expected) > 20
    for at, key in enumerate(sorted(expected)):
        members = expected[key]
        assert (found.start_us[at], found.gpu[at]) == key
        assert found.size[at] == len(members)
        assert found.model_index[at] == requests.model_index[members[0]]
        assert found.finish_us[at] == requests.finish_us[members[0]]


def test_queues_grow_with_arrivals_until_the_batch_is_sent() -> None:
    trace_us = np.array([100_000, 110_000, 120_000], dtype=np.int64)
    question = scenario(Arrivals(ArrivalKind.TRACE, trace_us=trace_us), gpus=1)
    simulation = new_simulation(question, Rules(Policy.DEFERRED))
    timeline = run_with_timeline(simulation, 90_000, 200_000, ALL)
    (start_us,) = timeline.batches.start_us.tolist()
    sent_us = start_us - 100 - 3 * 50  # ctrl_us and data_us
    at_us = timeline.sample_us
    arrived = (trace_us[None, :] < at_us[:, None]).sum(axis=1)
    expected = np.where(at_us > sent_us, 0, arrived)
    assert timeline.queued[:, 0].tolist() == expected.tolist()
    assert timeline.queued.max() == 3
    assert timeline.hold_factor.min() == 1


def test_window_ends_where_it_holds_as_many_batches_as_may_be() -> None:
    simulation = new_simulation(scenario(POISSON), Rules(Policy.EAGER))
    timeline = run_with_timeline(simulation, 0, 2_000_000, 50)
    assert 40 < len(timeline.batches) <= 50
    assert timeline.to_us < 200_000
    assert timeline.sample_us[-1] <= timeline.to_us
    assert len(timeline.sample_us) == len(timeline.queued) == len(timeline.hold_factor)


def test_empty_window_is_refused() -> None:
    with pytest.raises(ValueError, match="the window must not be empty, got 5 to 5 us"):
        run_with_timeline(new_simulation(scenario(POISSON), Rules()), 5, 5, ALL)
