"""Systems drawn from seeds, small and large, idle and flooded: every check holds of every run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dispatcher.core.delays import Delays
from dispatcher.core.outbox import WINDOW
from dispatcher.core.rules import DropRule, Policy, Rules
from dispatcher.simulation.loop import DROPPED, EXECUTED, PENDING, Requests
from dispatcher.simulation.result import SimulationResult
from dispatcher.simulation.scenario import ArrivalKind, Arrivals, GpuGroup, Scenario, ScenarioModel
from dispatcher.simulation.simulate import new_requests, simulate
from profiles.latency import AffineCurve
from tests.simulation.run_checks import check_run, checked_run_requests
from tests.simulation.test_simulation import affine, arrivals

REQUESTS = 10_000


def drawn_scenario(seed: int, requests: int = REQUESTS) -> tuple[Scenario, Rules]:
    """1-64 models on 1-64 GPUs of one or two speeds, SLO 10-500 ms, at 10-150 % of what the GPUs can do."""
    random = np.random.default_rng(seed)
    count, gpus = (int(2 ** random.uniform(0, 6)) for _ in range(2))
    speeds = random.choice([0.5, 1.0, 1.0, 2.0], size=2)
    groups = (
        GpuGroup("a", gpus, float(speeds[0])),
        GpuGroup("b", int(random.integers(0, 4)), float(speeds[1])),
    )
    speed_total = sum(group.count * group.speed for group in groups)
    load = random.uniform(0.1, 1.5) * speed_total / count
    slos_us = np.exp(random.uniform(np.log(10_000), np.log(500_000), count)).astype(int)
    betas_us = slos_us * random.uniform(0.05, 0.4, count)
    alphas_us = slos_us * random.uniform(0.002, 0.1, count)
    # a GPU of speed 1 with batches of half the SLO, shared out evenly
    largest = random.choice([1, 8, 64, 256], count)
    batches = np.clip((slos_us / 2 - betas_us) / alphas_us, 1, largest)
    rates_rps = load * batches / (alphas_us * batches + betas_us) * 1e6
    duration_us = max(1_000_000, int(requests / rates_rps.sum() * 1e6))
    models = tuple(
        ScenarioModel(
            id=f"m{m}",
            slo_us=int(slos_us[m]),
            curve=AffineCurve(float(alphas_us[m]), float(betas_us[m])),
            batch_size_max=int(largest[m]),
            queue_max=int(random.choice([10, 1_000, 10_000])),
            arrivals=_drawn_arrivals(random, float(rates_rps[m]), duration_us),
        )
        for m in range(count)
    )
    rules = Rules(random.choice(list(Policy)), random.choice([None, *DropRule]))
    delays = random.choice([Delays(0, 0, 0), Delays(), Delays(1_000, 200, 0)])
    return Scenario(seed, duration_us, duration_us // 10, models, groups, delays), rules


def _drawn_arrivals(random: np.random.Generator, rate_rps: float, duration_us: int) -> Arrivals:
    kind = random.choice([*ArrivalKind])
    if kind is ArrivalKind.TRACE:
        count = random.poisson(rate_rps * duration_us / 1e6)
        return Arrivals(kind, trace_us=np.sort(random.integers(0, duration_us, count)))
    return Arrivals(kind, rate_rps, shape=float(random.choice([0.1, 1.0, 10.0])))


def check_result(result: SimulationResult) -> None:
    """Each request that arrived in the measured interval is counted once."""
    for model in result.models:
        assert model.arrived == model.served_in_time + model.late + model.dropped + model.rejected
        assert model.dropped == model.dropped_unreachable + model.dropped_window
    assert result.arrived == sum(model.arrived for model in result.models)
    served = sum(model.served_in_time for model in result.models)
    assert result.goodput_rps * result.duration_s == pytest.approx(served)
    assert 0 <= result.gpus_busy_mean <= result.gpu_count + 1e-9


@pytest.mark.parametrize("seed", range(100))
def test_a_drawn_system_runs_soundly(seed: int) -> None:
    scenario, rules = drawn_scenario(seed)
    check_result(simulate(scenario, rules))


@pytest.mark.parametrize("policy", list(Policy))
def test_every_policy_runs_soundly_in_overload(policy: Policy) -> None:
    for drop in DropRule:
        times_us, index = arrivals(3, [4_000.0, 2_000.0, 300.0], 2)
        models = [affine(25), affine(50, queue_max=40), affine(12)]
        requests = new_requests(models, times_us, index, Delays())
        given = {"delays": Delays(), "rules": Rules(policy, drop), "measured_us": (0, 2_000_000)}
        checked_run_requests(models, 4, requests, **given)


def test_a_million_requests_run_soundly() -> None:
    """30 models, Poisson, 64 GPUs of which a quarter is half as fast, at nearly all that they can do."""
    models = [affine(25 + 2 * m) for m in range(30)]
    times_us, index = arrivals(11, [1_100.0] * 30, 31)
    assert len(times_us) > 1_000_000
    requests = new_requests(models, times_us, index, Delays())
    checked_run_requests(
        models,
        64,
        requests,
        delays=Delays(),
        rules=Rules(Policy.ADAPTIVE),
        measured_us=(1_000_000, 31_000_000),
        gpu_speeds=[1.0] * 48 + [0.5] * 16,
    )
    assert (requests.outcome == EXECUTED).mean() > 0.9


# The checks themselves notice what they are there for


def _never_answered(requests: Requests, i: int) -> None:
    requests.outcome[i] = PENDING


def _answered_twice(requests: Requests, i: int) -> None:
    requests.outcome[i] = DROPPED + WINDOW


def _late(requests: Requests, i: int) -> None:
    requests.deadline_us[i] = requests.finish_us[i] - 1


def _of_another_model(requests: Requests, i: int) -> None:
    requests.model_index[i] = 1 - requests.model_index[i]


def _with_an_end_of_its_own(requests: Requests, i: int) -> None:
    requests.finish_us[i] -= 1


def _left_out_of_its_batch(requests: Requests, i: int) -> None:
    requests.gpu[i], requests.outcome[i] = -1, DROPPED + WINDOW


def _before_it_came(requests: Requests, i: int) -> None:
    requests.arrival_us[i] = requests.start_us[i]


def _on_a_gpu_that_is_busy(requests: Requests, i: int) -> None:
    """The whole batch moves to the GPU beside, where another one executes at the time."""
    mine = (requests.gpu == requests.gpu[i]) & (requests.start_us == requests.start_us[i])
    other = 1 - requests.gpu[i]
    starts_us = requests.start_us[requests.gpu == other]
    shift_us = starts_us[np.argmin(np.abs(starts_us - requests.start_us[i]))] + 1 - requests.start_us[i]
    requests.gpu[mine] = other
    requests.start_us[mine] += shift_us
    requests.finish_us[mine] += shift_us
    requests.deadline_us[mine] += max(0, shift_us)
    requests.arrival_us[mine] += min(0, shift_us)


@pytest.mark.parametrize(
    ("broken", "story"),
    [
        (_never_answered, "never answered"),
        (_answered_twice, "both executed and dropped"),
        (_late, "is late"),
        (_of_another_model, "two models"),
        (_with_an_end_of_its_own, "two ends"),
        (_left_out_of_its_batch, "not the curve's time"),
        (_before_it_came, "before it came"),
        (_on_a_gpu_that_is_busy, "two batches at once"),
    ],
)
def test_a_run_that_is_not_sound_is_noticed(broken: Callable[[Requests, int], None], story: str) -> None:
    times_us, index = arrivals(5, [1_500.0, 800.0], 1)
    models = [affine(25), affine(25, alpha_us=900)]
    requests = new_requests(models, times_us, index, Delays())
    given = {"delays": Delays(), "rules": Rules(Policy.ADAPTIVE), "measured_us": (0, 1_000_000)}
    checked_run_requests(models, 2, requests, **given)
    sizes = np.unique(requests.start_us, return_inverse=True)[1]
    in_company = np.bincount(sizes)[sizes] > 3
    victim = np.flatnonzero((requests.outcome == EXECUTED) & in_company)[200]
    broken(requests, int(victim))
    with pytest.raises(AssertionError, match=story):
        check_run(requests, models, Delays(), [1.0, 1.0])
