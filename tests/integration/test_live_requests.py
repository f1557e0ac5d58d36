"""Clients that leave, models that are unloaded, requests of several items: live, with a puppet as worker."""

from __future__ import annotations

import asyncio

import numpy as np

from dispatcher.contract import wire
from dispatcher.frontend.infer_request import InferRequest, WantedOutput
from dispatcher.frontend.service import Completed, Outcome, Reason, Refusal
from dispatcher.frontend.submission import submit
from dispatcher.runtime.clock import now_us
from tests.integration.test_live_link import INPUT, House, Puppet, answered, run

EXECUTION_US = 1_000


async def heard_batch(puppet: Puppet, size: int) -> wire.RunBatch:
    batch = await puppet.hear()
    assert isinstance(batch, wire.RunBatch)
    assert batch.batch_size == size
    return batch


async def finish(puppet: Puppet, batch: wire.RunBatch, *outputs: float) -> None:
    rows = np.array([[value] * 4 for value in outputs], dtype=np.float32)
    await puppet.say(wire.BatchDone(batch.batch_id, 0, EXECUTION_US), rows.tobytes())


async def busy_gpu(built: House) -> tuple[Puppet, list[wire.RunBatch]]:
    """A worker that holds two batches, so that what comes next waits with the scheduler."""
    puppet = built.puppet()
    await puppet.join()
    await built.until_ready(1)
    batches = []
    for _ in range(2):
        built.submit()
        batches.append(await heard_batch(puppet, 1))
    return puppet, batches


def test_a_queued_request_whose_client_is_gone_is_left_out_of_the_batch() -> None:
    async def test(built: House) -> None:
        puppet, batches = await busy_gpu(built)
        gone, kept = built.submit(), built.submit()
        await asyncio.sleep(0.05)
        gone.cancel()
        for batch in batches:
            await finish(puppet, batch, 1)
        await finish(puppet, await heard_batch(puppet, 1), 7)
        answer = await answered(kept)
        assert isinstance(answer, Completed)
        assert answer.outputs[0][0, 0] == 7
        assert (built.count(Outcome.CANCELLED), built.count(Outcome.IN_TIME)) == (1, 3)

    run(test)


def test_the_result_of_a_request_whose_client_is_gone_is_dropped() -> None:
    async def test(built: House) -> None:
        puppet = built.puppet()
        await puppet.join()
        await built.until_ready(1)
        gone = built.submit()
        batch = await heard_batch(puppet, 1)
        gone.cancel()
        await finish(puppet, batch, 1)
        served = built.submit()
        await finish(puppet, await heard_batch(puppet, 1), 2)
        assert isinstance(await answered(served), Completed)
        assert (built.count(Outcome.CANCELLED), built.count(Outcome.IN_TIME)) == (1, 1)
        assert await built.live.drain(30)

    run(test)


def test_a_client_that_left_after_its_promise_is_late() -> None:
    async def test(built: House) -> None:
        puppet = built.puppet()
        await puppet.join()
        await built.until_ready(1)
        gone = built.live.submit(0, INPUT, now_us(), 50_000)
        batch = await heard_batch(puppet, 1)
        await asyncio.sleep(0.06)
        gone.cancel()
        await finish(puppet, batch, 1)
        assert await built.live.drain(30)
        assert (built.count(Outcome.LATE), built.count(Outcome.CANCELLED)) == (1, 0)

    run(test)


def test_the_items_of_one_request_are_batched_and_answered_as_one() -> None:
    async def test(built: House) -> None:
        puppet = built.puppet()
        await puppet.join()
        await built.until_ready(1)
        pair = InferRequest(None, None, (np.ones((2, 4), dtype=np.float32),), (WantedOutput(0, True),))
        whole = submit(built.live, 0, pair, now_us())
        await finish(puppet, await heard_batch(puppet, 2), 3, 4)
        answer = await answered(whole)
        assert isinstance(answer, Completed)
        assert answer.outputs[0][:, 0].tolist() == [3, 4]
        given_up = submit(built.live, 0, pair, now_us())
        batch = await heard_batch(puppet, 2)
        given_up.cancel()
        await finish(puppet, batch, 5, 6)
        assert await built.live.drain(30)
        assert (built.count(Outcome.IN_TIME), built.count(Outcome.CANCELLED)) == (2, 2)

    run(test)


def test_an_unloaded_model_is_refused_as_not_here() -> None:
    async def test(built: House) -> None:
        puppet = built.puppet()
        await puppet.join()
        await built.until_ready(1)
        accepted = built.submit()
        built.live.ledger.set_admitted(0, False)
        refused = await answered(built.submit())
        assert isinstance(refused, Refusal)
        assert refused.reason is Reason.MODEL_NOT_HERE
        await finish(puppet, await heard_batch(puppet, 1), 1)
        assert isinstance(await answered(accepted), Completed)
        built.live.ledger.set_admitted(0, True)
        again = built.submit()
        await finish(puppet, await heard_batch(puppet, 1), 1)
        assert isinstance(await answered(again), Completed)
        assert built.count(Outcome.REJECTED) == 1

    run(test)


def test_statistics_add_up() -> None:
    async def test(built: House) -> None:
        assert built.live.ledger.statistics(0).last_arrival_ms == 0
        puppet = built.puppet()
        await puppet.join()
        await built.until_ready(1)
        for _ in range(3):
            future = built.submit()
            await finish(puppet, await heard_batch(puppet, 1), 1)
            await answered(future)
        built.live.ledger.set_admitted(0, False)
        built.submit()
        sums = built.live.ledger.statistics(0)
        assert (sums.succeeded, sums.failed, sums.executed) == (3, 1, 3)
        assert 0 < sums.execution_us <= 3 * EXECUTION_US  # no batch counts longer than it was away
        assert list(sums.batches_by_size) == [(1, 3, sums.execution_us)]
        assert sums.queue_us <= sums.succeeded_us
        assert sums.last_arrival_ms > 1_500_000_000_000

    run(test)
