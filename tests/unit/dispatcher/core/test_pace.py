"""The table follows measured times, outliers change nothing, and a model that got too slow is tried again."""

from __future__ import annotations

import numpy as np
import pytest

from dispatcher.core.delays import Delays
from dispatcher.core.events import BatchFinished, DropRequest, RequestsArrived, StartBatch
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.rules import Policy, Rules
from dispatcher.core.scheduler import Scheduler

PROFILE_US = [0, 4_000, 5_000]
SLO_US = 20_000
GAP_US = 100_000


class Driver:
    """One GPU, one model, one request at a time; each batch takes what it is told to."""

    def __init__(self, time_quantile: float | None) -> None:
        spec = ModelSpec("m", SLO_US, np.array(PROFILE_US, dtype=np.int64))
        rules = Rules(Policy.EAGER, time_quantile=time_quantile)
        self.core = Scheduler([spec], 1, delays=Delays(0, 0, 0), rules=rules)
        self.now_us = 0
        self.request_id = 0

    def serve(self, took_us: int) -> bool:
        """Whether the request was sent to the GPU, which then took that long; False where it was dropped."""
        commands = self.core.step(self.now_us, [self.request()])
        started = [each for each in commands if isinstance(each, StartBatch)]
        if started:
            self.now_us += took_us
            self.core.step(self.now_us, [BatchFinished(0, started[0].batch_id)])
        else:
            assert any(isinstance(each, DropRequest) for each in commands)
        self.core.validate()
        self.now_us += GAP_US
        return bool(started)

    def request(self) -> RequestsArrived:
        """One request that comes now."""
        self.request_id += 1
        deadline_us = np.array([self.now_us + SLO_US])
        return RequestsArrived(np.zeros(1, np.int32), np.array([self.request_id]), deadline_us)

    @property
    def table_us(self) -> list[int]:
        return self.core._state.latency_us[0].tolist()


def test_exact_times_leave_the_profile_as_it_is() -> None:
    driver = Driver(0.99)
    assert all(driver.serve(4_000) for _ in range(40))
    assert driver.table_us == PROFILE_US


@pytest.mark.parametrize(("quantile", "expected_us"), [(0.5, 4_000), (0.9, 8_000)])
def test_the_table_is_the_profile_times_the_quantile_of_the_ratio(quantile: float, expected_us: int) -> None:
    driver = Driver(quantile)
    for i in range(15):
        driver.serve(8_000 if i % 4 == 0 else 4_000)  # a quarter takes twice as long
    assert driver.table_us == PROFILE_US, "changed before 16 batches are known"
    driver.serve(4_000)
    assert driver.table_us == [0, expected_us, expected_us * 5_000 // 4_000]


def test_batches_that_were_not_executed_teach_nothing() -> None:
    driver = Driver(0.9)
    for _ in range(40):
        driver.serve(0)
    assert driver.table_us == PROFILE_US
    for _ in range(16):
        driver.serve(8_000)
        driver.serve(0)
    assert driver.table_us == [0, 8_000, 10_000]


def test_one_slow_batch_changes_nothing() -> None:
    driver = Driver(0.99)
    driver.serve(400_000)
    for _ in range(40):
        driver.serve(4_000)
    assert driver.table_us == PROFILE_US


def test_what_is_profiled_as_slower_is_scheduled_faster() -> None:
    driver = Driver(0.9)
    for _ in range(16):
        driver.serve(2_000)
    assert driver.table_us == [0, 2_000, 2_500]


def test_the_table_follows_a_drift_back() -> None:
    driver = Driver(0.9)
    for _ in range(600):
        driver.serve(8_000)
    assert driver.table_us[1] == 8_000
    served = 0
    while driver.table_us[1] != 4_000:
        driver.serve(4_000)
        served += 1
    assert served < 2_000


def test_a_model_that_became_too_slow_is_tried_again() -> None:
    driver = Driver(0.9)
    for _ in range(16):
        assert driver.serve(5 * SLO_US)
    assert driver.table_us[1] > SLO_US
    asked_us, refused = driver.now_us, 0
    while not driver.serve(4_000):
        refused += 1
        assert refused < 100, "it is refused for ever"
    assert driver.now_us - asked_us >= 1_000_000 + SLO_US
    assert all(driver.serve(4_000) for _ in range(20))
    assert driver.table_us == PROFILE_US


def test_a_long_batch_under_way_is_no_reason_to_forget() -> None:
    driver = Driver(0.5)
    for _ in range(16):
        driver.serve(8_000)
    learnt_us = driver.table_us
    assert learnt_us != PROFILE_US
    assert next(type(each) for each in driver.core.step(driver.now_us, [driver.request()])) is StartBatch
    for _ in range(3):  # none can be sent: the GPU executes for many seconds
        driver.now_us += 5_000_000
        driver.core.step(driver.now_us, [driver.request()])
        driver.core.validate()
    assert driver.table_us == learnt_us


def test_the_size_aimed_at_is_computed_anew_when_the_table_changes() -> None:
    driver = Driver(0.5)
    for _ in range(15):
        driver.serve(8_000)
    driver.core._state.model["target_bucket"] = 7
    driver.serve(8_000)
    assert driver.table_us != PROFILE_US
    assert driver.core._state.model["target_bucket"][0] != 7


def test_without_a_quantile_nothing_is_learnt() -> None:
    driver = Driver(None)
    for _ in range(40):
        driver.serve(15_000)
    assert driver.table_us == PROFILE_US


@pytest.mark.parametrize("quantile", [0.49, 1.0, -1.0, float("nan")])
def test_a_quantile_out_of_range_is_refused(quantile: float) -> None:
    with pytest.raises(ValueError, match=r"time_quantile must be in 0\.5\.\.0\.999, got"):
        Rules(time_quantile=quantile)
