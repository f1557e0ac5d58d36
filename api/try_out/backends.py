"""What really computes in a try-out: the back end of a model, its tensors, and the devices of the workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dispatcher.contract.reading import read_struct
from dispatcher.contract.sub_cluster import ModelBackend, ServedModel, Tensor
from dispatcher.contract.sub_cluster_file import model_faults
from dispatcher.simulation.reader import Reader

BACKEND_FIELDS = ("backend", "inputs", "outputs")


def read_tensors_and_backend(reader: Reader, path: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of ``BACKEND_FIELDS`` that are given, as ``ServedModel`` takes them."""
    found: dict[str, Any] = {}
    if "backend" in given:
        backend = read_struct(given["backend"], ModelBackend, f"{path}.backend", reader.faults)
        found["backend"] = backend or ModelBackend()
    for side in ("inputs", "outputs"):
        if side in given:
            read = [
                read_struct(item, Tensor, each, reader.faults)
                for each, item in reader.items(f"{path}.{side}", given[side])
            ]
            found[side] = tuple(tensor for tensor in read if tensor is not None)
    if found.get("backend", ModelBackend()).kind != "emulated":
        for side in ("inputs", "outputs"):
            if side not in given:
                reader.refuse(f"{path}.{side}", None, "is required where the backend is not emulated")
    return found


def check_served(reader: Reader, path: str, model: ServedModel) -> None:
    """What the sub-cluster's file would refuse is refused here, at the try-out file's own place."""
    for fault in model_faults(model, path):
        reader.faults.append(fault)


def read_devices(reader: Reader, value: object, gpus: int) -> tuple[str, ...]:
    """One device a worker, as in ``CUDA_VISIBLE_DEVICES``."""
    devices = tuple(reader.text(path, item) for path, item in reader.items("devices", value))
    if len(set(devices)) < len(devices):
        reader.refuse("devices", list(devices), "must name each device once")
    elif len(devices) != gpus:
        reader.refuse("devices", list(devices), f"must be as many as gpus, {gpus}")
    return devices
