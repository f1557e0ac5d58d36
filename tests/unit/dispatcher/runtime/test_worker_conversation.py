"""The worker's end of the conversation, against a dispatcher that says anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any

import numpy as np
import pytest

from dispatcher.backends.backend import BackendError, DeviceLost, ModelUnfit
from dispatcher.backends.loading import LoadedModel
from dispatcher.contract import wire
from dispatcher.contract.sub_cluster import ServedModel
from dispatcher.runtime.worker_conversation import (
    ASK_AGAIN_US,
    LEAVE_US_MAX,
    WorkerConversation,
    WorkerFailed,
    WorkerIdentity,
)

A, B, BROKEN = (ServedModel(name, 1_000, (0, 10, 10)) for name in ("a", "b", "broken"))
INPUT = bytes(16)


class Later(Executor):
    """Loads when told to."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def submit(self, fn: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def run() -> None:
            try:
                future.set_result(fn(*arguments, **named))
            except Exception as error:
                future.set_exception(error)

        self.waiting.append(run)
        return future


class Zeros:
    def execute(self, inputs: Sequence[Any]) -> list[Any]:
        return [np.zeros((len(inputs[0]), 4), dtype=np.float32)]


class Worker:
    """The conversation, with its line, clock and loader in the test's hands."""

    def __init__(self) -> None:
        self.said: list[wire.FromWorker] = []
        self.connections = 0
        self.backend = Zeros()
        self.now_us = 1_000_000
        self.loader = Later()
        self.ready: list[list[str]] = []
        self.load_fails_with = BackendError("out of memory")
        self.conversation = WorkerConversation(
            WorkerIdentity(0, "host", 1),
            self,
            load=self._load,
            executor=self.loader,
            now=lambda: self.now_us,
            on_ready=lambda models, loads: self.ready.append(list(models)),
        )
        self.conversation.hello()

    def connect(self) -> None:
        self.connections += 1

    def send(self, frames: Sequence[Any]) -> None:
        self.said.append(wire.decode_from_worker(bytes(frames[0])))

    def hear(self, message: wire.FromDispatcher, *frames: bytes) -> list[wire.FromWorker]:
        """What the worker says to that."""
        before = len(self.said)
        self.conversation.hear([wire.encode(message), *frames])
        return self.said[before:]

    def turn(self, after_us: int = 0) -> list[wire.FromWorker]:
        before = len(self.said)
        self.now_us += after_us
        self.conversation.turn()
        return self.said[before:]

    def load(self) -> list[wire.FromWorker]:
        while self.loader.waiting:
            self.loader.waiting.pop(0)()
        return self.turn()

    def _load(self, model: ServedModel) -> LoadedModel:
        if model.id == "broken":
            raise self.load_fails_with
        return LoadedModel(self.backend, 5, 7)


def welcome(*models: ServedModel, revision: int = 0, first: int = 0) -> wire.Welcome:
    indices = tuple(range(first, first + len(models)))
    return wire.Welcome(wire.CONTRACT_VERSION, "sc", 1, models, indices, revision)


def serving(*models: ServedModel) -> Worker:
    worker = Worker()
    worker.hear(welcome(*models))
    worker.load()
    return worker


def test_it_is_ready_once_its_models_are_loaded() -> None:
    worker = Worker()
    assert worker.said == [wire.Hello(wire.CONTRACT_VERSION, 0, "host", 1)]
    assert worker.hear(welcome(A)) == []
    assert worker.load() == [wire.Ready(0, (wire.Load("a", 5, 7),))]
    assert worker.ready == [["a"]]


def test_garbage_is_survived() -> None:
    worker = serving(A)
    for frames in ([], [b""], [b"garbage"], [wire.encode(wire.Leaving())], [b"\x00" * 9, b"x"]):
        worker.conversation.hear(frames)
    assert worker.hear(wire.RunBatch(0, 0, 1), INPUT) == [wire.BatchDone(0, worker.now_us, worker.now_us)]


def test_a_batch_that_comes_again_is_executed_once() -> None:
    worker = serving(A)
    assert len(worker.hear(wire.RunBatch(4, 0, 1), INPUT)) == 1
    assert worker.hear(wire.RunBatch(4, 0, 1), INPUT) == []


@pytest.mark.parametrize(
    ("batch", "frames", "words"),
    [
        (wire.RunBatch(1, 9, 1), (INPUT,), "model_index: must be one of 0, got 9"),
        (wire.RunBatch(1, 0, 2), (INPUT,), "expected 32 bytes, got 16"),
        (wire.RunBatch(1, 0, 1), (), "expected 1 tensor frames, got 0"),
    ],
)
def test_a_batch_that_cannot_be_executed_fails_alone(
    batch: wire.RunBatch, frames: tuple[bytes, ...], words: str
) -> None:
    worker = serving(A)
    (failed,) = worker.hear(batch, *frames)
    assert isinstance(failed, wire.BatchFailed)
    assert words in failed.error
    (done,) = worker.hear(wire.RunBatch(2, 0, 1), INPUT)
    assert isinstance(done, wire.BatchDone)


def test_a_worker_whose_gpu_is_lost_says_so_of_the_batch_and_ends() -> None:
    class Lost:
        def execute(self, inputs: Sequence[Any]) -> list[Any]:
            raise DeviceLost("the GPU cannot be used any more")

    worker = Worker()
    worker.backend = Lost()  # type: ignore[assignment]
    worker.hear(welcome(A))
    worker.load()
    with pytest.raises(WorkerFailed, match="cannot be used any more"):
        worker.hear(wire.RunBatch(1, 0, 1), INPUT)
    assert isinstance(worker.said[-1], wire.BatchFailed)


def test_it_serves_while_it_loads_the_next_plan() -> None:
    worker = serving(A)
    worker.hear(welcome(A, B, revision=1))
    (done,) = worker.hear(wire.RunBatch(0, 0, 1), INPUT)
    assert isinstance(done, wire.BatchDone)
    assert worker.load() == [wire.Ready(1, (wire.Load("b", 5, 7),))]  # a is held already
    (done,) = worker.hear(wire.RunBatch(1, 1, 1), INPUT)
    assert isinstance(done, wire.BatchDone)


def test_a_next_plan_that_cannot_be_loaded_leaves_the_present_one() -> None:
    worker = serving(A)
    worker.hear(welcome(A, BROKEN, revision=1))
    assert worker.load() == [wire.LoadFailed(1, "broken", "out of memory")]
    (done,) = worker.hear(wire.RunBatch(0, 0, 1), INPUT)
    assert isinstance(done, wire.BatchDone)


def test_a_first_plan_that_cannot_be_loaded_ends_the_worker() -> None:
    worker = Worker()
    worker.hear(welcome(BROKEN))
    with pytest.raises(WorkerFailed, match="broken: out of memory") as caught:
        worker.load()
    assert (caught.value.model, caught.value.may_pass) == ("broken", True)


def test_a_model_that_can_never_be_loaded_is_told_from_one_that_lacks_memory() -> None:
    worker = Worker()
    worker.load_fails_with = ModelUnfit("model broken: no file /gone")
    worker.hear(welcome(BROKEN))
    with pytest.raises(WorkerFailed, match=r"^model broken: no file /gone$") as caught:
        worker.load()
    assert (caught.value.model, caught.value.may_pass) == ("broken", False)


def test_an_older_plan_that_comes_late_is_ignored() -> None:
    worker = serving(A)
    worker.hear(welcome(A, B, revision=2))
    worker.hear(welcome(A, revision=1))
    assert [each.revision for each in worker.load() if isinstance(each, wire.Ready)] == [2]


def test_the_latest_of_plans_that_come_while_it_loads_is_loaded() -> None:
    worker = Worker()
    worker.hear(welcome(A))
    worker.hear(welcome(B, revision=1, first=1))
    worker.load()
    assert [each.revision for each in worker.load() if isinstance(each, wire.Ready)] == [1]


def test_what_a_ping_shows_to_be_lost_is_said_or_asked_again_now_and_then() -> None:
    worker = Worker()
    assert worker.hear(wire.Ping(0, -1)) == []  # the Welcome may still be on its way
    worker.now_us += ASK_AGAIN_US
    assert worker.hear(wire.Ping(0, -1)) == [wire.PlanWanted()]
    assert worker.hear(wire.Ping(0, -1)) == []
    worker.hear(welcome(A))
    worker.load()
    worker.now_us += ASK_AGAIN_US
    (again,) = worker.hear(wire.Ping(0, -1))
    assert isinstance(again, wire.Ready)
    worker.now_us += ASK_AGAIN_US
    assert worker.hear(wire.Ping(0, 0)) == []


def test_it_says_hello_anew_to_a_silent_dispatcher_and_keeps_its_models() -> None:
    worker = serving(A)
    said = worker.turn(int(wire.SILENCE_MAX_S * 1e6) + 1)
    assert isinstance(said[0], wire.Hello)
    assert worker.connections == 2
    worker.hear(welcome(A))
    assert worker.load() == [wire.Ready(0)]


def test_a_batch_longer_than_the_silence_does_not_make_it_forget_its_answer() -> None:
    worker = Worker()

    class Slow(Zeros):
        def execute(self, inputs: Sequence[Any]) -> list[Any]:
            worker.now_us += int(2e6 * wire.SILENCE_MAX_S)
            return super().execute(inputs)

    worker.backend = Slow()
    worker.hear(welcome(A))
    worker.load()
    (done,) = worker.hear(wire.RunBatch(0, 0, 1), INPUT)
    assert isinstance(done, wire.BatchDone)
    assert worker.turn() == []
    assert worker.connections == 1


def test_it_leaves_when_it_is_let_go_or_nobody_answers() -> None:
    worker = serving(A)
    worker.conversation.leave()
    assert worker.said[-1] == wire.Leaving()
    assert not worker.conversation.has_ended
    (done,) = worker.hear(wire.RunBatch(0, 0, 1), INPUT)
    assert isinstance(done, wire.BatchDone)
    worker.hear(wire.Goodbye())
    assert worker.conversation.has_ended
    for silent_us in (int(wire.SILENCE_MAX_S * 1e6) + 1, LEAVE_US_MAX + 1):
        other = serving(A)
        other.conversation.leave()
        other.turn(silent_us)
        assert other.conversation.has_ended
    alone = Worker()
    alone.conversation.leave()
    assert alone.conversation.has_ended


def test_a_refusal_ends_it() -> None:
    with pytest.raises(WorkerFailed, match="refuses this worker: full"):
        Worker().hear(wire.Refused("full"))
