from __future__ import annotations

import time

import numpy as np
import pytest

from dispatcher.backends.backend import BackendError, check_outputs, load_backend
from dispatcher.backends.emulated import wait_until
from dispatcher.contract.sub_cluster import ModelBackend, ServedModel, Tensor

MODEL = ServedModel(
    "m", 1_000, (0, 2_000, 3_000), outputs=(Tensor("a", "INT32", (2,)), Tensor("b", "BOOL", ()))
)


def test_a_batch_takes_no_less_than_its_curve_and_answers_in_shape() -> None:
    backend = load_backend(MODEL)
    started_ns = time.monotonic_ns()
    outputs = backend.execute([np.zeros((2, 4), dtype=np.float32)])
    assert time.monotonic_ns() - started_ns >= 3_000_000
    check_outputs(MODEL, outputs, 2)
    assert not any(output.any() for output in outputs)


def test_strings_come_back_and_others_are_empty() -> None:
    said, heard = Tensor("said", "BYTES", (1,)), Tensor("heard", "BYTES", (1,))
    model = ServedModel(
        "m",
        1_000,
        (0, 1, 1),
        inputs=(Tensor("x", "FP32", ()), said),
        outputs=(heard, Tensor("other", "BYTES", (2,)), Tensor("y", "FP32", ())),
    )
    strings = np.array([[b"a"], [b"\x00"]], dtype=object)
    outputs = load_backend(model).execute([np.zeros(2, dtype=np.float32), strings])
    assert [each.tolist() for each in outputs] == [strings.tolist(), [[b"", b""]] * 2, [0.0, 0.0]]
    check_outputs(model, outputs, 2)
    outputs[1][0, 1] = "text"
    with pytest.raises(BackendError, match="output other must be bytes throughout"):
        check_outputs(model, outputs, 2)


def test_a_batch_beyond_the_curve_is_an_error() -> None:
    with pytest.raises(BackendError, match="at most 2, got 3"):
        load_backend(MODEL).execute([np.zeros((3, 4), dtype=np.float32)])


def test_waiting_for_the_past_returns() -> None:
    wait_until(time.monotonic_ns() - 1)


def test_outputs_other_than_declared_are_an_error() -> None:
    good = [np.zeros((1, 2), dtype=np.int32), np.zeros((1,), dtype=np.bool_)]
    check_outputs(MODEL, good, 1)
    with pytest.raises(BackendError, match="declares 2 outputs, gave 1"):
        check_outputs(MODEL, good[:1], 1)
    with pytest.raises(BackendError, match=r"output a must be INT32 \[1, 2\], got int64"):
        check_outputs(MODEL, [good[0].astype(np.int64), good[1]], 1)


def test_an_unknown_backend_is_named() -> None:
    with pytest.raises(BackendError, match="'magic'"):
        load_backend(ServedModel("m", 1, (0, 1), backend=ModelBackend("magic")))
