"""Load reports put together: times joined, arrivals summed, means weighted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatcher.contract.load_report import LoadReport, ModelLoad
from planner.demand.forecast import Forecast, ForecastEpoch
from planner.demand.observed import MeasuredLatency, observe, observe_by_epoch
from tests.control_plane import START


def report(sub_cluster: str = "one", after_s: float = 0, seconds: float = 10, **load: object) -> LoadReport:
    facts: dict[str, object] = {
        "model": "m",
        "arrived": 100,
        "served_in_time": 90,
        "late": 5,
        "dropped": 3,
        "rejected": 2,
        "arrival_cv": 1.0,
        "batches": 10,
        "batch_size_mean": 9.0,
        "busy_s": 1.0,
    }
    start = (START + timedelta(seconds=after_s)).isoformat()
    return LoadReport(sub_cluster, 1, start, seconds, 2, 0.5, (ModelLoad(**(facts | load)),))  # type: ignore[arg-type]


def test_nothing_reported_is_nothing_observed() -> None:
    observed = observe([])
    assert (observed.report_count, observed.since, observed.until, observed.models) == (0, None, None, {})


def test_sub_clusters_at_the_same_time_add_up() -> None:
    observed = observe([report("one"), report("two")]).models["m"]
    assert observed.observed_s == 10
    assert observed.rate_rps == pytest.approx(20)


def test_a_model_that_moved_is_observed_one_after_the_other() -> None:
    observed = observe([report("one"), report("two", after_s=10)])
    assert observed.models["m"].observed_s == 20
    assert observed.models["m"].rate_rps == pytest.approx(10)
    assert observed.since == START
    assert observed.until == START + timedelta(seconds=20)


def test_partly_overlapping_intervals_count_their_union() -> None:
    assert observe([report("one"), report("two", after_s=6)]).models["m"].observed_s == 16


def test_a_gap_between_reports_is_not_observed_time() -> None:
    assert observe([report(after_s=0), report(after_s=100)]).models["m"].observed_s == 20


def test_bad_rate_counts_late_dropped_and_rejected() -> None:
    assert observe([report()]).models["m"].bad_rate == pytest.approx(0.1)


def test_means_are_weighted_and_unknown_variation_is_left_out() -> None:
    observed = observe(
        [
            report(arrived=300, arrival_cv=2.0, batches=30, batch_size_mean=10.0),
            report(after_s=10, arrived=100, arrival_cv=1.0, batches=10, batch_size_mean=6.0),
            report(after_s=20, arrived=2, arrival_cv=None, batches=0, batch_size_mean=0.0),
        ]
    ).models["m"]
    assert observed.arrival_cv == pytest.approx(1.75)
    assert observed.batch_size_mean == pytest.approx(9.0)


def test_measured_latencies_are_joined_by_batch_size() -> None:
    observed = observe(
        [
            report(latency_ms_by_batch=((2, 10, 4.0), (4, 5, 6.0))),
            report(after_s=10, latency_ms_by_batch=((2, 30, 8.0),)),
        ]
    ).models["m"]
    assert observed.latencies == (MeasuredLatency(2, 40, 7.0), MeasuredLatency(4, 5, 6.0))


def test_without_arrivals_there_is_no_rate_of_bad_ones() -> None:
    silent = observe([report(arrived=0, served_in_time=0, late=0, dropped=0, rejected=0, arrival_cv=None)])
    assert silent.models["m"].bad_rate is None
    assert silent.models["m"].rate_rps == 0


def test_by_epoch_leaves_out_what_belongs_to_none() -> None:
    epochs = (ForecastEpoch(START, 1.0), ForecastEpoch(START + timedelta(hours=1), 1.0))
    found = observe_by_epoch(
        [report(), report(after_s=3_600), report(after_s=3_700), report(after_s=99_999)],
        Forecast("two hours", epochs, ()),
    )
    assert {epoch: load.report_count for epoch, load in found.items()} == {0: 1, 1: 2}


def test_part_of_the_traffic_shows_the_whole_for_part_of_the_time() -> None:
    shares = {"one": 0.25, "two": 0.5}
    observed = observe([report("one"), report("two")], lambda given, model: shares[given.sub_cluster]).models[
        "m"
    ]
    alone = observe([report("one"), report("one", after_s=10)], lambda given, model: 0.25).models["m"]
    assert observed.observed_s == pytest.approx(10 * 0.75)
    assert observed.rate_rps == pytest.approx(observed.arrived / 7.5)
    assert alone.observed_s == pytest.approx(20 * 0.25)


def test_a_part_that_no_plan_tells_counts_as_the_whole() -> None:
    assert observe([report("one")], lambda given, model: None) == observe([report("one")])
