"""The dispatcher's end of the worker's conversation, against workers that misbehave in every way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
import zmq
import zmq.asyncio

from dispatcher.contract import wire
from dispatcher.contract.sub_cluster import ServedModel, SubClusterSpec
from dispatcher.core.rules import Policy, Rules
from dispatcher.frontend.service import Answer, Completed, Outcome, Reason, Refusal
from dispatcher.runtime import under_way
from dispatcher.runtime.clock import now_us
from dispatcher.runtime.dispatcher_daemon import scheduler_for
from dispatcher.runtime.live import LiveSubCluster
from dispatcher.runtime.load_meter import LoadMeter
from dispatcher.runtime.router_socket import RouterSocket
from dispatcher.runtime.worker_link import WorkerLink

SPEC = SubClusterSpec("sc", 1, 1, (ServedModel("m", 20_000_000, (0, 1_000, 1_100)),), Rules(Policy.EAGER))
INPUT = (np.ones((1, 4), dtype=np.float32),)
WAIT_S = 30


class Puppet:
    """A worker that says exactly what a test tells it to."""

    def __init__(self, context: zmq.asyncio.Context, endpoint: str, identity: bytes) -> None:
        self._socket = context.socket(zmq.DEALER)
        self._socket.identity = identity
        self._socket.connect(endpoint)

    async def say(self, message: wire.FromWorker, *frames: bytes) -> None:
        await self._socket.send_multipart([wire.encode(message), *frames])

    async def say_raw(self, *frames: bytes) -> None:
        await self._socket.send_multipart(list(frames))

    async def hear(self) -> wire.FromDispatcher:
        """The next message that is no ping."""
        async with asyncio.timeout(WAIT_S):  # for all of it: pings come for ever
            while True:
                parts = await self._socket.recv_multipart()
                message = wire.decode_from_dispatcher(parts[0])
                if not isinstance(message, wire.Ping):
                    return message

    async def join(self, gpu: int = 0, pid: int = 1) -> None:
        await self.say(wire.Hello(wire.CONTRACT_VERSION, gpu, "host", pid))
        assert isinstance(await self.hear(), wire.Welcome)
        await self.say(wire.Ready(0))


class House:
    """A live sub-cluster in this process, and its puppets."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        welcome = wire.Welcome(wire.CONTRACT_VERSION, SPEC.id, SPEC.plan_version, SPEC.models)
        self.link = WorkerLink(RouterSocket("tcp://127.0.0.1:0", loop), welcome, SPEC.gpus)
        self.meter = LoadMeter(["m"], now_us(), 0.0)
        self.live = LiveSubCluster(SPEC, scheduler_for(SPEC), self.link, self.meter, loop)
        self.context = zmq.asyncio.Context()
        self.live.start()
        self._watching = asyncio.create_task(self._watch())

    def puppet(self, identity: bytes = b"one") -> Puppet:
        return Puppet(self.context, self.link.endpoint, identity)

    def submit(self) -> asyncio.Future[Answer]:
        return self.live.submit(0, INPUT, now_us(), None)

    def count(self, outcome: Outcome) -> int:
        return self.meter.totals()[0].outcomes[outcome]

    async def until_ready(self, count: int) -> None:
        async with asyncio.timeout(WAIT_S):
            while len(self.link.ready_gpus) != count:  # noqa: ASYNC110 (a test may poll)
                await asyncio.sleep(0.005)

    async def close(self) -> None:
        self._watching.cancel()
        self.live.close()
        self.context.destroy(linger=0)
        assert not self.live.bug.done()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(0.02)
            self.live.watch()


@asynccontextmanager
async def house() -> AsyncIterator[House]:
    built = House()
    try:
        yield built
    finally:
        await built.close()


def run(test: Callable[[House], Coroutine[Any, Any, None]]) -> None:
    async def inside() -> None:
        async with house() as built:
            await test(built)

    asyncio.run(inside())


async def answered(future: asyncio.Future[Answer]) -> Answer:
    async with asyncio.timeout(WAIT_S):
        return await future


def test_a_batch_goes_out_and_its_answer_comes_back() -> None:
    async def test(built: House) -> None:
        puppet = built.puppet()
        await puppet.join()
        await built.until_ready(1)
        future = built.submit()
        batch = await puppet.hear()
        assert isinstance(batch, wire.RunBatch)
        output = np.array([[1, 2, 3, 4]], dtype=np.float32)
        await puppet.say(wire.BatchDone(batch.batch_id, 100, 140), output.tobytes())
        answer = await answered(future)
        assert isinstance(answer, Completed)
        np.testing.assert_array_equal(answer.outputs[0], output)
        assert built.meter.totals()[0].busy_us == 40

    run(test)


def test_a_second_answer_to_the_same_batch_is_ignored() -> None:
    async def test(built: House) -> None:
        puppet = built.puppet()
        await puppet.join()
        await built.until_ready(1)
        future = built.submit()
        batch = await puppet.hear()
        assert isinstance(batch, wire.RunBatch)
        for _ in range(3):
            await puppet.say(wire.BatchDone(batch.batch_id, 0, 1), bytes(16))
        await puppet.say(wire.BatchFailed(10**6, 0, 1, "never sent"))
        await answered(future)
        second = built.submit()
        next_batch = await puppet.hear()
        assert isinstance(next_batch, wire.RunBatch)
        await puppet.say(wire.BatchDone(next_batch.batch_id, 0, 1), bytes(16))
        await answered(second)
        assert built.count(Outcome.IN_TIME) == 2

    run(test)


@pytest.mark.parametrize("frames", [(), (bytes(15),), (bytes(16), bytes(16))])
def test_outputs_of_the_wrong_size_fail_the_batch(frames: tuple[bytes, ...]) -> None:
    async def test(built: House) -> None:
        puppet = built.puppet()
        await puppet.join()
        await built.until_ready(1)
        future = built.submit()
        batch = await puppet.hear()
        assert isinstance(batch, wire.RunBatch)
        await puppet.say(wire.BatchDone(batch.batch_id, 0, 1), *frames)
        answer = await answered(future)
        assert isinstance(answer, Refusal)
        assert answer.reason is Reason.MODEL_FAILED

    run(test)


def test_a_stalled_worker_loses_its_batch_to_the_next_and_must_start_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(under_way, "STALL_US_MIN", 100_000)
    monkeypatch.setattr(under_way, "STALL_FACTOR", 1)

    async def test(built: House) -> None:
        stalled = built.puppet(b"stalled")
        await stalled.join()
        await built.until_ready(1)
        future = built.submit()
        lost = await stalled.hear()
        assert isinstance(lost, wire.RunBatch)
        await built.until_ready(0)
        other = built.puppet(b"other")
        await other.join(pid=2)
        batch = await other.hear()
        assert isinstance(batch, wire.RunBatch)
        await stalled.say(wire.BatchDone(lost.batch_id, 0, 1), bytes(16))
        assert isinstance(await stalled.hear(), wire.HelloWanted)
        await other.say(wire.BatchDone(batch.batch_id, 0, 1), bytes(16))
        assert isinstance(await answered(future), Completed)
        assert built.count(Outcome.IN_TIME) == 1

    run(test)


def test_a_process_that_says_hello_again_takes_its_own_place() -> None:
    async def test(built: House) -> None:
        first = built.puppet(b"first")
        await first.join(pid=9)
        await built.until_ready(1)
        future = built.submit()
        await first.hear()
        again = built.puppet(b"again")
        await again.join(pid=9)
        batch = await again.hear()
        assert isinstance(batch, wire.RunBatch)
        await again.say(wire.BatchDone(batch.batch_id, 0, 1), bytes(16))
        assert isinstance(await answered(future), Completed)
        await first.say(wire.Leaving())
        assert isinstance(await first.hear(), wire.HelloWanted)

    run(test)


def test_strangers_and_garbage_change_nothing() -> None:
    async def test(built: House) -> None:
        puppet = built.puppet()
        await puppet.join()
        await built.until_ready(1)
        stranger = built.puppet(b"stranger")
        await stranger.say_raw(b"garbage")
        await stranger.say_raw(b"")
        await stranger.say(wire.BatchDone(0, 0, 1), bytes(16))
        assert isinstance(await stranger.hear(), wire.HelloWanted)
        for hello, words in (
            (wire.Hello(wire.CONTRACT_VERSION + 1, 0), "contract_version: must be 2, got 3"),
            (wire.Hello(wire.CONTRACT_VERSION, 1), "gpu: must lie in 0..0, got 1"),
            (wire.Hello(wire.CONTRACT_VERSION, 0, "elsewhere", 3), "is served by process 1 on host"),
        ):
            await stranger.say(hello)
            refused = await stranger.hear()
            assert isinstance(refused, wire.Refused)
            assert words in refused.reason
        assert built.link.ready_gpus == [0]

    run(test)


def test_what_no_gpu_serves_is_refused_in_the_end_and_a_drain_waits_for_it() -> None:
    async def test(built: House) -> None:
        future = built.live.submit(0, INPUT, now_us(), 50_000)
        assert await built.live.drain(WAIT_S)
        answer = await answered(future)
        assert isinstance(answer, Refusal)
        assert answer.reason in (Reason.DEADLINE_UNREACHABLE, Reason.WINDOW)
        late = await answered(built.submit())
        assert isinstance(late, Refusal)
        assert late.reason is Reason.DRAINING

    run(test)


def test_an_answer_after_the_promise_is_late() -> None:
    async def test(built: House) -> None:
        puppet = built.puppet()
        await puppet.join()
        await built.until_ready(1)
        future = built.live.submit(0, INPUT, now_us(), 100_000)
        batch = await puppet.hear()
        assert isinstance(batch, wire.RunBatch)
        await asyncio.sleep(0.12)
        await puppet.say(wire.BatchDone(batch.batch_id, 0, 1), bytes(16))
        answer = await answered(future)
        assert isinstance(answer, Refusal)
        assert answer.reason is Reason.LATE
        assert built.count(Outcome.LATE) == 1

    run(test)


def test_a_worker_cannot_have_executed_for_longer_than_it_had_the_batch() -> None:
    async def test(built: House) -> None:
        puppet = built.puppet()
        await puppet.join()
        await built.until_ready(1)
        began_us = now_us()
        future = built.submit()
        batch = await puppet.hear()
        assert isinstance(batch, wire.RunBatch)
        await puppet.say(wire.BatchDone(batch.batch_id, 0, 2**62), bytes(16))
        await answered(future)
        assert built.meter.totals()[0].busy_us <= now_us() - began_us

    run(test)


def test_answers_that_overtake_one_another_are_told_to_the_scheduler_in_order() -> None:
    """It knows which batch its GPU executes; the end of another would be a bug to it."""

    async def test(built: House) -> None:
        puppet = built.puppet()
        await puppet.join()
        await built.until_ready(1)
        futures = [built.submit() for _ in range(3)]  # the largest batch is two
        batches = [await puppet.hear(), await puppet.hear()]
        for batch in reversed(batches):
            assert isinstance(batch, wire.RunBatch)
            await puppet.say(wire.BatchDone(batch.batch_id, 0, 1), bytes(16 * batch.batch_size))
        answers = [await answered(future) for future in futures]
        assert all(isinstance(answer, Completed) for answer in answers)
        last = built.submit()
        batch = await puppet.hear()
        assert isinstance(batch, wire.RunBatch)
        await puppet.say(wire.BatchDone(batch.batch_id, 0, 1), bytes(16))
        assert isinstance(await answered(last), Completed)

    run(test)


def test_requests_of_a_silent_gpu_are_answered_when_their_promise_has_passed() -> None:
    async def test(built: House) -> None:
        puppet = built.puppet()
        await puppet.join()
        await built.until_ready(1)
        future = built.live.submit(0, INPUT, now_us(), 50_000)
        batch = await puppet.hear()
        assert isinstance(batch, wire.RunBatch)
        answer = await answered(future)
        assert isinstance(answer, Refusal)
        assert answer.reason is Reason.LATE
        await puppet.say(wire.BatchDone(batch.batch_id, 0, 1), bytes(16))
        second = built.submit()
        batch = await puppet.hear()
        assert isinstance(batch, wire.RunBatch)
        await puppet.say(wire.BatchDone(batch.batch_id, 0, 1), bytes(16))
        assert isinstance(await answered(second), Completed)
        assert (built.count(Outcome.LATE), built.count(Outcome.IN_TIME)) == (1, 1)

    run(test)


def test_a_worker_whose_welcome_was_lost_gets_another() -> None:
    async def test(built: House) -> None:
        puppet = built.puppet()
        await puppet.say(wire.Hello(wire.CONTRACT_VERSION, 0, "host", 1))
        assert isinstance(await puppet.hear(), wire.Welcome)
        await puppet.say(wire.PlanWanted())
        assert isinstance(await puppet.hear(), wire.Welcome)
        await puppet.say(wire.Ready(0))
        await built.until_ready(1)

    run(test)


def test_a_leaving_worker_ends_its_batch_first() -> None:
    async def test(built: House) -> None:
        puppet = built.puppet()
        await puppet.join()
        await built.until_ready(1)
        future = built.submit()
        batch = await puppet.hear()
        assert isinstance(batch, wire.RunBatch)
        await puppet.say(wire.Leaving())
        await puppet.say(wire.BatchDone(batch.batch_id, 0, 1), bytes(16))
        assert isinstance(await answered(future), Completed)
        assert isinstance(await puppet.hear(), wire.Goodbye)
        waiting = built.submit()
        next_one = built.puppet(b"next")
        await next_one.join(pid=2)
        batch = await next_one.hear()
        assert isinstance(batch, wire.RunBatch)
        await next_one.say(wire.BatchDone(batch.batch_id, 0, 1), bytes(16))
        assert isinstance(await answered(waiting), Completed)

    run(test)
