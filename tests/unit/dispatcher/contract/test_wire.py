from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.contract import wire
from dispatcher.contract.sub_cluster import ServedModel, Tensor

MODEL = ServedModel("m", 1_000, (0, 10), inputs=(Tensor("x", "FP32", (2, 3)), Tensor("y", "INT64", ())))


@pytest.mark.parametrize(
    "message",
    [
        wire.Hello(wire.CONTRACT_VERSION, 3, "host", 42),
        wire.Ready(3, (wire.Load("m", 5, 1_000), wire.Load("n", 6, None))),
        wire.LoadFailed(1, "m", "no file"),
        wire.BatchDone(7, 1, 2),
        wire.BatchFailed(7, 1, 2, "boom"),
        wire.Leaving(),
    ],
)
def test_a_worker_message_survives_the_wire(message: wire.FromWorker) -> None:
    assert wire.decode_from_worker(wire.encode(message)) == message


@pytest.mark.parametrize(
    "message",
    [
        wire.Welcome(wire.CONTRACT_VERSION, "sc", 1, (MODEL,)),
        wire.Refused("full"),
        wire.RunBatch(1, 0, 4),
        wire.Ping(2, -1),
        wire.HelloWanted(),
        wire.Goodbye(),
    ],
)
def test_a_dispatcher_message_survives_the_wire(message: wire.FromDispatcher) -> None:
    assert wire.decode_from_dispatcher(wire.encode(message)) == message


@given(st.binary(max_size=200))
def test_garbage_is_a_wire_error(frame: bytes) -> None:
    for decode in (wire.decode_from_worker, wire.decode_from_dispatcher):
        with pytest.raises(wire.WireError):
            decode(frame)


def test_a_control_frame_is_bounded() -> None:
    with pytest.raises(wire.WireError, match="at most"):
        wire.decode_from_worker(bytes(wire.CONTROL_BYTES_MAX + 1))


def test_frames_carry_the_arrays_of_a_batch() -> None:
    x = np.arange(24, dtype=np.float32).reshape(4, 2, 3)
    y = np.arange(4, dtype=np.int64)
    frames = [bytes(wire.frame(x)), bytes(wire.frame(y))]
    got_x, got_y = wire.tensors_from_frames(MODEL.inputs, frames, 4)
    np.testing.assert_array_equal(got_x, x)
    np.testing.assert_array_equal(got_y, y)


def test_a_transposed_array_is_sent_in_c_order() -> None:
    x = np.arange(12, dtype=np.float32).reshape(3, 2, 2).T
    assert bytes(wire.frame(x)) == x.tobytes()


def test_frames_that_do_not_fit_are_refused() -> None:
    with pytest.raises(wire.WireError, match="expected 2 tensor frames, got 1"):
        wire.tensors_from_frames(MODEL.inputs, [b""], 1)
    with pytest.raises(wire.WireError, match="tensor x: expected 24 bytes, got 23"):
        wire.tensors_from_frames(MODEL.inputs, [bytes(23), bytes(8)], 1)
