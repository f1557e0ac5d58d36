"""
Measuring a PyTorch network: on the first visible GPU, else on the CPU; in the manner of ``measure``.

An exported program says itself what its inputs are. TorchScript does not, and is told.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dispatcher.backends.backend import BackendError
from dispatcher.backends.measure import INPUT_SEED, Measurement, check_settings, cpu_name, measured
from dispatcher.backends.torch_file import (
    TYPE_BY_DATATYPE,
    FileInput,
    Network,
    check_inputs,
    load_network,
    reason_of,
)
from dispatcher.backends.torch_model import import_torch
from dispatcher.contract.sub_cluster import Tensor
from profiles.memory import GIB, Precision

PRECISIONS = {"float16": Precision.FP16, "bfloat16": Precision.FP16, "int8": Precision.INT8}


def measure_torch(
    path: Path | str,
    batch_sizes: Sequence[int],
    *,
    inputs: Sequence[Tensor] = (),
    repeats: int = 20,
    warmup: int = 3,
    threads: int = 1,
) -> Measurement:
    """
    Run the network at every batch size and say what it took.

    Parameters
    ----------
    batch_sizes
        Each at least 1; repeated ones count once.
    inputs
        What the network takes, without the batch dimension; may be left out where the file says it.
    repeats, warmup
        Timed runs of each batch size, and runs before them that are not timed.
    threads
        Threads that one operator may use on the CPU.

    Raises
    ------
    InputInvalid
        For a batch size, count or thread number out of range.
    BackendError
        When PyTorch is not there, or the file is no network that runs at these batch sizes.
    """
    check_settings(batch_sizes, repeats, warmup, threads)
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler would tell of its start and its end
    torch, path, sizes = import_torch(), Path(path), sorted(set(batch_sizes))
    torch.set_num_threads(threads)
    on_gpu = torch.cuda.is_available()
    device = torch.device("cuda", torch.cuda.current_device()) if on_gpu else torch.device("cpu")
    network = load_network(torch, path, device)
    if inputs:
        check_inputs(torch, path, network, inputs)
    shapes = _shapes(path, network, inputs)
    feeds = {size: _feed(torch, shapes, size) for size in sizes}

    def run(size: int) -> float:
        return _run_us(torch, device, network, feeds[size], size)

    processor = "CUDA" if on_gpu else f"CPU, {threads} thread(s)"
    batches = measured(sizes, run, repeats, max(warmup, network.runs_to_warm))
    weights = {each.data_ptr(): each for each in network.weights if isinstance(each, torch.Tensor)}
    return Measurement(
        model=path.stem,
        batches=batches,
        weights_gib=sum(each.nbytes for each in weights.values()) / GIB,
        workspace_gib_per_item=_workspace_bytes(torch, device, network, feeds) / GIB,
        measured_on=torch.cuda.get_device_name() if on_gpu else cpu_name(),
        engine=f"PyTorch {torch.__version__}, {network.form}, {processor}",
        measured_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        precision=_precision(weights.values()),
        threads=threads,
        gpu_type="-".join(torch.cuda.get_device_name().split()) if on_gpu else "cpu",
    )


def _shapes(path: Path, network: Network, given: Sequence[Tensor]) -> list[FileInput]:
    """Each input with type and shape, from the file and, where it does not say, from ``given``."""
    told = {tensor.name: tensor for tensor in given}
    whole = []
    for each in network.inputs:
        if each.may_lack and each.name not in told:
            continue
        if each.name in told:
            tensor = told[each.name]
            each = FileInput(each.name, each.type or TYPE_BY_DATATYPE[tensor.datatype], (None, *tensor.shape))
        if each.type is None or not each.shape or None in each.shape[1:]:
            example = f"{each.name}:FP32:3,224,224"
            raise BackendError(f"{path}: datatype and shape of its input must be told, as in {example}")
        whole.append(each)
    return whole


def _feed(torch: Any, inputs: Sequence[FileInput], size: int) -> dict[str, Any]:
    """Random numbers for real inputs, zeros for whole ones (an index that every table has)."""
    drawn = torch.Generator().manual_seed(INPUT_SEED)
    feed = {}
    for each in inputs:
        shape, dtype = (size, *(each.shape or ())[1:]), getattr(torch, each.type or "float32")
        filled = torch.randn(shape, generator=drawn) if dtype.is_floating_point else torch.zeros(shape)
        feed[each.name] = filled.to(dtype)
    return feed


def _run_us(torch: Any, device: Any, network: Network, feed: dict[str, Any], size: int) -> float:
    """What a worker does with a batch, from the copy to the device to the answer that is back."""
    started_ns = time.perf_counter_ns()
    try:
        with torch.inference_mode():
            _answer(torch, device, network, feed)
    except Exception as error:
        raise BackendError(f"the network fails on a batch of {size}: {reason_of(error)}") from error
    return (time.perf_counter_ns() - started_ns) / 1_000


def _answer(torch: Any, device: Any, network: Network, feed: dict[str, Any]) -> None:
    on_gpu = device.type != "cpu"
    tensors = {}
    for name, tensor in feed.items():
        staged = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=on_gpu).copy_(tensor)
        tensors[name] = staged.to(device, non_blocking=True)
    found = network.call(tensors)
    outputs = found.values() if isinstance(found, Mapping) else found
    kept = [each.to("cpu", non_blocking=True) for each in ([found] if torch.is_tensor(found) else outputs)]
    if on_gpu and kept:
        torch.cuda.current_stream().synchronize()


def _workspace_bytes(torch: Any, device: Any, network: Network, feeds: dict[int, dict[str, Any]]) -> float:
    """
    Bytes of one request beyond the weights.

    On a GPU the peak of the largest batch, per request. On the CPU all that one batch of the smallest size
    allocates, per request: an upper estimate, since memory is used again within a run.
    """
    size = min(feeds) if device.type == "cpu" else max(feeds)
    with torch.inference_mode():
        if device.type != "cpu":
            before = torch.cuda.memory_allocated()
            torch.cuda.reset_peak_memory_stats()
            _answer(torch, device, network, feeds[size])
            return float(torch.cuda.max_memory_allocated() - before) / size
        kinds = [torch.profiler.ProfilerActivity.CPU]
        with torch.profiler.profile(activities=kinds, profile_memory=True) as profile:
            _answer(torch, device, network, feeds[size])
    return float(sum(max(0, event.self_cpu_memory_usage) for event in profile.events())) / size


def _precision(weights: Any) -> Precision:
    """The number format that most of the weights' bytes are in; bfloat16 takes two bytes, as FP16 does."""
    held: Counter[Precision] = Counter()
    for each in weights:
        held[PRECISIONS.get(str(each.dtype).removeprefix("torch."), Precision.FP32)] += each.nbytes
    return max(held, key=lambda precision: held[precision], default=Precision.FP32)
