"""Whole runs of the compiled simulator."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.core.delays import Delays
from dispatcher.core.events import DropReason
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.outbox import DEADLINE_UNREACHABLE, GPUS_BUSY, OVER_SHARE, QUEUE_FULL, WINDOW
from dispatcher.core.rules import DropRule, Policy, Rules
from dispatcher.simulation.arrivals import gamma_arrivals, merged
from dispatcher.simulation.loop import DROPPED, EXECUTED, Requests
from dispatcher.simulation.result import SimulationResult
from dispatcher.simulation.simulate import new_requests, simulate_arrivals
from tests.naive.simulation import naive_simulation
from tests.simulation.run_checks import checked_run_requests

NO_DELAYS = Delays(0, 0, 0)
REASONS = {
    DropReason.DEADLINE_UNREACHABLE: DEADLINE_UNREACHABLE,
    DropReason.WINDOW: WINDOW,
    DropReason.QUEUE_FULL: QUEUE_FULL,
    DropReason.GPUS_BUSY: GPUS_BUSY,
    DropReason.OVER_SHARE: OVER_SHARE,
}


def affine(
    slo_ms: float = 25, alpha_us: int = 1_082, beta_us: int = 5_204, queue_max: int = 10_000
) -> ModelSpec:
    largest = max(1, int((slo_ms * 1_000 - beta_us) / alpha_us))
    table = [0, *(alpha_us * b + beta_us for b in range(1, largest + 1))]
    return ModelSpec("m", int(slo_ms * 1_000), np.array(table, dtype=np.int64), queue_max)


def arrivals(
    seed: int, rates_rps: list[float], duration_s: float, shape: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return merged([gamma_arrivals(random, rate, shape, int(duration_s * 1e6)) for rate in rates_rps])


def outcome(
    policy: Policy,
    rate_rps: float,
    *,
    gpus: int = 8,
    models: int = 1,
    slo_ms: float = 25,
    duration_s: float = 12,
) -> SimulationResult:
    """No delays; the first two seconds are not measured."""
    times_us, index = arrivals(1, [rate_rps / models] * models, duration_s)
    return simulate_arrivals(
        [affine(slo_ms)] * models,
        gpus,
        times_us,
        index,
        delays=NO_DELAYS,
        rules=Rules(policy),
        measure_from_us=2_000_000,
        duration_us=int(duration_s * 1e6),
    )


@st.composite
def systems(draw: st.DrawFn) -> tuple[list[ModelSpec], list[float], Delays, Rules, np.ndarray, np.ndarray]:
    """From nearly idle to hopelessly overloaded."""
    models = [
        affine(
            draw(st.sampled_from([12.0, 25.0, 60.0])),
            draw(st.integers(1, 4_000)),
            draw(st.integers(0, 12_000)),
            draw(st.sampled_from([2, 30, 10_000])),
        )
        for _ in range(draw(st.integers(1, 5)))
    ]
    speeds = draw(st.lists(st.sampled_from([0.5, 1.0, 1.0, 2.0]), min_size=1, max_size=6))
    delays = draw(st.sampled_from([NO_DELAYS, Delays(), Delays(500, 700, 0)]))
    rates = [draw(st.sampled_from([20.0, 300.0, 3_000.0])) for _ in models]
    shape = draw(st.sampled_from([0.1, 1.0, 20.0]))
    rules = Rules(draw(st.sampled_from(Policy)), draw(st.sampled_from([None, *DropRule])))
    times_us, index = arrivals(draw(st.integers(0, 999)), rates, 0.1, shape)
    return models, speeds, delays, rules, times_us, index


@settings(max_examples=40, deadline=None)
@given(systems())
def test_every_run_is_sound_and_the_twin_finds_the_same(
    system: tuple[list[ModelSpec], list[float], Delays, Rules, np.ndarray, np.ndarray],
) -> None:
    models, speeds, delays, rules, times_us, index = system
    requests = new_requests(models, times_us, index, delays)
    checked_run_requests(
        models,
        len(speeds),
        requests,
        delays=delays,
        rules=rules,
        measured_us=(0, 10**6),
        gpu_speeds=speeds,
    )
    arrived = list(zip(times_us.tolist(), index.tolist(), strict=True))[:150]
    check_against_twin(models, speeds, delays, rules, arrived)


def check_against_twin(
    models: list[ModelSpec],
    speeds: list[float],
    delays: Delays,
    rules: Rules,
    arrived: list[tuple[int, int]],
) -> None:
    times_us = np.array([at_us for at_us, _ in arrived], dtype=np.int64)
    index = np.array([m for _, m in arrived], dtype=np.int32)
    fast = new_requests(models, times_us, index, delays)
    checked_run_requests(
        models,
        len(speeds),
        fast,
        delays=delays,
        rules=rules,
        measured_us=(0, 10**6),
        gpu_speeds=speeds,
    )
    slow = naive_simulation(models, len(speeds), arrived, delays=delays, rules=rules, gpu_speeds=speeds)
    executed = np.flatnonzero(fast.outcome == EXECUTED).tolist()
    places = zip(fast.gpu[executed], fast.start_us[executed], fast.finish_us[executed], strict=True)
    assert dict(zip(executed, [tuple(map(int, place)) for place in places], strict=True)) == slow.served
    dropped = {i: int(fast.outcome[i]) - DROPPED for i in np.flatnonzero(fast.outcome >= DROPPED).tolist()}
    assert dropped == {request: REASONS[reason] for request, reason in slow.dropped.items()}


@pytest.mark.parametrize("policy", list(Policy))
def test_same_arrivals_same_run_bit_for_bit(policy: Policy) -> None:
    times_us, index = arrivals(5, [800.0, 400.0], 3)

    def run() -> tuple[Requests, SimulationResult]:
        models = [affine(25), affine(40)]
        requests = new_requests(models, times_us, index, Delays())
        checked_run_requests(
            models, 3, requests, delays=Delays(), rules=Rules(policy), measured_us=(0, 3_000_000)
        )
        given_again = {"delays": Delays(), "rules": Rules(policy), "duration_us": 3_000_000}
        return requests, simulate_arrivals(models, 3, times_us, index, **given_again)

    (first, first_result), (second, second_result) = run(), run()
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert first_result == second_result


def test_counts_are_conserved() -> None:
    times_us, index = arrivals(2, [3_000.0, 500.0], 4)
    models = [affine(25, queue_max=20), affine(50)]
    result = simulate_arrivals(
        models,
        2,
        times_us,
        index,
        delays=Delays(),
        rules=Rules(Policy.EAGER),
        measure_from_us=10**6,
        duration_us=4 * 10**6,
    )
    assert result.arrived == int(((times_us >= 10**6) & (times_us < 4 * 10**6)).sum())
    assert sum(model.rejected for model in result.models) > 0
    for model in result.models:
        assert model.arrived == model.served_in_time + model.late + model.dropped + model.rejected
        assert model.dropped == model.dropped_unreachable + model.dropped_window
        assert model.late == 0
    assert result.gpus_busy_mean <= 2
    assert result.gpu_busy_share == pytest.approx(result.gpus_busy_mean / 2)


@pytest.mark.parametrize("rate_rps", [100, 500])
def test_eager_batch_stays_near_one_below_saturation(rate_rps: float) -> None:
    assert outcome(Policy.EAGER, rate_rps).batch_size_mean == pytest.approx(1, abs=0.02)


def test_deferral_gathers_load_on_few_gpus() -> None:
    deferred = outcome(Policy.DEFERRED, 6_000, gpus=32, models=10, slo_ms=50)
    eager = outcome(Policy.EAGER, 6_000, gpus=32, models=10, slo_ms=50)
    assert deferred.gpus_busy_mean == pytest.approx(8.4, rel=0.03)
    assert deferred.gpus_touched <= 14
    assert eager.gpus_busy_mean > 30


@pytest.mark.parametrize(
    ("policy", "models", "slo_ms", "served_rps", "refused_rps"),
    [
        (Policy.DEFERRED, 1, 25, 4_929, 5_500),
        (Policy.ADAPTIVE, 1, 25, 4_929, 5_500),
        (Policy.EAGER, 1, 25, 3_700, 4_868),
        (Policy.ADAPTIVE, 16, 25, 2_850, 3_300),
        (Policy.EAGER, 16, 25, 2_850, 3_300),
        (Policy.ADAPTIVE, 16, 50, 4_750, 5_400),
    ],
)
def test_goodput_on_eight_gpus(
    policy: Policy, models: int, slo_ms: float, served_rps: float, refused_rps: float
) -> None:
    """At most 1 % bad up to somewhere between the two rates."""
    assert outcome(policy, served_rps, models=models, slo_ms=slo_ms).bad_rate <= 0.01
    assert outcome(policy, refused_rps, models=models, slo_ms=slo_ms).bad_rate > 0.01


def test_arrivals_that_make_no_sense_are_refused() -> None:
    def refused(times_us: list[int], index: list[int]) -> None:
        new_requests([affine()], np.array(times_us), np.array(index, dtype=np.int32), Delays())

    with pytest.raises(ValueError, match="a model for each of 2 arrivals, got 1"):
        refused([1, 2], [0])
    with pytest.raises(ValueError, match="must not fall"):
        refused([2, 1], [0, 0])
    with pytest.raises(ValueError, match=r"must be in 0\.\.0"):
        refused([1], [1])


def test_no_arrivals_no_trouble() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    result = simulate_arrivals(
        [affine()],
        1,
        nothing,
        nothing.astype(np.int32),
        delays=Delays(),
        rules=Rules(Policy.ADAPTIVE),
        duration_us=10,
    )
    assert (result.arrived, result.bad_rate, result.latency_ms.p50) == (0, 0.0, None)


@pytest.mark.parametrize("speeds", [[1.0] * 6 + [0.6] * 6, [0.6] * 6 + [1.0] * 6, [2.0] * 4 + [1.0] * 8])
def test_gpus_of_unequal_speed_lose_next_to_nothing_at_half_load(speeds: list[float]) -> None:
    """Windows count on a GPU that is slow enough for whichever takes the batch."""
    times_us, index = arrivals(3, [500.0] * 6, 6)
    result = simulate_arrivals(
        [affine(40)] * 6,
        12,
        times_us,
        index,
        delays=Delays(),
        rules=Rules(Policy.DEFERRED),
        gpu_speeds=speeds,
        duration_us=6 * 10**6,
    )
    assert result.bad_rate < 0.002, result.bad_rate
