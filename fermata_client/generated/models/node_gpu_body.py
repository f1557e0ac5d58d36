from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="NodeGpuBody")


@_attrs_define
class NodeGpuBody:
    """The worker process of a GPU; its memory is what its models took when they were loaded."""

    gpu: int
    device: str
    state: str
    pid: int | None
    starts: int
    memory_bytes: int | None
    models: list[str]
    fault: None | str | Unset = UNSET
    """ Why its worker last ended, a model that cannot be loaded; null once it serves. """

    def to_dict(self) -> dict[str, Any]:
        gpu = self.gpu

        device = self.device

        state = self.state

        pid: int | None
        pid = self.pid

        starts = self.starts

        memory_bytes: int | None
        memory_bytes = self.memory_bytes

        models = self.models

        fault: None | str | Unset
        if isinstance(self.fault, Unset):
            fault = UNSET
        else:
            fault = self.fault

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "gpu": gpu,
                "device": device,
                "state": state,
                "pid": pid,
                "starts": starts,
                "memory_bytes": memory_bytes,
                "models": models,
            }
        )
        if fault is not UNSET:
            field_dict["fault"] = fault

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        gpu = d.pop("gpu")

        device = d.pop("device")

        state = d.pop("state")

        def _parse_pid(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        pid = _parse_pid(d.pop("pid"))

        starts = d.pop("starts")

        def _parse_memory_bytes(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        memory_bytes = _parse_memory_bytes(d.pop("memory_bytes"))

        models = cast(list[str], d.pop("models"))

        def _parse_fault(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        fault = _parse_fault(d.pop("fault", UNSET))

        node_gpu_body = cls(
            gpu=gpu,
            device=device,
            state=state,
            pid=pid,
            starts=starts,
            memory_bytes=memory_bytes,
            models=models,
            fault=fault,
        )

        return node_gpu_body
