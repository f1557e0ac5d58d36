"""Load reports put together: times joined, arrivals summed, means weighted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatcher.contract.load_report import LoadReport
from planner.demand.forecast import Forecast, ForecastEpoch
from planner.demand.load_frame import Source, frame_of, rolled_up
from planner.demand.observed import MeasuredLatency, observe, observe_by_epoch
from tests.control_plane import START
from tests.observed import report


def observed(*reports: LoadReport, shares: dict[str, float] | None = None):  # type: ignore[no-untyped-def]
    def share(source: Source, at_us: int) -> float | None:
        return (shares or {}).get(source.sub_cluster)

    return observe(frame_of(reports, share))


def test_nothing_reported_is_nothing_observed() -> None:
    found = observed()
    assert (found.report_count, found.since, found.until, found.models) == (0, None, None, {})


def test_sub_clusters_at_the_same_time_add_up() -> None:
    found = observed(report("one"), report("two")).models["m"]
    assert found.observed_s == 10
    assert found.rate_rps == pytest.approx(20)


def test_a_model_that_moved_is_observed_one_after_the_other() -> None:
    found = observed(report("one"), report("two", after_s=10))
    assert found.models["m"].observed_s == 20
    assert found.models["m"].rate_rps == pytest.approx(10)
    assert found.since == START
    assert found.until == START + timedelta(seconds=20)


def test_partly_overlapping_intervals_count_their_union() -> None:
    assert observed(report("one"), report("two", after_s=6)).models["m"].observed_s == 16


def test_a_gap_between_reports_is_not_observed_time() -> None:
    assert observed(report(after_s=0), report(after_s=100)).models["m"].observed_s == 20


def test_a_gap_that_all_share_is_not_observed_time_after_a_roll_up_either() -> None:
    reports = [report(name, after_s) for name in ("one", "two") for after_s in (0, 40)]
    assert observe(rolled_up(frame_of(reports), 60_000_000)).models["m"].observed_s == 20


def test_those_who_followed_each_other_did_so_after_a_roll_up_too() -> None:
    reports = [report("one"), report("one", after_s=10), report("two", after_s=30)]
    assert observe(rolled_up(frame_of(reports), 60_000_000)).models["m"].observed_s == 30


def test_bad_rate_counts_late_dropped_and_rejected() -> None:
    assert observed(report()).models["m"].bad_rate == pytest.approx(0.1)


def test_means_are_weighted_and_unknown_variation_is_left_out() -> None:
    found = observed(
        report(arrived=300, arrival_cv=2.0, batches=30, batch_size_mean=10.0),
        report(after_s=10, arrived=100, arrival_cv=1.0, batches=10, batch_size_mean=6.0),
        report(after_s=20, arrived=2, arrival_cv=None, batches=0, batch_size_mean=0.0),
    ).models["m"]
    assert found.arrival_cv == pytest.approx(((300 * 4 + 100 * 1) / 400) ** 0.5)
    assert found.batch_size_mean == pytest.approx(9.0)


def test_measured_latencies_are_joined_by_batch_size() -> None:
    found = observed(
        report(latency_ms_by_batch=((2, 10, 4.0), (4, 5, 6.0))),
        report(after_s=10, latency_ms_by_batch=((2, 30, 8.0),)),
    ).models["m"]
    assert found.latencies == (MeasuredLatency(2, 40, 7.0), MeasuredLatency(4, 5, 6.0))


def test_without_arrivals_there_is_no_rate_of_bad_ones() -> None:
    silent = observed(report(arrived=0, served_in_time=0, late=0, dropped=0, rejected=0, arrival_cv=None))
    assert silent.models["m"].bad_rate is None
    assert silent.models["m"].rate_rps == 0


def test_by_epoch_leaves_out_what_belongs_to_none() -> None:
    epochs = (ForecastEpoch(START, 1.0), ForecastEpoch(START + timedelta(hours=1), 1.0))
    found = observe_by_epoch(
        frame_of([report(), report(after_s=3_600), report(after_s=3_700), report(after_s=99_999)]),
        Forecast("two hours", epochs, ()),
    )
    assert {epoch: load.report_count for epoch, load in found.items()} == {0: 1, 1: 2}


def test_part_of_the_traffic_shows_the_whole_for_part_of_the_time() -> None:
    found = observed(report("one"), report("two"), shares={"one": 0.25, "two": 0.5}).models["m"]
    alone = observed(report("one"), report("one", after_s=10), shares={"one": 0.25}).models["m"]
    assert found.observed_s == pytest.approx(10 * 0.75)
    assert found.rate_rps == pytest.approx(found.arrived / 7.5)
    assert alone.observed_s == pytest.approx(20 * 0.25)


def test_a_report_of_several_models_is_one() -> None:
    assert observed(report(models=("a", "b")), report(models=("a", "b", "c"), after_s=10)).report_count == 2
