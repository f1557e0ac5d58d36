"""The native door and its client over real sockets; behind the door a service of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from typing import Any

import msgspec
import numpy as np
import pytest
import zmq

from dispatcher.contract import native
from dispatcher.contract.sub_cluster import ServedModel, Tenant, Tensor
from dispatcher.contract.wire import frame
from dispatcher.frontend.bulk_service import BulkListener, BulkRequests
from dispatcher.frontend.load_client import drive_over
from dispatcher.frontend.load_native import NativeTransport, native_targets
from dispatcher.frontend.load_target import TargetUnsuitable
from dispatcher.frontend.native_door import NativeDoor
from dispatcher.frontend.service import Reason
from dispatcher.native_client import NativeClient, NativeError

SUM = ServedModel(
    "sum",
    50_000,
    (0, 100),
    inputs=(Tensor("x", "FP32", (2,)), Tensor("flag", "BOOL", ())),
    outputs=(Tensor("y", "FP32", ()),),
)


class Summing:
    """Answers even rows with the sum of x at once, odd ones with ``refusal`` later, if there is one."""

    def __init__(self, refusal: Reason | None = None, tenants: tuple[Tenant, ...] = ()) -> None:
        self.models = (SUM,)
        self.tenants = tenants
        self.refusal = refusal
        self.frames: list[BulkRequests] = []
        self.invalid = 0
        self.withdrawn: list[BulkListener] = []

    def now_us(self) -> int:
        return 17

    def submit_bulk(self, requests: BulkRequests, arrived_us: int, listener: BulkListener) -> None:
        assert arrived_us == 17
        self.frames.append(requests)
        rows = np.arange(requests.rows)
        refused = rows % 2 == 1 if self.refusal is not None else np.zeros(len(rows), dtype=bool)
        listener.completed(rows[~refused], [requests.inputs[0][~refused].sum(axis=1)])
        if self.refusal is not None and refused.any():
            asyncio.get_running_loop().call_later(0.01, listener.refused, rows[refused], self.refusal)

    def withdraw_bulks(self, listeners: Collection[BulkListener]) -> None:
        self.withdrawn += listeners

    def note_invalid(self, model_index: int, count: int = 1) -> None:
        self.invalid += count


class Keeping(Summing):
    """Answers nothing by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.listeners: list[BulkListener] = []

    def submit_bulk(self, requests: BulkRequests, arrived_us: int, listener: BulkListener) -> None:
        self.listeners.append(listener)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 (a test may poll)
            await asyncio.sleep(0.005)


def at_door(service: Summing, ask: Callable[[str], Coroutine[Any, Any, Any]]) -> Any:
    async def run() -> Any:
        door = NativeDoor(service, "tcp://127.0.0.1:0", asyncio.get_running_loop())
        door.start()
        try:
            return await ask(door.endpoint)
        finally:
            door.close()

    return asyncio.run(run())


def inputs(rows: int) -> dict[str, Any]:
    x = np.arange(2 * rows, dtype=np.float32).reshape(rows, 2)
    return {"x": x, "flag": np.zeros(rows, dtype=bool)}


def test_many_requests_of_a_frame_are_answered_each_for_itself() -> None:
    service = Summing(Reason.GPUS_BUSY)

    async def ask(endpoint: str) -> None:
        async with NativeClient(endpoint) as client:
            assert client.models["sum"].slo_us == 50_000
            first, second = await asyncio.gather(
                client.infer("sum", inputs(5), timeout_us=7_000), client.infer("sum", inputs(2_000))
            )
            assert first.completed.tolist() == [True, False, True, False, True]
            assert first.outputs["y"].tolist() == [1.0, 0.0, 9.0, 0.0, 17.0]
            assert [first.reason(row) for row in range(3)] == [None, "gpus_busy", None]
            assert second.outputs["y"][second.completed].tolist() == [
                4.0 * row + 1 for row in range(0, 2_000, 2)
            ]

    at_door(service, ask)
    assert service.frames[0].timeout_us.tolist() == [7_000] * 5
    assert service.frames[0].tenant_index is None
    assert [each.rows for each in service.frames] == [5, 2_000]


def test_tenants_go_by_name() -> None:
    service = Summing(tenants=(Tenant("a"), Tenant("b")))

    async def ask(endpoint: str) -> None:
        async with NativeClient(endpoint) as client:
            await client.infer("sum", inputs(2), tenant="b")
            with pytest.raises(ValueError, match="tenant: must be one of a, b"):
                await client.infer("sum", inputs(1), tenant="c")

    at_door(service, ask)
    index = service.frames[0].tenant_index
    assert index is not None
    assert index.tolist() == [1, 1]


def test_a_door_goes_on_to_other_models_and_answers_what_it_took_before() -> None:
    class Later(Summing):
        taken: asyncio.Event

        def submit_bulk(self, requests: BulkRequests, arrived_us: int, listener: BulkListener) -> None:
            self.listener = listener
            self.taken.set()

    async def run() -> None:
        before = Later()
        before.taken = asyncio.Event()
        door = NativeDoor(before, "tcp://127.0.0.1:0", asyncio.get_running_loop())
        door.start()
        async with NativeClient(door.endpoint) as client:
            waiting = client.submit("sum", inputs(1))
            await before.taken.wait()
            after = Summing()
            after.models = (msgspec.structs.replace(SUM, id="next"),)
            door.serve(after)
            with pytest.raises(NativeError, match="model: unknown, got 'sum'"):
                await client.infer("sum", inputs(1))
            before.listener.completed(np.array([0]), [np.array([5.0], np.float32)])
            assert (await waiting).outputs["y"].tolist() == [5.0]
            async with NativeClient(door.endpoint) as another:
                assert (await another.infer("next", inputs(2))).completed.all()
        door.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"x": np.zeros((3, 2))}, "must hold flag"),
        ({"x": np.zeros((3, 3)), "flag": np.zeros(3)}, r"x: must have the shape \(rows, 2\), got \(3, 3\)"),
        ({"x": np.zeros((3, 2)), "flag": np.zeros(2)}, "flag: must have 3 rows, got 2"),
        ({"x": np.zeros((0, 2)), "flag": np.zeros(0)}, "1 to 16384 rows, got 0"),
        ({"x": np.zeros((3, 2)), "flag": np.zeros(3), "z": 1}, "got z"),
    ],
)
def test_inputs_that_do_not_fit_are_named_before_they_are_sent(given: dict[str, Any], words: str) -> None:
    async def ask(endpoint: str) -> None:
        async with NativeClient(endpoint) as client:
            with pytest.raises(ValueError, match=words):
                await client.infer("sum", given)
            with pytest.raises(ValueError, match="model: must be one of sum, got 'nope'"):
                await client.infer("nope", given)

    at_door(Summing(), ask)


RECORDS = np.zeros(2, dtype=native.REQUEST)
RECORDS["id"] = [40, 41]
X, FLAG = np.ones((2, 2), np.float32), np.zeros(2, dtype=bool)
NAN = np.array([[1, 2], [3, np.nan]], np.float32)
INFER = native.encode(native.Infer("sum"))


@pytest.mark.parametrize(
    ("frames", "words", "ids"),
    [
        ([b""], "must be a client's message", ()),
        ([b"\xff\x00garbage"], "must be a client's message", ()),
        ([b"x" * 100_000], "at most 65536 bytes", ()),
        ([native.encode(native.Describe(99))], "native_version: must be 1, got 99", ()),
        ([INFER], "must hold 1 to 16384 records of 16 bytes, got 0 bytes", ()),
        ([INFER, b"123"], "got 3 bytes", ()),
        ([native.encode(native.Infer("nope")), RECORDS, X, FLAG], "model: unknown, got 'nope'", (40, 41)),
        ([INFER, RECORDS, X], "expected 2 tensor frames, got 1", (40, 41)),
        ([INFER, RECORDS, X[:1], FLAG], "tensor x: expected 16 bytes, got 8", (40, 41)),
        ([INFER, RECORDS, NAN, FLAG], "tensor x: must hold finite FP32 numbers, not so in row 1", (40, 41)),
        ([INFER, RECORDS, X, b"\x00\x02"], "must hold bytes 0 or 1 for BOOL", (40, 41)),
    ],
)
def test_a_frame_at_fault_is_refused_whole_and_the_door_goes_on(
    frames: list[Any], words: str, ids: tuple[int, ...]
) -> None:
    service = Summing()

    async def ask(endpoint: str) -> native.NotTaken:
        with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
            socket.linger = 0
            socket.connect(endpoint)
            raw = [each if isinstance(each, bytes) else frame(each) for each in frames]
            socket.send_multipart(raw)
            (answer,) = await asyncio.to_thread(socket.recv_multipart)
        async with NativeClient(endpoint) as client:
            assert (await client.infer("sum", inputs(1))).completed.all()
        return msgspec.msgpack.decode(answer, type=native.NotTaken)

    answer = at_door(service, ask)
    assert words in answer.error
    assert answer.ids == ids
    assert service.invalid == (len(ids) if "nope" not in words else 0)
    assert len(service.frames) == 1


def test_a_tenant_that_is_not_there_refuses_its_frame() -> None:
    service = Summing(tenants=(Tenant("a"), Tenant("b")))

    async def ask(endpoint: str) -> None:
        async with NativeClient(endpoint) as client:
            client.tenants = ("a", "b", "ghost")
            with pytest.raises(NativeError, match=r"tenant: must lie in 0\.\.1, got 2 in row 0"):
                await client.infer("sum", inputs(3), tenant="ghost")

    at_door(service, ask)
    assert service.invalid == 3


def test_a_client_left_without_answers_says_so_and_nothing_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dispatcher.native_client.client.PATIENCE_S", 0.05)

    class Silent(Summing):
        def submit_bulk(self, requests: BulkRequests, arrived_us: int, listener: BulkListener) -> None:
            listener.completed(np.array([1]), [np.array([7.0], np.float32)])

    async def ask(endpoint: str) -> None:
        async with NativeClient(endpoint) as client:
            answered = await client.infer("sum", inputs(3))
            assert [answered.reason(row) for row in range(3)] == ["no_answer", None, "no_answer"]
            assert answered.outputs["y"].tolist() == [0.0, 7.0, 0.0]

    at_door(Silent(), ask)


def test_requests_of_a_client_that_vanished_are_withdrawn_and_those_of_others_are_not() -> None:
    service = Keeping()

    async def ask(endpoint: str) -> None:
        async with NativeClient(endpoint) as stays:
            waiting = stays.submit("sum", inputs(2))
            leaves = NativeClient(endpoint)
            await leaves.open()
            for _ in range(2):
                leaves.submit("sum", inputs(3))
            await until(lambda: len(service.listeners) == 3)
            await asyncio.sleep(0.05)  # asked after several times, both are there
            assert not service.withdrawn
            leaves.close()
            await until(lambda: bool(service.withdrawn))
            first, *others = service.listeners
            assert sorted(map(id, service.withdrawn)) == sorted(map(id, others))
            assert not others[0].completed(np.array([0]), [np.zeros(1, np.float32)])
            assert first.completed(np.arange(2), [np.array([5, 6], np.float32)])
            assert (await waiting).outputs["y"].tolist() == [5.0, 6.0]

    at_door(service, ask)
    assert len(service.withdrawn) == 2


def test_an_answer_that_cannot_be_routed_withdraws_what_its_client_still_waits_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dispatcher.frontend.native_door.PROBE_INTERVAL_S", 3_600.0)
    service = Keeping()

    async def ask(endpoint: str) -> None:
        client = NativeClient(endpoint)
        await client.open()
        client.submit("sum", inputs(5_000))
        await until(lambda: bool(service.listeners))
        client.close()
        (listener,) = service.listeners
        rows = iter(range(5_000))
        await until(lambda: not listener.refused(np.array([next(rows)]), Reason.GPUS_BUSY))
        await until(lambda: service.withdrawn == [listener])

    at_door(service, ask)


def test_nobody_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dispatcher.native_client.client.OPEN_S_MAX", 0.1)
    with pytest.raises(TargetUnsuitable, match="no dispatcher answers"):
        asyncio.run(native_targets("tcp://127.0.0.1:1", []))


def test_the_load_client_counts_what_the_door_answers() -> None:
    service = Summing(Reason.QUEUE_FULL)

    async def ask(endpoint: str) -> Any:
        targets = await native_targets(endpoint, ["sum"])
        with pytest.raises(TargetUnsuitable, match="serves sum"):
            await native_targets(endpoint, ["nope"])
        transport = NativeTransport(endpoint, targets, np.random.default_rng(1), timeout_us=9_000)
        due = [(0.05 * burst, "sum") for burst in range(4) for _ in range(10)]
        return await drive_over(transport, due, {"sum": 60_000.0})

    result = at_door(service, ask)
    assert (result.sent, result.ok, result.reasons) == (40, 20, {"queue_full": 20})
    assert sum(each.rows for each in service.frames) == 40
    assert len(service.frames) < 40
    assert service.frames[0].timeout_us[0] == 9_000
