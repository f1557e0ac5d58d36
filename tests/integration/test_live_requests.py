"""Clients that leave, models that are unloaded, requests of several items: live, with a puppet as worker."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from dispatcher.contract import wire
from dispatcher.contract.sub_cluster import ServedModel, Tenant
from dispatcher.frontend.bulk_service import BulkRequests
from dispatcher.frontend.infer_request import InferRequest, WantedOutput
from dispatcher.frontend.native_door import NativeDoor
from dispatcher.frontend.service import Completed, Outcome, Reason, Refusal
from dispatcher.frontend.submission import submit
from dispatcher.native_client import NativeClient
from dispatcher.runtime.clock import now_us
from dispatcher.runtime.dispatcher_daemon import scheduler_for
from dispatcher.runtime.plan_view import PlanView
from tests.integration.test_live_link import INPUT, SPEC, House, Puppet, answered, run

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


class Heard:
    """Remembers what became of each row of a bulk."""

    def __init__(self) -> None:
        self.ends: dict[int, float | Reason] = {}
        self.all_of = asyncio.Event()
        self.rows = 0

    def completed(self, rows: NDArray[np.int64], outputs: Sequence[NDArray[Any]]) -> bool:
        self._note(rows, outputs[0][:, 0].tolist())
        return True

    def refused(self, rows: NDArray[np.int64], reason: Reason) -> bool:
        self._note(rows, [reason] * len(rows))
        return True

    def _note(self, rows: NDArray[np.int64], ends: Sequence[float | Reason]) -> None:
        self.ends.update(zip(rows.tolist(), ends, strict=True))
        if len(self.ends) == self.rows:
            self.all_of.set()


def hand_in(view: PlanView, rows: int) -> Heard:
    heard = Heard()
    heard.rows = rows
    inputs = (np.ones((rows, 4), dtype=np.float32),)
    view.submit_bulk(BulkRequests(0, inputs, np.zeros(rows, dtype=np.uint32)), now_us(), heard)
    return heard


def test_a_bulk_goes_along_with_a_change_of_plan() -> None:
    async def test(built: House) -> None:
        puppet, batches = await busy_gpu(built)
        view = PlanView(built.live, SPEC)
        early = hand_in(view, 2)
        after = msgspec.structs.replace(SPEC, plan_version=2, tenants=(Tenant("a"), Tenant("b")))
        meter = built.meter.successor(["m"], now_us(), 0.0)
        built.live.switch(after, scheduler_for(after), meter)
        late = hand_in(view, 1)
        assert (built.live.pending, built.live.pending_of(0)) == (5, 5)
        for batch in batches:
            await finish(puppet, batch, 1)
        await finish(puppet, await heard_batch(puppet, 2), 7, 8)
        await finish(puppet, await heard_batch(puppet, 1), 9)
        async with asyncio.timeout(30):
            await early.all_of.wait()
            await late.all_of.wait()
        assert (early.ends, late.ends) == ({0: 7, 1: 8}, {0: 9})
        sums = built.live.ledger.statistics(0)
        assert (sums.succeeded, sums.failed, sums.executed) == (5, 0, 5)
        assert meter.totals()[0].outcomes[Outcome.IN_TIME] == 5
        assert meter.tenant_outcomes[0, Outcome.IN_TIME] == 5
        assert "fermata_requests_pending 0" in view.metrics_text()
        assert await built.live.drain(30)

    run(test)


def test_a_native_client_that_vanished_takes_no_gpu_time_and_the_load_report_tells_all() -> None:
    async def test(built: House) -> None:
        puppet, batches = await busy_gpu(built)
        door = NativeDoor(PlanView(built.live, SPEC), "tcp://127.0.0.1:0", asyncio.get_running_loop())
        door.start()
        async with NativeClient(door.endpoint) as stays:
            kept = stays.submit("m", {"input": np.ones((2, 4), np.float32)})
            leaves = NativeClient(door.endpoint)
            await leaves.open()
            leaves.submit("m", {"input": np.ones((300, 4), np.float32)})
            async with asyncio.timeout(30):
                while built.live.pending != 304:  # noqa: ASYNC110 (a test may poll)
                    await asyncio.sleep(0.005)
                leaves.close()
                while built.live.pending != 4:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
            for batch in batches:
                await finish(puppet, batch, 1)
            await finish(puppet, await heard_batch(puppet, 2), 7, 8)
            assert (await kept).completed.all()
            later = stays.submit("m", {"input": np.ones((1, 4), np.float32)})
            await finish(puppet, await heard_batch(puppet, 1), 9)  # the 300 were in no batch
            assert (await later).completed.all()
        door.close()
        (load,) = built.meter.take_report(now_us(), 0.0, sub_cluster="sc", plan_version=1, gpus=1).models
        assert (load.served_in_time, load.cancelled, load.batches) == (5, 300, 4)
        ends = load.served_in_time + load.late + load.dropped + load.rejected + load.cancelled
        assert load.arrived == ends == 305

    run(test)


def test_a_bulk_of_a_model_that_is_unloaded_or_in_no_plan_is_refused() -> None:
    async def test(built: House) -> None:
        built.live.ledger.set_admitted(0, False)
        refused = dict.fromkeys(range(2), Reason.MODEL_NOT_HERE)
        assert hand_in(PlanView(built.live, SPEC), 2).ends == refused
        gone = msgspec.structs.replace(SPEC, models=(ServedModel("gone", 50_000, (0, 1_000)),))
        assert hand_in(PlanView(built.live, gone), 2).ends == refused
        assert built.count(Outcome.REJECTED) == 2  # one that no plan names is nobody's load
        assert await built.live.drain(30)

    run(test)
