from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.node_dispatcher_body import NodeDispatcherBody
    from ..models.node_gpu_body import NodeGpuBody


T = TypeVar("T", bound="NodeSubClusterBody")


@_attrs_define
class NodeSubClusterBody:
    """A node's part of one sub-cluster."""

    id: str
    plan_version: int | None
    fault: None | str
    dispatcher: NodeDispatcherBody | None
    gpus: list[NodeGpuBody]
    waits_for: list[str] | Unset = UNSET
    """ Sub-clusters that are to serve the plan before it lets go. """
    activation_id: int | None | Unset = UNSET
    """ The activation whose wave it holds. """
    wave: int | None | Unset = UNSET
    """ The last wave that it has applied; null where there was none. """

    def to_dict(self) -> dict[str, Any]:
        from ..models.node_dispatcher_body import NodeDispatcherBody  # noqa: PLC0415

        id = self.id

        plan_version: int | None
        plan_version = self.plan_version

        fault: None | str
        fault = self.fault

        dispatcher: dict[str, Any] | None
        if isinstance(self.dispatcher, NodeDispatcherBody):
            dispatcher = self.dispatcher.to_dict()
        else:
            dispatcher = self.dispatcher

        gpus = []
        for gpus_item_data in self.gpus:
            gpus_item = gpus_item_data.to_dict()
            gpus.append(gpus_item)

        waits_for: list[str] | Unset = UNSET
        if not isinstance(self.waits_for, Unset):
            waits_for = self.waits_for

        activation_id: int | None | Unset
        if isinstance(self.activation_id, Unset):
            activation_id = UNSET
        else:
            activation_id = self.activation_id

        wave: int | None | Unset
        if isinstance(self.wave, Unset):
            wave = UNSET
        else:
            wave = self.wave

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "id": id,
                "plan_version": plan_version,
                "fault": fault,
                "dispatcher": dispatcher,
                "gpus": gpus,
            }
        )
        if waits_for is not UNSET:
            field_dict["waits_for"] = waits_for
        if activation_id is not UNSET:
            field_dict["activation_id"] = activation_id
        if wave is not UNSET:
            field_dict["wave"] = wave

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.node_dispatcher_body import NodeDispatcherBody  # noqa: PLC0415
        from ..models.node_gpu_body import NodeGpuBody  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        def _parse_plan_version(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        plan_version = _parse_plan_version(d.pop("plan_version"))

        def _parse_fault(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        fault = _parse_fault(d.pop("fault"))

        def _parse_dispatcher(data: object) -> NodeDispatcherBody | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                dispatcher_type_0 = NodeDispatcherBody.from_dict(data)

                return dispatcher_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(NodeDispatcherBody | None, data)

        dispatcher = _parse_dispatcher(d.pop("dispatcher"))

        gpus = []
        _gpus = d.pop("gpus")
        for gpus_item_data in _gpus:
            gpus_item = NodeGpuBody.from_dict(gpus_item_data)

            gpus.append(gpus_item)

        waits_for = cast(list[str], d.pop("waits_for", UNSET))

        def _parse_activation_id(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        activation_id = _parse_activation_id(d.pop("activation_id", UNSET))

        def _parse_wave(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        wave = _parse_wave(d.pop("wave", UNSET))

        node_sub_cluster_body = cls(
            id=id,
            plan_version=plan_version,
            fault=fault,
            dispatcher=dispatcher,
            gpus=gpus,
            waits_for=waits_for,
            activation_id=activation_id,
            wave=wave,
        )

        return node_sub_cluster_body
