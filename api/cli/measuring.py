"""``fermata profile measure``: which kind of file is measured, and what is told of its inputs."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from api.cli.output import ExitCode, fail

if TYPE_CHECKING:
    from dispatcher.backends.measure import Measurement
    from dispatcher.contract.sub_cluster import Tensor


HINT = (
    "the model must be an ONNX or PyTorch file that runs here at every batch size asked;"
    " --input tells what TorchScript takes"
)


def measure_file(
    path: Path, sizes: Sequence[int], tensors: Sequence[str], *, repeats: int, warmup: int, threads: int
) -> Measurement:
    """
    PyTorch writes archives, ONNX does not.

    A file that cannot be measured ends the command. Raises ``InputInvalid``.
    """
    from dispatcher.backends.backend import BackendError

    inputs = [_tensor(text) for text in tensors]
    counts = {"repeats": repeats, "warmup": warmup, "threads": threads}
    try:
        if zipfile.is_zipfile(path):
            from dispatcher.backends.measure_torch import measure_torch

            return measure_torch(path, sizes, inputs=inputs, **counts)
        from dispatcher.backends.measure import measure_onnx

        if tensors:
            fail(f"--input: an ONNX file says what it takes, got {tensors[0]!r}", code=ExitCode.BAD_INPUT)
        return measure_onnx(path, sizes, **counts)
    except BackendError as error:
        fail(str(error), hint=HINT, code=ExitCode.BAD_INPUT)


def _tensor(text: str) -> Tensor:
    from dispatcher.backends.torch_file import TYPE_BY_DATATYPE
    from dispatcher.contract.sub_cluster import Tensor

    name, *rest = text.split(":")
    datatype, shape = rest if len(rest) == 2 else ("", "")
    extents = [part.strip() for part in shape.split(",") if part.strip()]
    whole = all(part.isascii() and part.isdigit() and 0 < len(part) < 10 and int(part) for part in extents)
    if not name or datatype not in TYPE_BY_DATATYPE or not whole:
        fail(
            f"--input: must be NAME:DATATYPE:SHAPE without the batch, got {text!r}",
            hint=f"as in image:FP32:3,224,224; datatypes are {', '.join(TYPE_BY_DATATYPE)}",
            code=ExitCode.BAD_INPUT,
        )
    return Tensor(name, datatype, tuple(int(part) for part in extents))
