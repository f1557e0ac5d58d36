from __future__ import annotations

from dispatcher.core.gpus import add_gpu, finish_batch, free_us, give_batch, is_known, lose_gpu
from dispatcher.core.heaps import is_in, top_key
from dispatcher.core.state import with_gpus
from tests.unit.dispatcher.core.core_states import state


def test_idle_gpu_begins_when_the_input_has_arrived() -> None:
    fleet = state(speeds=(1.0, 1.0))
    assert give_batch(fleet, 1, 0, 0, ready_us=150, execution_us=1_000, now_us=100) == 150
    assert not is_in(fleet.idle, 1)
    assert top_key(fleet.busy) == 1_150
    assert free_us(fleet, 1, 200) == 1_150


def test_second_batch_begins_behind_the_first_and_closes_the_gpu() -> None:
    fleet = state()
    give_batch(fleet, 0, 0, 0, ready_us=0, execution_us=1_000, now_us=0)
    assert give_batch(fleet, 0, 0, 1, ready_us=900, execution_us=500, now_us=800) == 1_000
    assert not is_in(fleet.busy, 0)
    finish_batch(fleet, 0, 1_200)  # late: what follows moves with it
    assert is_in(fleet.busy, 0)
    assert free_us(fleet, 0, 1_200) == 1_700
    assert fleet.gpu["batch"][0] == 1
    finish_batch(fleet, 0, 1_700)
    assert is_in(fleet.idle, 0)


def test_overdue_gpu_counts_as_free_now() -> None:
    fleet = state()
    give_batch(fleet, 0, 0, 0, ready_us=0, execution_us=1_000, now_us=0)
    assert free_us(fleet, 0, 5_000) == 5_000


def test_lost_gpu_is_in_no_heap_until_it_is_back() -> None:
    fleet = state(speeds=(1.0, 1.0))
    give_batch(fleet, 0, 0, 0, ready_us=0, execution_us=1_000, now_us=0)
    lose_gpu(fleet, 0)
    lose_gpu(fleet, 1)
    assert not any(is_in(heap, g) for heap in (fleet.idle, fleet.busy) for g in (0, 1))
    add_gpu(fleet, 0)
    assert is_in(fleet.idle, 0)


def test_new_gpus_are_known_from_then_on() -> None:
    fleet = state()
    assert not is_known(fleet, 1)
    larger = with_gpus(fleet, [0, 0, 0])
    assert is_known(larger, 3)
    assert is_in(larger.idle, 0)
    assert not is_in(larger.idle, 1)
