"""Observed load in the database: each report once, in one place at a time, and no sum lost on its way."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.contract.load_report import LoadReport
from planner.demand.load_frame import LoadFrame, Source, frame_of, rolled_up
from planner.demand.observed import ObservedLoad, observe
from planner.demand.reported_spans import Standing
from planner.demand.retention import DAY_S, HOUR_S, LEVELS, Retention
from planner.store import observed_rollup
from planner.store.observed_rollup import RollUp
from planner.store.store import Store
from tests.control_plane import START
from tests.observed import report

DAY = timedelta(days=1)
MODELS = ("m", "n")


def take(store: Store, *reports: LoadReport) -> dict[str, int]:
    with store.writing() as work:
        return {str(standing): count for standing, count in work.observed.take(reports).items()}


def observed(store: Store, **look: object) -> ObservedLoad:
    with store.reading() as work:
        return observe(work.observed.frame(latencies=True, **look))  # type: ignore[arg-type]


def roll_up(store: Store, now: datetime, retention: Retention | None = None) -> RollUp:
    """All that is due at ``now``."""
    done = RollUp()
    while True:
        with store.writing() as work:
            step = observed_rollup.step(work.observed._session, now, retention or Retention())
        done += step
        if not step.moved:
            return done


def lengths_s(store: Store) -> set[int]:
    with store.reading() as work:
        return {int(us) // 1_000_000 for us in work.observed.frame().length_us}


def many(count: int = 40, step_s: float = 10, **changes: object) -> list[LoadReport]:
    """Reports of two sub-clusters that differ in everything, every now and then one missing."""
    return [
        report(
            sub_cluster,
            i * step_s,
            models=MODELS,
            arrived=100 + i,
            late=i % 3,
            cancelled=i % 4,
            arrival_cv=None if i % 5 == 0 else 1 + i / 10,
            busy_s=0.1 * i,
            latency_ms_by_batch=((1, i, 3.0), (8, 2 * i, 7.5 + i / 100)),
            **changes,  # type: ignore[arg-type]
        )
        for i in range(count)
        for sub_cluster in ("one", "two")
        if i % 7 != 6
    ]


def same(one: LoadFrame, other: LoadFrame) -> None:
    """Equal in every sum, whatever the order of rows."""
    hour_us = HOUR_S * 1_000_000
    left, right = _ordered(rolled_up(one, hour_us)), _ordered(rolled_up(other, hour_us))
    assert left.keys() == right.keys()
    for key, (sums, squares, latencies) in left.items():
        assert sums == right[key][0]
        assert squares == pytest.approx(right[key][1])
        assert latencies == right[key][2]


def _ordered(frame: LoadFrame) -> dict[tuple[Source, int], tuple[list[int], float, list[list[int]]]]:
    return {
        (frame.sources[frame.source[i]], int(frame.start_us[i])): (
            [*frame.sums[i].tolist(), int(frame.begin_us[i]), int(frame.end_us[i])],
            float(frame.cv_squares[i]),
            np.column_stack(frame.latencies[1:])[frame.latencies.row == i].tolist(),
        )
        for i in range(len(frame))
    }


def whole(store: Store) -> LoadFrame:
    with store.reading() as work:
        return work.observed.frame(latencies=True)


# -- intake


def test_an_interval_counts_once_and_a_difference_is_told(store: Store) -> None:
    assert take(store, report(), report("two")) == {"new": 2}
    assert take(store, report(), report("two", arrived=5)) == {"known": 1, "differing": 1}
    assert observed(store).models["m"].arrived == 200


def test_a_dispatcher_of_another_plan_reports_for_itself(store: Store) -> None:
    assert take(store, report(), report(plan_version=2)) == {"new": 2}


def test_fleets_do_not_see_each_other(store: Store) -> None:
    take(store, report())
    other = store.of_fleet("other")
    with other.writing() as work:
        work.fleets.add("other", "test", {})
    assert take(other, report(arrived=7)) == {"new": 1}
    assert observed(other).models["m"].arrived == 7
    roll_up(store, START + DAY)
    assert observed(other).models["m"].arrived == 7
    assert observed(store).models["m"].arrived == 100


def test_overlapping_intervals_are_not_taken_and_counted(store: Store) -> None:
    assert take(store, report(), report(after_s=9.5), report(after_s=14)) == {"new": 2, "overlapping": 1}
    with store.reading() as work:
        (reporter,) = work.observed.reporters(limit=5)
    assert (reporter.new, reporter.overlapping, reporter.known) == (2, 1, 0)


def test_a_large_backlog_is_one_request(store: Store) -> None:
    backlog = many(400)
    assert take(store, *backlog, *backlog[:10]) == {"new": len(backlog), "known": 10}
    same(whole(store), frame_of(backlog))


def test_two_servers_take_the_same_report_once(store: Store) -> None:
    standings: list[dict[str, int]] = []
    threads = [threading.Thread(target=lambda: standings.append(take(store, *many(20)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(s.get("new", 0) for s in standings) == [0, 0, 0, len(many(20))]
    same(whole(store), frame_of(many(20)))


# -- roll-ups


def test_load_moves_from_resolution_to_resolution_and_no_sum_is_lost(store: Store) -> None:
    reports = many(480)
    take(store, *reports)
    for age, expected in ((0, {10}), (1, {10, 60}), (3, {60, 600}), (16, {600, 3_600}), (18, {3_600})):
        roll_up(store, START + timedelta(hours=3) if age == 1 else START + age * DAY)
        assert lengths_s(store) <= expected
        same(whole(store), frame_of(reports))
    before = observe(frame_of(reports)).models["m"]
    after = observed(store).models["m"]
    assert after.arrival_cv == pytest.approx(before.arrival_cv)
    assert (after.latencies, after.busy_s, after.bad_rate) == (
        before.latencies,
        before.busy_s,
        before.bad_rate,
    )


def test_a_late_report_of_a_rolled_up_time_still_counts_and_a_repeated_one_does_not(store: Store) -> None:
    reports = many(200)
    late = reports.pop(50)
    take(store, *reports)
    for days in (1, 3, 20):
        roll_up(store, START + days * DAY)
        assert take(store, reports[7], reports[33]) == {"known": 2}
    assert take(store, late) == {"new": 1}
    same(whole(store), frame_of([*reports, late]))
    roll_up(store, START + 20 * DAY)
    assert take(store, late) == {"known": 1}
    assert lengths_s(store) == {3_600}
    same(whole(store), frame_of([*reports, late]))


def test_reports_of_longer_intervals_go_where_they_fit(store: Store) -> None:
    reports = [report(seconds=60.01), report("two", seconds=300), report("three", seconds=3_600)]
    take(store, *reports)
    roll_up(store, START + timedelta(hours=4))
    assert lengths_s(store) == {60, 600, 3_600}
    same(whole(store), frame_of(reports))


def test_hours_are_deleted_when_their_time_has_come(store: Store) -> None:
    take(store, report(), report(after_s=3 * DAY_S))
    roll_up(store, START + 401.5 * DAY)
    assert observed(store).models["m"].arrived == 100


def test_nothing_is_due_twice(store: Store) -> None:
    take(store, *many(50))
    assert roll_up(store, START + 20 * DAY).reports == len(many(50))
    assert roll_up(store, START + 20 * DAY) == RollUp()


def test_a_step_that_fails_leaves_everything_as_it_was(store: Store) -> None:
    take(store, *many(50))

    def fail_late() -> None:
        with store.writing() as work:
            assert observed_rollup.step(work.observed._session, START + DAY, Retention()).moved
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        fail_late()
    same(whole(store), frame_of(many(50)))
    roll_up(store, START + DAY)
    same(whole(store), frame_of(many(50)))


ROLL_UP_AND_WAIT = """
import sys, time
from datetime import datetime
from planner.demand.retention import Retention
from planner.store import observed_rollup
from planner.store.store import Store

store = Store(sys.argv[1])
for _ in range(int(sys.argv[3])):
    with store.writing() as work:
        observed_rollup.step(work.observed._session, datetime.fromisoformat(sys.argv[2]), Retention())
with store.writing() as work:
    observed_rollup.step(work.observed._session, datetime.fromisoformat(sys.argv[2]), Retention())
    print("moved", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("steps", [0, 2])
def test_killed_in_the_middle_and_run_again_nothing_is_lost_or_counted_twice(
    store: Store, migrated_url: str, steps: int
) -> None:
    reports = many(480)
    take(store, *reports)
    now = START + timedelta(hours=12)
    command = [sys.executable, "-c", ROLL_UP_AND_WAIT, migrated_url, now.isoformat(), str(steps)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "moved\n"
    process.kill()
    process.wait()
    process.stdout.close()
    same(whole(store), frame_of(reports))
    roll_up(store, now)
    assert lengths_s(store) == {60}
    same(whole(store), frame_of(reports))
    assert take(store, *reports) == {"known": len(reports)}


def test_servers_that_roll_up_at_once_and_reports_that_come_meanwhile_lose_nothing(store: Store) -> None:
    reports = many(480)
    take(store, *reports[::2])
    seen: list[int] = []

    def look() -> None:
        for _ in range(5):
            seen.append(int(whole(store).column("reports").sum()))

    def add() -> None:
        for start in range(1, len(reports), 200):
            take(store, *reports[start : start + 200 : 2])

    jobs = [lambda: roll_up(store, START + 2 * DAY), lambda: roll_up(store, START + 2 * DAY), add, look]
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same(whole(store), frame_of(reports))
    assert seen == sorted(seen)  # nothing is ever missing on its way, nor there twice
    assert len(seen) == 5


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sent=st.lists(
        st.tuples(
            st.integers(0, 700),
            st.sampled_from(("one", "two")),
            st.integers(0, 10**6),
            st.none() | st.floats(0, 5),
            st.sampled_from((1, 8, 9)),
        ),
        min_size=1,
        max_size=30,
    ),
    waits=st.lists(st.sampled_from((0, 1, 3, 8, 30)), max_size=4),
)
def test_any_split_and_order_of_reports_rolls_up_to_their_sums(
    store: Store, sent: list[tuple[int, str, int, float | None, int]], waits: Sequence[int]
) -> None:
    _empty(store)
    kept: dict[tuple[int, str], LoadReport] = {}
    now = START + timedelta(hours=4)
    for part in np.array_split(np.arange(len(sent)), len(waits) + 1):
        for i in part:
            at, sub_cluster, arrived, cv, size = sent[i]
            new = report(
                sub_cluster,
                600.0 * at,
                arrived=arrived,
                arrival_cv=cv,
                latency_ms_by_batch=((size, arrived % 100, 1.25),),
            )
            expected = "known" if (at, sub_cluster) in kept else "new"
            (told,) = take(store, new)
            assert told == expected or (expected == "known" and told == "differing")
            kept.setdefault((at, sub_cluster), new)
        roll_up(store, now)
        now += timedelta(days=float(waits[min(len(waits) - 1, 0)])) if waits else timedelta()
        same(whole(store), frame_of(list(kept.values())))


def _empty(store: Store) -> None:
    from sqlalchemy import delete

    from planner.store.tables import (
        LoadReportRow,
        ObservedLoadRow,
        ObservedRollupRow,
        ReportedSpansRow,
        ReporterRow,
    )

    with store.writing() as work:
        for table in (ObservedLoadRow, LoadReportRow, ObservedRollupRow, ReportedSpansRow, ReporterRow):
            work.observed._session.execute(delete(table))


# -- looks


def test_series_are_the_same_from_every_resolution(store: Store) -> None:
    reports = many(480)
    take(store, *reports)

    def hourly() -> tuple[list[list[float]], list[list[float]], list[list[float]]]:
        with store.reading() as work:
            found = work.observed.series(["m", "n", "none"], START - DAY, START + DAY, 3_600)
        assert found.arrived.shape == (3, 48)
        assert np.isnan(found.arrived[2]).all()
        assert np.isnan(found.arrived[:, :24]).all()
        return (found.arrived.tolist(), found.coverage.tolist(), found.arrival_cv.tolist())

    first = hourly()
    assert first[0][0][24] == sum(
        load.arrived
        for r in reports
        for load in r.models
        if load.model == "m" and r.interval_start < "2026-11-23T09"
    )
    for days in (1, 3, 20):
        roll_up(store, START + days * DAY)
        for one, other in zip(first, hourly(), strict=True):
            np.testing.assert_allclose(one, other)


def test_a_look_takes_what_starts_within_it(store: Store) -> None:
    take(store, *many(400))
    hour = START + timedelta(hours=1)
    for days in (0, 1, 3, 20):
        roll_up(store, START + days * DAY)
        assert observed(store, until=hour).models["m"].arrived + observed(store, since=hour).models[
            "m"
        ].arrived == sum(r.models[0].arrived for r in many(400))
    assert observed(store, plan_version=9).models == {}
    assert observed(store, models=["n"]).models.keys() == {"n"}


def test_levels_lie_within_each_other() -> None:
    """What the roll-up counts on: whole intervals of one level make those of the next, and fill its rows."""
    for finer, coarser in pairwise(LEVELS):
        assert coarser.resolution_s % finer.resolution_s == 0
        assert coarser.period_s % finer.period_s == 0
    assert all(level.period_s % level.resolution_s == 0 for level in LEVELS)


def test_standings_are_columns() -> None:
    """The counts of a reporter are named as ``Standing`` is."""
    assert json.dumps([str(s) for s in Standing]) == '["new", "known", "differing", "overlapping"]'
