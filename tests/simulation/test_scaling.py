"""Sub-clusters that follow scale advice, and the hindsight that they are judged by."""

from __future__ import annotations

import numpy as np
import pytest

from bench.scaling import Day
from dispatcher.core.delays import Delays
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.observation import Observation
from dispatcher.core.rules import Policy, Rules
from dispatcher.core.scale_advice import Advice, Reason, ScaleAdvisor
from dispatcher.simulation.scaling import Terms, run_with_advice, smallest_fleet
from dispatcher.simulation.simulate import new_requests
from dispatcher.simulation.varying import varying_arrivals

NO_DELAYS = Delays(0, 0, 0)
MINUTE_US = 60_000_000


class Scripted:
    """Advice written down beforehand, one number for each interval."""

    def __init__(self, *gpus: int) -> None:
        self._gpus = list(gpus)
        self.shown: list[tuple[Observation, int, int]] = []

    def advise(self, seen: Observation, gpus: int, gpus_starting: int) -> Advice:
        self.shown.append((seen, gpus, gpus_starting))
        return Advice(self._gpus.pop(0), Reason.NEED)


def one_model(latency_us: int = 1_000) -> list[ModelSpec]:
    return [ModelSpec("m", 10_000_000, np.array([0, latency_us], dtype=np.int64))]


def requests_at(models: list[ModelSpec], *arrival_us: int):  # type: ignore[no-untyped-def]
    times_us = np.array(arrival_us, dtype=np.int64)
    return new_requests(models, times_us, np.zeros(len(times_us), np.int32), NO_DELAYS)


def terms(gpus: int, start_up_us: int = 1_500_000) -> Terms:
    return Terms(gpus, 4, 1_000_000, start_up_us, NO_DELAYS, Rules(Policy.EAGER))


def test_a_gpu_serves_after_its_start_up_and_is_paid_from_the_request_on() -> None:
    models = one_model(latency_us=3_000_000)
    # Two at once on one GPU; asked for at 1 s, the second GPU is ready at 2.5 s and starts at 3 s.
    requests = requests_at(models, 0, 0, 2_900_000)
    advisor = Scripted(1, 0, 0, 0, 0, 0)
    done = run_with_advice(models, requests, advisor, terms(1), 6_000_000)
    assert requests.gpu.tolist() == [0, 0, 1]
    assert [each[1:] for each in advisor.shown] == [(1, 0), (2, 1), (2, 1), (2, 0), (2, 0), (2, 0)]
    assert done.gpu_hours == pytest.approx((6 + 5) / 3_600)
    assert done.changes == 1


def test_a_gpu_given_back_ends_its_batch_and_is_paid_until_then() -> None:
    models = one_model(latency_us=3_000_000)
    requests = requests_at(models, 0, 0)
    done = run_with_advice(models, requests, Scripted(-1, 0, 0, 0), terms(2), 4_000_000)
    assert requests.gpu.tolist() == [0, 1]
    assert done.bad_rate == 0
    assert done.gpu_hours == pytest.approx((4 + 3) / 3_600)


def test_the_last_gpu_stays() -> None:
    models = one_model()
    done = run_with_advice(models, requests_at(models, 0), Scripted(-5, 0), terms(2), 2_000_000)
    assert done.gpus.tolist() == [1, 1]


def test_hindsight_finds_the_smallest_fleet_from_any_guess() -> None:
    # Ten requests at once, each a batch of 1 s, due after 2 s: two to a GPU.
    models = [ModelSpec("m", 2_000_000, np.array([0, 1_000_000], dtype=np.int64))]
    for guess in (1, 3, 5, 6, 40):
        requests = requests_at(models, *[0] * 10)
        given = {"bad_rate_max": 0.01, "delays": NO_DELAYS, "rules": Rules(Policy.EAGER)}
        assert smallest_fleet(models, requests, guess=guess, **given) == 5  # type: ignore[arg-type]


def test_arrivals_follow_the_windows_rates_and_variation() -> None:
    random = np.random.default_rng(1)
    rate, cv = np.array([100.0, 0.0, 400.0]), np.array([1.0, 0.0, 2.0])
    times_us = varying_arrivals(random, rate, cv, 10 * MINUTE_US)
    counts = np.histogram(times_us, bins=np.arange(4) * 10 * MINUTE_US)[0]
    assert np.all(np.diff(times_us) >= 0)
    # Four standard deviations of a renewal process's count: 4 cv sqrt(n).
    assert abs(counts[0] - 60_000) < 4 * 60_000**0.5
    assert counts[1] == 0
    assert abs(counts[2] - 240_000) < 8 * 240_000**0.5
    gaps_us = np.diff(times_us[times_us >= 20 * MINUTE_US])
    assert gaps_us.std() / gaps_us.mean() == pytest.approx(2.0, rel=0.05)


def test_advice_follows_an_hour_of_the_trace() -> None:
    day = Day(72, 78)  # 25 GPUs, then 15: the steepest fall of the day
    figures = day.follow(ScaleAdvisor(), day.hindsight())
    assert figures["bad_rate"] < 0.01
    assert figures["gpu_hours_ratio"] < 1.2
    assert figures["gpus_min"] < figures["gpus_max"]
