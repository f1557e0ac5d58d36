from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.contract.load_report import LoadReport
from dispatcher.frontend.service import Outcome
from dispatcher.runtime.load_meter import Gaps, LoadMeter


@given(st.lists(st.integers(0, 10**7), min_size=3, max_size=50))
def test_variation_of_gaps_is_that_of_the_whole_sample(gaps_us: list[int]) -> None:
    gaps = Gaps()
    for at_us in np.cumsum([5, *gaps_us]).tolist():
        gaps.arrived(at_us)
    mean = np.mean(gaps_us)
    if mean == 0:
        assert gaps.cv is None
    else:
        assert gaps.cv == pytest.approx(np.std(gaps_us, ddof=1) / mean, rel=1e-6, abs=1e-9)


def test_variation_needs_three_arrivals() -> None:
    gaps = Gaps()
    gaps.arrived(1)
    gaps.arrived(2)
    assert gaps.cv is None


def meter() -> LoadMeter:
    return LoadMeter(["a", "b"], 1_000_000, 1_700_000_000.0)


def test_a_report_holds_the_interval_and_the_totals_all() -> None:
    load = meter()
    for at_us in (1_000_000, 1_100_000, 1_400_000):
        load.arrived(0, at_us)
    load.batch_executed(0, 2, 30_000)
    load.batch_executed(0, 1, 20_000)
    load.batch_executed(0, 1, 10_000)
    for outcome in (Outcome.IN_TIME, Outcome.LATE, Outcome.FAILED, Outcome.INVALID):
        load.answered(0, outcome)
    load.arrived(1, 1_000_000, 2)
    load.answered(1, Outcome.CANCELLED, count=2)
    report = load.take_report(3_000_000, 1_700_000_002.0, sub_cluster="sc", plan_version=4, gpus=2)
    assert report.interval_start == "2023-11-14T22:13:20+00:00"
    assert report.interval_s == 2.0
    assert report.gpu_busy_share == pytest.approx(0.06 / 4)
    a, b = report.models
    assert (a.arrived, a.served_in_time, a.late, a.dropped, a.rejected) == (3, 1, 1, 1, 0)
    assert (a.batches, a.batch_size_mean, a.busy_s) == (3, 4 / 3, 0.06)
    assert a.latency_ms_by_batch == ((1, 2, 15.0), (2, 1, 30.0))
    assert a.arrival_cv == pytest.approx(np.std([0.1, 0.3], ddof=1) / 0.2)
    assert (b.arrived, b.cancelled, b.arrival_cv, b.batch_size_mean) == (2, 2, None, 0.0)
    second = load.take_report(4_000_000, 1_700_000_003.0, sub_cluster="sc", plan_version=4, gpus=2)
    assert (second.models[0].arrived, second.models[0].batches, second.interval_s) == (0, 0, 1.0)
    assert load.totals()[0].arrived == 3
    assert load.totals()[0].outcomes[Outcome.INVALID] == 1


def test_a_report_of_a_dispatcher_that_counts_no_cancelled_requests_is_read() -> None:
    report = meter().take_report(2_000_000, 1_700_000_001.0, sub_cluster="sc", plan_version=4, gpus=2)
    old = msgspec.to_builtins(report)
    for model in old["models"]:
        del model["cancelled"]
    assert msgspec.convert(old, LoadReport) == report


def test_a_batch_longer_than_the_interval_does_not_overfill_it() -> None:
    load = meter()
    load.batch_executed(1, 1, 9_000_000)
    report = load.take_report(1_500_000, 1.0, sub_cluster="sc", plan_version=1, gpus=1)
    assert report.gpu_busy_share == 1.0


@pytest.mark.parametrize("bursts", [[(5, 1)], [(5, 3)], [(5, 1), (9, 4), (9, 1), (30, 2)]])
def test_requests_that_arrive_together_count_as_one_by_one(bursts: list[tuple[int, int]]) -> None:
    together, one_by_one = Gaps(), Gaps()
    for at_us, count in bursts:
        together.arrived(at_us, count)
        for _ in range(count):
            one_by_one.arrived(at_us)
    assert together.count == one_by_one.count
    assert together.mean_us == pytest.approx(one_by_one.mean_us)
    assert together.cv == pytest.approx(one_by_one.cv)
