from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.backend_out import BackendOut
    from ..models.tensor_out import TensorOut


T = TypeVar("T", bound="ServedModelOut")


@_attrs_define
class ServedModelOut:
    """One model: `latency_us[b]` is the time of a batch of b."""

    id: str
    slo_us: int
    latency_us: list[int]
    inputs: list[TensorOut]
    outputs: list[TensorOut]
    backend: BackendOut
    queue_max: int
    weights_gib: float
    """ On each GPU, as the profile has it. """
    workspace_gib_per_item: float
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        slo_us = self.slo_us

        latency_us = self.latency_us

        inputs = []
        for inputs_item_data in self.inputs:
            inputs_item = inputs_item_data.to_dict()
            inputs.append(inputs_item)

        outputs = []
        for outputs_item_data in self.outputs:
            outputs_item = outputs_item_data.to_dict()
            outputs.append(outputs_item)

        backend = self.backend.to_dict()

        queue_max = self.queue_max

        weights_gib = self.weights_gib

        workspace_gib_per_item = self.workspace_gib_per_item

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "slo_us": slo_us,
                "latency_us": latency_us,
                "inputs": inputs,
                "outputs": outputs,
                "backend": backend,
                "queue_max": queue_max,
                "weights_gib": weights_gib,
                "workspace_gib_per_item": workspace_gib_per_item,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.backend_out import BackendOut  # noqa: PLC0415
        from ..models.tensor_out import TensorOut  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        slo_us = d.pop("slo_us")

        latency_us = cast(list[int], d.pop("latency_us"))

        inputs = []
        _inputs = d.pop("inputs")
        for inputs_item_data in _inputs:
            inputs_item = TensorOut.from_dict(inputs_item_data)

            inputs.append(inputs_item)

        outputs = []
        _outputs = d.pop("outputs")
        for outputs_item_data in _outputs:
            outputs_item = TensorOut.from_dict(outputs_item_data)

            outputs.append(outputs_item)

        backend = BackendOut.from_dict(d.pop("backend"))

        queue_max = d.pop("queue_max")

        weights_gib = d.pop("weights_gib")

        workspace_gib_per_item = d.pop("workspace_gib_per_item")

        served_model_out = cls(
            id=id,
            slo_us=slo_us,
            latency_us=latency_us,
            inputs=inputs,
            outputs=outputs,
            backend=backend,
            queue_max=queue_max,
            weights_gib=weights_gib,
            workspace_gib_per_item=workspace_gib_per_item,
        )

        served_model_out.additional_properties = d
        return served_model_out

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
