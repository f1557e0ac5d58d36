from __future__ import annotations

from dispatcher.contract.sub_cluster import ServedModel
from dispatcher.core.events import Event, GpuAdded, GpuLost, GpuRetired
from dispatcher.runtime.roster import Roster
from dispatcher.runtime.under_way import Batch, BatchesUnderWay

MODEL = ServedModel("m", 1_000, (0, 10))


def batch(number: int, gpu: int = 0, stalled_us: int = 100) -> Batch[str]:
    return Batch(number, gpu, MODEL, [f"r{number}"], (), 0, stalled_us, number)


def test_ends_are_told_in_the_order_of_the_gpu() -> None:
    batches: BatchesUnderWay[str] = BatchesUnderWay()
    first, second = batch(1), batch(2)
    batches.add(first)
    batches.add(second)
    assert batches.answer(0, 2) is second
    assert batches.take_ended(0) == []
    assert batches.are_on(0)
    assert list(batches) == [first]
    assert batches.answer(0, 1) is first
    assert batches.take_ended(0) == [first, second]
    assert not batches.are_on(0)


def test_a_batch_is_answered_once_and_by_its_own_gpu() -> None:
    batches: BatchesUnderWay[str] = BatchesUnderWay()
    batches.add(batch(1))
    assert batches.answer(1, 1) is None
    assert batches.answer(0, 9) is None
    assert batches.answer(0, 1) is not None
    assert batches.answer(0, 1) is None


def test_what_a_lost_gpu_had_answered_is_not_put_back() -> None:
    batches: BatchesUnderWay[str] = BatchesUnderWay()
    first, second = batch(1), batch(2)
    batches.add(first)
    batches.add(second)
    batches.answer(0, 2)
    assert batches.lose(0) == [first]
    assert batches.lose(0) == []
    assert not batches.are_on(0)


def test_a_gpu_whose_batch_is_overdue_is_stalled() -> None:
    batches: BatchesUnderWay[str] = BatchesUnderWay()
    batches.add(batch(1, gpu=3, stalled_us=100))
    assert batches.stalled_gpus(100) == set()
    assert batches.stalled_gpus(101) == {3}


def test_the_next_scheduler_knows_of_no_batch_of_the_one_before() -> None:
    batches: BatchesUnderWay[str] = BatchesUnderWay()
    batches.add(batch(1))
    batches.hand_over()
    answered = batches.answer(0, 1)
    assert answered is not None
    assert answered.scheduler_id is None


def test_a_scheduler_is_told_nothing_twice() -> None:
    told: list[Event] = []
    roster = Roster()
    roster.serve(2, told.append)
    assert told == [GpuLost(0), GpuLost(1)]
    for gpu in (0, 0, 2):  # here already, not planned
        roster.offer(gpu)
    roster.retire(0)
    roster.retire(0)
    roster.offer(0)  # it is leaving
    roster.withdraw(2)
    assert told[2:] == [GpuAdded(0), GpuRetired(0)]
    assert roster.is_leaving(0)
    roster.withdraw(0)
    roster.offer(0)
    assert told[4:] == [GpuLost(0), GpuAdded(0)]
    roster.serve(1, told.append)
    roster.offer(0)
    assert told[6:] == [GpuLost(0), GpuAdded(0)]
