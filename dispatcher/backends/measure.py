"""
Measuring a real ONNX model on this machine's CPU: a latency for each batch size, then a profile.

Batch sizes are run in turn, round after round, so that whatever else the machine does meanwhile falls
on all of them alike. Of the repeats of one batch size the median is kept (or the 95th percentile, to
plan with the slow runs). Where noise makes a larger batch look faster than a smaller one, neighbours
that disagree share their mean (``profiles.fit.monotone``): the curve never falls.
"""

from __future__ import annotations

import platform
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from dispatcher.backends.backend import BackendError
from profiles.faults import Fault, InputInvalid
from profiles.fit import MAPE_MAX, CurveFit, fit_curve, monotone
from profiles.memory import GIB, Precision, load_time_s
from profiles.profile import Profile, Provenance, ProvenanceKind

BATCH_SIZE_LIMIT = 65_536
REPEATS_MAX = 100_000
LOG_FATAL_ONLY = 4
INPUT_SEED = 7  # inputs are random numbers, the same in every measurement


class Statistic(StrEnum):
    """Which of the repeats of one batch size stands for it."""

    MEDIAN = "median"
    P95 = "p95"


@dataclass(frozen=True, slots=True)
class MeasuredBatch:
    """What one batch size took, in microseconds, over all repeats."""

    batch_size: int
    median_us: float
    p95_us: float
    repeats: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """
    One model measured on one machine.

    ``workspace_gib_per_item`` counts every intermediate tensor whose shape can be inferred, at batch
    size 1: an upper estimate, since the runtime reuses buffers.
    """

    model: str
    batches: tuple[MeasuredBatch, ...]
    weights_gib: float
    workspace_gib_per_item: float
    measured_on: str
    engine: str
    measured_at: str
    precision: Precision
    threads: int
    gpu_type: str = "cpu"

    def points_us(self, statistic: Statistic = Statistic.MEDIAN) -> tuple[tuple[int, float], ...]:
        """(batch size, microseconds) as measured."""
        return tuple(
            (b.batch_size, b.median_us if statistic is Statistic.MEDIAN else b.p95_us) for b in self.batches
        )

    def curve_fit(self, statistic: Statistic = Statistic.MEDIAN, *, mape_max: float = MAPE_MAX) -> CurveFit:
        """
        The affine curve where it describes the points within ``mape_max``, else their table.

        The points are made monotone first; the error is against the points as measured.
        """
        points = self.points_us(statistic)
        repaired = monotone(np.array([us for _, us in points], dtype=np.float64))
        even = [(b, round(float(us), 3)) for (b, _), us in zip(points, repaired, strict=True)]
        curve = fit_curve(even, mape_max=mape_max).curve
        errors = [abs(curve.latency_us(b) / us - 1) for b, us in points]
        return CurveFit(curve, sum(errors) / len(errors))

    def profile(self, gpu_type: str | None = None, statistic: Statistic = Statistic.MEDIAN) -> Profile:
        """
        The measurement as a profile on ``gpu_type``, else on what it was measured on.

        The largest batch is the largest one measured.
        """
        fitted = self.curve_fit(statistic)
        return Profile(
            model=self.model,
            gpu_type=gpu_type or self.gpu_type,
            curve=fitted.curve,
            weights_gib=self.weights_gib,
            workspace_gib_per_item=self.workspace_gib_per_item,
            batch_size_max=self.batches[-1].batch_size,
            load_time_s=load_time_s(self.weights_gib),
            mape=fitted.mape,
            points=self.points_us(statistic),
            provenance=Provenance(
                kind=ProvenanceKind.MEASURED,
                source=f"fermata profile measure, {statistic.value} of {self.batches[-1].repeats} repeats",
                revision=self.measured_at,
                licence="",
                measured_on=self.measured_on,
                engine=self.engine,
                precision=self.precision,
            ),
        )


def measure_onnx(
    path: Path | str, batch_sizes: Sequence[int], *, repeats: int = 20, warmup: int = 3, threads: int = 1
) -> Measurement:
    """
    Run the model at every batch size and say what it took.

    Parameters
    ----------
    batch_sizes
        Each at least 1; repeated ones count once.
    repeats, warmup
        Timed runs of each batch size, and runs before them that are not timed.
    threads
        Intra-op threads of ONNX Runtime.

    Raises
    ------
    InputInvalid
        For a batch size, count or thread number out of range.
    BackendError
        When the file is no model that ONNX Runtime can run at these batch sizes.
    """
    check_settings(batch_sizes, repeats, warmup, threads)
    sizes = sorted(set(batch_sizes))
    model = _load(path)
    session = _session(path, threads)
    feeds = {size: _random_inputs(session, size) for size in sizes}
    return Measurement(
        model=Path(path).stem,
        batches=measured(sizes, lambda size: _run(session, feeds[size], size), repeats, max(warmup, 1)),
        weights_gib=_weights_bytes(model) / GIB,
        workspace_gib_per_item=_workspace_bytes(model) / GIB,
        measured_on=cpu_name(),
        engine=f"ONNX Runtime {onnxruntime.__version__}, CPU, {threads} thread(s)",
        measured_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        precision=_precision(model),
        threads=threads,
    )


def cpu_name() -> str:
    """The processor's name as the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(encoding="utf-8"), re.MULTILINE)
        if found:
            return " ".join(found.group(1).split())
    return platform.processor() or platform.machine()


def measured(
    sizes: Sequence[int], run: Callable[[int], float], repeats: int, warmup: int
) -> tuple[MeasuredBatch, ...]:
    """``run`` gives the microseconds of one run; every size is warmed up, then all are run in turn."""
    samples: dict[int, list[float]] = {size: [] for size in sizes}
    for size in sizes:
        for _ in range(warmup):
            run(size)
    for _ in range(repeats):
        for size in sizes:
            samples[size].append(run(size))
    return tuple(_summary(size, samples[size]) for size in sizes)


def check_settings(batch_sizes: Sequence[int], repeats: int, warmup: int, threads: int) -> None:
    """Raises ``InputInvalid`` with every batch size, count or number that is out of range."""
    faults = [
        Fault(f"batch_sizes[{i}]", repr(size), f"must be a whole number from 1 to {BATCH_SIZE_LIMIT}")
        for i, size in enumerate(batch_sizes)
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= BATCH_SIZE_LIMIT
    ]
    if not batch_sizes:
        faults.append(Fault("batch_sizes", "[]", "must name at least one batch size"))
    for name, value, least in (("repeats", repeats, 1), ("warmup", warmup, 0), ("threads", threads, 1)):
        if not least <= value <= REPEATS_MAX:
            faults.append(Fault(name, repr(value), f"must be from {least} to {REPEATS_MAX}"))
    if faults:
        raise InputInvalid("measurement", faults)


def _load(path: Path | str) -> onnx.ModelProto:
    if not Path(path).is_file():
        raise BackendError(f"no file {path}")
    try:
        return onnx.load(str(path))
    except Exception as error:
        raise BackendError(f"{path} is no ONNX model: {error}") from error


def _session(path: Path | str, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = LOG_FATAL_ONLY
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise BackendError(f"ONNX Runtime cannot load {path}: {error}") from error


NUMPY_BY_ONNX = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
}


def _random_inputs(session: Any, batch_size: int) -> dict[str, NDArray[Any]]:
    """Random numbers for real inputs, zeros for whole ones (an index that every table has)."""
    random = np.random.default_rng(INPUT_SEED)
    feeds: dict[str, NDArray[Any]] = {}
    for tensor in session.get_inputs():
        dtype = NUMPY_BY_ONNX.get(tensor.type)
        if dtype is None:
            raise BackendError(f"input {tensor.name} is of type {tensor.type}, which cannot be measured")
        inner = tensor.shape[1:]
        batch_is_free = tensor.shape and not isinstance(tensor.shape[0], int)
        if not batch_is_free or not all(isinstance(n, int) for n in inner):
            raise BackendError(
                f"input {tensor.name} has shape {tensor.shape};"
                " its first dimension, and no other, must be free"
            )
        shape = (batch_size, *inner)
        is_real = np.issubdtype(dtype, np.floating)
        feeds[tensor.name] = (
            random.standard_normal(shape).astype(dtype) if is_real else np.zeros(shape, dtype=dtype)
        )
    return feeds


def _run(session: Any, feeds: dict[str, NDArray[Any]], batch_size: int) -> float:
    """Microseconds of one run."""
    started_ns = time.perf_counter_ns()
    try:
        session.run(None, feeds)
    except Exception as error:
        raise BackendError(f"the model fails on a batch of {batch_size}: {error}") from error
    return (time.perf_counter_ns() - started_ns) / 1_000


def _summary(batch_size: int, samples_us: list[float]) -> MeasuredBatch:
    median, p95 = np.percentile(samples_us, [50, 95])
    return MeasuredBatch(batch_size, round(float(median), 3), round(float(p95), 3), len(samples_us))


def _weights_bytes(model: onnx.ModelProto) -> int:
    return sum(
        int(np.prod(tensor.dims)) * onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
        for tensor in model.graph.initializer
    )


def _precision(model: onnx.ModelProto) -> Precision:
    """The number format that most of the weights' bytes are in."""
    known = {np.dtype(np.float16): Precision.FP16, np.dtype(np.int8): Precision.INT8}
    held: Counter[Precision] = Counter()
    for tensor in model.graph.initializer:
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
        held[known.get(dtype, Precision.FP32)] += int(np.prod(tensor.dims)) * dtype.itemsize
    return max(held, key=lambda precision: held[precision], default=Precision.FP32)


def _workspace_bytes(model: onnx.ModelProto) -> int:
    """Bytes of all inputs, outputs and intermediates of one request whose shape can be inferred."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    weights = {tensor.name for tensor in graph.initializer}
    total = 0
    for value in (*graph.input, *graph.value_info, *graph.output):
        tensor = value.type.tensor_type
        inner = [dim.dim_value for dim in tensor.shape.dim[1:]]
        if value.name not in weights and all(n > 0 for n in inner):
            itemsize = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).itemsize
            total += int(np.prod(inner, dtype=np.int64)) * itemsize
    return total
