from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dispatcher.contract.sub_cluster import ServedModel, SubClusterSpec, Tenant
from dispatcher.core.events import Command, Event, RequestsArrived
from dispatcher.frontend.bulk_service import BulkRequests
from dispatcher.frontend.service import Outcome, Reason
from dispatcher.runtime.bulk import FIRST_ID, Segment
from dispatcher.runtime.bulk_way import BulkWay
from dispatcher.runtime.driver import SchedulerDriver
from dispatcher.runtime.ledger import Ledger
from dispatcher.runtime.load_meter import LoadMeter

SLO_US = 50_000


class Heard:
    """Remembers what became of each row; a second answer to one fails. It may be gone."""

    def __init__(self) -> None:
        self.ends: dict[int, Any] = {}
        self.is_there = True

    def completed(self, rows: NDArray[np.int64], outputs: Sequence[NDArray[Any]]) -> bool:
        assert all(len(output) == len(rows) for output in outputs)
        self._note(rows, outputs[0].ravel().tolist())
        return self.is_there

    def refused(self, rows: NDArray[np.int64], reason: Reason) -> bool:
        self._note(rows, [reason] * len(rows))
        return self.is_there

    def _note(self, rows: NDArray[np.int64], ends: list[Any]) -> None:
        for row, end in zip(rows.tolist(), ends, strict=True):
            assert row not in self.ends
            self.ends[row] = end


class Told:
    """In the scheduler's place: remembers the arrivals it is stepped with."""

    def __init__(self) -> None:
        self.arrivals: list[RequestsArrived] = []

    def step(self, now_us: int, events: Sequence[Event]) -> list[Command]:
        self.arrivals += [event for event in events if isinstance(event, RequestsArrived)]
        return []


class Way:
    """A ``BulkWay`` of one model, its meter, and what its scheduler was told."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        def bug(error: Exception) -> None:
            raise error

        self.told = Told()
        self.driver = SchedulerDriver(
            self.told, loop, resp_us=2_000, on_start=lambda _: None, on_drop=lambda _: None, on_bug=bug
        )
        self.meter = LoadMeter(["m"], 0, 0.0)
        spec = SubClusterSpec("sc", 1, 1, (ServedModel("m", SLO_US, (0, 1_000)),))
        self.ledger = Ledger(spec, self.meter, lambda: 0)
        self.measures = self.ledger.measures
        self.way = BulkWay(spec, self.driver, self.ledger, lambda: None)

    def submit(self, values: Sequence[float], timeout_us: int = 0, tenants: Any = None) -> Heard:
        heard = Heard()
        array = np.array(values, dtype=np.float32).reshape(-1, 1)
        timeouts = np.full(len(array), timeout_us, dtype=np.uint32)
        self.way.submit(BulkRequests(0, (array,), timeouts, tenants), 1_000, heard)
        return heard

    async def ids(self) -> NDArray[np.int64]:
        """Of everything that the scheduler was told of so far."""
        await asyncio.sleep(0.01)
        return np.concatenate([each.request_id for each in self.told.arrivals])

    @property
    def outcomes(self) -> Counter[Outcome]:
        return self.meter.totals()[0].outcomes


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=6),
    seed=st.integers(0, 2**31),
    late_after_us=st.integers(0, 2 * SLO_US),
)
@settings(max_examples=40, deadline=None)
def test_every_row_gets_its_own_result_once_however_batches_cut_the_bulks(
    sizes: list[int], seed: int, late_after_us: int
) -> None:
    async def run() -> None:
        random = np.random.default_rng(seed)
        made = Way(asyncio.get_running_loop())
        values = [random.random(size).astype(np.float32) for size in sizes]
        heard = [made.submit(each.tolist()) for each in values]
        ids = await made.ids()
        random.shuffle(ids)
        singles = 0
        while len(ids):
            size = int(random.integers(1, 30))
            batch, ids = ids[:size], ids[size:]
            others, segments = made.way.take(np.concatenate([[singles], batch]))
            assert others == [singles]
            singles += 1
            rows = np.concatenate([[[9.0]], *(segment.inputs()[0] for segment in segments)])
            made.way.complete(segments, [rows * 2], 1_000 + late_after_us)
        in_time = late_after_us <= SLO_US
        for each, ends in zip(values, heard, strict=True):
            assert len(ends.ends) == len(each)
            for row, value in enumerate(each):
                assert ends.ends[row] == (pytest.approx(2 * value) if in_time else Reason.LATE)
        assert made.way.pending == 0
        assert made.outcomes == {Outcome.IN_TIME if in_time else Outcome.LATE: sum(sizes)}
        made.driver.close()

    asyncio.run(run())


def test_a_lost_gpus_rows_go_back_with_id_and_deadline_or_are_answered() -> None:
    async def run() -> None:
        made = Way(asyncio.get_running_loop())
        patient, hasty = made.submit([1, 2, 3]), made.submit([4, 5], timeout_us=5_000)
        _, segments = made.way.take(await made.ids())
        made.told.arrivals.clear()
        made.way.put_back(segments, instant_us=10_000)
        assert hasty.ends == {0: Reason.GPU_LOST, 1: Reason.GPU_LOST}
        assert patient.ends == {}
        assert (await made.ids()).tolist() == [FIRST_ID, FIRST_ID + 1, FIRST_ID + 2]
        (again,) = made.told.arrivals
        assert again.deadline_us.tolist() == [1_000 + SLO_US - 2_000] * 3
        assert made.way.pending == 3
        made.driver.close()

    asyncio.run(run())


def test_drops_failures_and_the_end_answer_what_is_left() -> None:
    async def run() -> None:
        made = Way(asyncio.get_running_loop())
        heard = made.submit([1, 2, 3, 4])
        ids = await made.ids()
        made.way.drop(int(ids[2]), Outcome.DROPPED, Reason.WINDOW)
        _, segments = made.way.take(ids[:1])
        made.way.fail(segments)
        _, under_way = made.way.take(ids[1:2])
        made.way.abandon(iter(under_way))
        assert heard.ends == {
            2: Reason.WINDOW,
            0: Reason.MODEL_FAILED,
            1: Reason.DRAINING,
            3: Reason.DRAINING,
        }
        assert made.outcomes == {Outcome.DROPPED: 2, Outcome.FAILED: 2}
        refusals = made.measures.models[0].refusals
        assert refusals == {Reason.WINDOW: 1, Reason.MODEL_FAILED: 1, Reason.DRAINING: 2}
        made.driver.close()

    asyncio.run(run())


def test_tenants_are_counted_each_for_itself() -> None:
    async def run() -> None:
        made = Way(asyncio.get_running_loop())
        made.submit([1, 2, 3], tenants=np.array([1, 0, 1], dtype=np.int32))
        _, segments = made.way.take(await made.ids())
        assert made.told.arrivals[0].tenant_index is not None
        made.way.complete(segments, [np.zeros((3, 1))], 1_000)
        assert made.meter.tenant_outcomes == {(0, Outcome.IN_TIME): 1, (1, Outcome.IN_TIME): 2}
        made.driver.close()

    asyncio.run(run())


def test_rows_that_follow_each_other_are_not_copied() -> None:
    async def run() -> None:
        made = Way(asyncio.get_running_loop())
        made.submit([1, 2, 3, 4])
        ids = await made.ids()
        _, (together,) = made.way.take(ids[1:3])
        assert together.inputs()[0].base is not None
        assert isinstance(together, Segment)
        _, (apart,) = made.way.take(ids[[3, 0]])
        assert apart.inputs()[0].ravel().tolist() == [4, 1]
        made.driver.close()

    asyncio.run(run())


def test_what_is_overdue_is_answered_once_and_its_result_is_nothing() -> None:
    async def run() -> None:
        made = Way(asyncio.get_running_loop())
        heard = made.submit([1, 2, 3, 4])
        ids = await made.ids()
        _, segments = made.way.take(ids[:2])
        made.way.answer_overdue(1_000 + SLO_US)
        assert heard.ends == {}
        made.way.answer_overdue(1_000 + SLO_US + 1)
        assert heard.ends == dict.fromkeys(range(4), Reason.LATE)
        made.way.complete(segments, [np.zeros((2, 1))], 1_000)
        made.way.drop(int(ids[2]), Outcome.DROPPED, Reason.WINDOW)
        _, later = made.way.take(ids[3:])
        made.way.put_back(later, 1_000)
        assert (made.way.pending, made.outcomes) == (0, {Outcome.LATE: 4})
        assert list(made.way._bulks) == []
        made.driver.close()

    asyncio.run(run())


def test_rows_of_a_client_that_is_gone_are_cancelled_and_left_out_of_batches() -> None:
    async def run() -> None:
        made = Way(asyncio.get_running_loop())
        gone, hasty, stays = made.submit([1, 2, 3]), made.submit([4], timeout_us=5_000), made.submit([5])
        ids = await made.ids()
        _, under_way = made.way.take(ids[:1])
        made.way.withdraw({gone, hasty}, 6_001)
        assert (gone.ends, hasty.ends) == ({}, {})
        assert made.outcomes == {Outcome.CANCELLED: 3, Outcome.LATE: 1}
        assert (made.way.pending, made.way.pending_of(0)) == (1, 1)
        made.way.complete(under_way, [np.zeros((1, 1))], 7_000)
        _, segments = made.way.take(ids[[1, 3, 4]])
        assert [each.inputs()[0].ravel().tolist() for each in segments] == [[5]]
        made.way.complete(segments, [np.array([[9.0]])], 7_000)
        assert made.way.take(ids[2:3]) == ([], [])
        assert stays.ends == {0: 9.0}
        assert (gone.ends, made.way.pending, list(made.way._bulks)) == ({}, 0, [])
        tally = made.meter.totals()[0]
        assert tally.outcomes == {Outcome.CANCELLED: 3, Outcome.LATE: 1, Outcome.IN_TIME: 1}
        assert tally.arrived == tally.answered
        made.driver.close()

    asyncio.run(run())


def test_answers_that_reach_nobody_are_not_counted_good() -> None:
    async def run() -> None:
        made = Way(asyncio.get_running_loop())
        heard = made.submit([1, 2, 3])
        heard.is_there = False
        ids = await made.ids()
        _, segments = made.way.take(ids[:2])
        made.way.complete(segments, [np.zeros((2, 1))], 1_000)
        made.way.drop(int(ids[2]), Outcome.DROPPED, Reason.WINDOW)
        assert made.outcomes == {Outcome.CANCELLED: 3}
        assert not made.measures.models[0].refusals
        made.driver.close()

    asyncio.run(run())


def test_a_plan_switch_takes_what_waits_along_and_leaves_what_is_in_batches() -> None:
    async def run() -> None:
        made = Way(asyncio.get_running_loop())
        heard = made.submit([1, 2, 3])
        _, segments = made.way.take((await made.ids())[:1])
        after = Way(asyncio.get_running_loop())
        models = (ServedModel("other", SLO_US, (0, 1_000)), ServedModel("m", SLO_US, (0, 1_000)))
        spec = SubClusterSpec("sc", 2, 1, models, tenants=(Tenant("a"), Tenant("b")))
        meter = LoadMeter(["other", "m"], 0, 0.0)
        made.way.switch(spec, after.driver, Ledger(spec, meter, lambda: 0, made.ledger), Reason.DRAINING)
        assert (await after.ids()).tolist() == [FIRST_ID + 1, FIRST_ID + 2]
        assert after.told.arrivals[0].model_index.tolist() == [1, 1]
        assert made.way.pending_of(1) == 3
        made.way.complete(segments, [np.array([[7.0]])], 1_000)
        _, rest = made.way.take(await after.ids())
        made.way.complete(rest, [np.array([[8.0], [9.0]])], 1_000)
        assert heard.ends == {0: 7.0, 1: 8.0, 2: 9.0}
        assert meter.totals()[1].outcomes == {Outcome.IN_TIME: 3}
        gone = SubClusterSpec("sc", 3, 1, (models[0],))
        left = Heard()
        array = np.zeros((2, 1), dtype=np.float32)
        made.way.submit(BulkRequests(1, (array,), np.zeros(2)), 1_000, left)
        made.way.switch(gone, after.driver, Ledger(gone, meter, lambda: 0), Reason.DRAINING)
        assert left.ends == {0: Reason.DRAINING, 1: Reason.DRAINING}
        made.driver.close()
        after.driver.close()

    asyncio.run(run())
