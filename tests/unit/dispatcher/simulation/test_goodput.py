from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dispatcher.core.delays import Delays
from dispatcher.core.rules import DropRule, Policy, Rules
from dispatcher.simulation.goodput import Judgement, _Count, _Search, expected_requests, find_goodput, scaled
from dispatcher.simulation.scenario import ArrivalKind, Arrivals, GpuGroup, Scenario, ScenarioModel
from dispatcher.simulation.simulate import simulate
from profiles.latency import AffineCurve

EAGER = Rules(Policy.EAGER, DropRule.HOPELESS)


def one_at_a_time(name: str, arrivals: Arrivals, slo_ms: int = 30) -> ScenarioModel:
    """10 ms for each request: 100 requests a second on one GPU."""
    return ScenarioModel(name, slo_ms * 1_000, AffineCurve(1_000.0, 9_000.0), 1, 10_000, arrivals)


def constant(rate_rps: float) -> Arrivals:
    return Arrivals(ArrivalKind.CONST, rate_rps)


def scenario(*models: ScenarioModel, gpus: int = 1, duration_s: float = 40) -> Scenario:
    return Scenario(
        seed=1,
        duration_us=round(duration_s * 1e6),
        warmup_us=5_000_000,
        models=models,
        gpu_groups=(GpuGroup("gpu", gpus, 1.0),),
        delays=Delays(0, 0, 0),
    )


@pytest.mark.parametrize("gpus", [1, 4])
@pytest.mark.parametrize("rate_rps", [3, 70, 5_000])
def test_goodput_of_batches_of_one_is_the_inverse_of_their_time(gpus: int, rate_rps: float) -> None:
    """Up to 100 a second and GPU all are served, above that the excess is bad: 1 % at 100 / 0.99."""
    question = scenario(one_at_a_time("m", constant(rate_rps)), gpus=gpus)
    found = find_goodput(question, EAGER, precision=0.002)
    assert found.best is not None
    assert found.best.scale * rate_rps == pytest.approx(100 * gpus / 0.99, rel=0.006)
    assert found.best.goodput_rps == pytest.approx(100 * gpus, rel=0.006)
    assert found.reason is None


def test_a_simulation_at_the_scale_found_keeps_the_limit_and_a_step_above_none_was_seen_to() -> None:
    arrivals = Arrivals(ArrivalKind.POISSON, 50)
    question = scenario(one_at_a_time("m", arrivals), gpus=3)
    found = find_goodput(question, EAGER)
    assert found.best is not None
    result = simulate(scaled(question, found.best.scale), EAGER)
    assert result.worst_model_bad_rate == found.best.worst_bad_rate <= 0.01
    assert result.goodput_rps == pytest.approx(found.best.goodput_rps)
    above = [each for each in found.tried if each.scale > found.best.scale]
    assert min(each.scale for each in above) <= found.best.scale * 1.0051
    assert not any(each.passed for each in above)


def test_trace_is_replayed_faster() -> None:
    trace_us = np.arange(0, 40_000_000, 20_000, dtype=np.int64)  # 50 rps
    question = scenario(one_at_a_time("m", Arrivals(ArrivalKind.TRACE, trace_us=trace_us)))
    twice = scaled(question, 2.0)
    assert (twice.duration_us, twice.warmup_us) == (20_000_000, 2_500_000)
    assert expected_requests(twice, 1.0) == expected_requests(question, 1.0) == 2_000
    found = find_goodput(question, EAGER)
    assert found.best is not None
    assert found.best.scale == pytest.approx(2 / 0.99, rel=0.015)


def test_models_of_few_requests_are_judged_together() -> None:
    rare = [one_at_a_time(f"rare-{i}", constant(0.5), slo_ms=200) for i in range(4)]
    question = scenario(one_at_a_time("often", constant(50)), *rare)
    seen: list[Judgement] = []
    found = find_goodput(question, EAGER, tell=seen.append)
    assert seen[0].judged_together == 4
    assert seen[0].requests > 5 * 50 * 35, "repeated, that the rare ones may have enough"
    assert found.best is not None


@pytest.mark.parametrize(
    ("bad", "is_chance"), [(0, True), (1, True), (2, True), (3, True), (4, True), (5, False), (50, False)]
)
def test_one_bad_request_of_few_never_decides_but_many_do(bad: int, is_chance: bool) -> None:
    """Poisson of mean 0.5 gives 4 or more with probability 0.0018, 5 or more with 0.00017."""
    search = _Search(scenario(one_at_a_time("m", constant(1))), EAGER, 1, 0.01, None)
    assert search._may_be_chance(_Count("m", arrived=50, bad=bad)) is is_chance


def test_below_scale_one_a_run_keeps_its_number_of_requests() -> None:
    question = scenario(one_at_a_time("m", constant(50)))
    assert expected_requests(question, 0.25) == expected_requests(question, 1) == 2_000
    assert scaled(question, 0.25).duration_us == 160_000_000
    assert scaled(question, 4).duration_us == 40_000_000
    assert expected_requests(question, 4) == 8_000


def test_a_rare_model_that_always_fails_is_not_hidden() -> None:
    rare = one_at_a_time("rare", constant(0.5), slo_ms=5)
    found = find_goodput(scenario(one_at_a_time("often", constant(50)), rare), EAGER)
    assert found.best is None
    assert "the bad rate of rare is 100.00%" in str(found.reason)


def test_more_seeds_change_nothing_but_chance() -> None:
    question = scenario(one_at_a_time("m", Arrivals(ArrivalKind.POISSON, 80)), gpus=3)
    first = find_goodput(question, EAGER, seed=1)
    assert first == find_goodput(question, EAGER, seed=1)
    other = find_goodput(question, EAGER, seed=2)
    assert first.best is not None
    assert other.best is not None
    assert other.best.offered_rps == pytest.approx(first.best.offered_rps, rel=0.05)


def test_limits_that_make_no_sense_are_refused() -> None:
    question = scenario(one_at_a_time("m", constant(50)))
    with pytest.raises(ValueError, match="bad_rate_max must be between 0 and 1, got 0"):
        find_goodput(question, EAGER, bad_rate_max=0)
    with pytest.raises(ValueError, match="precision must be between 0 and 1, got 1"):
        find_goodput(question, EAGER, precision=1)
    nothing = dataclasses.replace(question, models=(one_at_a_time("m", constant(0)),))
    with pytest.raises(ValueError, match="no model has requests"):
        find_goodput(nothing, EAGER)
