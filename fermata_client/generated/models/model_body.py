from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.backend_body import BackendBody
    from ..models.model_profile_body import ModelProfileBody
    from ..models.tensor_body import TensorBody


T = TypeVar("T", bound="ModelBody")


@_attrs_define
class ModelBody:
    """A served network: its promise, how it is served, and what it costs on GPU types."""

    id: str
    """ Letters, digits and any of . _ + : @ - """
    slo_ms: float
    """ The answer is due this long after the request, in ms. """
    priority: int | Unset = 1
    """ 1 is most important; larger go unserved first. """
    inputs: list[TensorBody] | None | Unset = UNSET
    outputs: list[TensorBody] | None | Unset = UNSET
    backend: BackendBody | None | Unset = UNSET
    profiles: list[ModelProfileBody] | None | Unset = UNSET
    """ Created or replaced along with the model; profiles that are not listed stay. """

    def to_dict(self) -> dict[str, Any]:
        from ..models.backend_body import BackendBody  # noqa: PLC0415

        id = self.id

        slo_ms = self.slo_ms

        priority = self.priority

        inputs: list[dict[str, Any]] | None | Unset
        if isinstance(self.inputs, Unset):
            inputs = UNSET
        elif isinstance(self.inputs, list):
            inputs = []
            for inputs_type_0_item_data in self.inputs:
                inputs_type_0_item = inputs_type_0_item_data.to_dict()
                inputs.append(inputs_type_0_item)

        else:
            inputs = self.inputs

        outputs: list[dict[str, Any]] | None | Unset
        if isinstance(self.outputs, Unset):
            outputs = UNSET
        elif isinstance(self.outputs, list):
            outputs = []
            for outputs_type_0_item_data in self.outputs:
                outputs_type_0_item = outputs_type_0_item_data.to_dict()
                outputs.append(outputs_type_0_item)

        else:
            outputs = self.outputs

        backend: dict[str, Any] | None | Unset
        if isinstance(self.backend, Unset):
            backend = UNSET
        elif isinstance(self.backend, BackendBody):
            backend = self.backend.to_dict()
        else:
            backend = self.backend

        profiles: list[dict[str, Any]] | None | Unset
        if isinstance(self.profiles, Unset):
            profiles = UNSET
        elif isinstance(self.profiles, list):
            profiles = []
            for profiles_type_0_item_data in self.profiles:
                profiles_type_0_item = profiles_type_0_item_data.to_dict()
                profiles.append(profiles_type_0_item)

        else:
            profiles = self.profiles

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "id": id,
                "slo_ms": slo_ms,
            }
        )
        if priority is not UNSET:
            field_dict["priority"] = priority
        if inputs is not UNSET:
            field_dict["inputs"] = inputs
        if outputs is not UNSET:
            field_dict["outputs"] = outputs
        if backend is not UNSET:
            field_dict["backend"] = backend
        if profiles is not UNSET:
            field_dict["profiles"] = profiles

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.backend_body import BackendBody  # noqa: PLC0415
        from ..models.model_profile_body import ModelProfileBody  # noqa: PLC0415
        from ..models.tensor_body import TensorBody  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        slo_ms = d.pop("slo_ms")

        priority = d.pop("priority", UNSET)

        def _parse_inputs(data: object) -> list[TensorBody] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                inputs_type_0 = []
                _inputs_type_0 = data
                for inputs_type_0_item_data in _inputs_type_0:
                    inputs_type_0_item = TensorBody.from_dict(inputs_type_0_item_data)

                    inputs_type_0.append(inputs_type_0_item)

                return inputs_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[TensorBody] | None | Unset, data)

        inputs = _parse_inputs(d.pop("inputs", UNSET))

        def _parse_outputs(data: object) -> list[TensorBody] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                outputs_type_0 = []
                _outputs_type_0 = data
                for outputs_type_0_item_data in _outputs_type_0:
                    outputs_type_0_item = TensorBody.from_dict(outputs_type_0_item_data)

                    outputs_type_0.append(outputs_type_0_item)

                return outputs_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[TensorBody] | None | Unset, data)

        outputs = _parse_outputs(d.pop("outputs", UNSET))

        def _parse_backend(data: object) -> BackendBody | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                backend_type_0 = BackendBody.from_dict(data)

                return backend_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(BackendBody | None | Unset, data)

        backend = _parse_backend(d.pop("backend", UNSET))

        def _parse_profiles(data: object) -> list[ModelProfileBody] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                profiles_type_0 = []
                _profiles_type_0 = data
                for profiles_type_0_item_data in _profiles_type_0:
                    profiles_type_0_item = ModelProfileBody.from_dict(profiles_type_0_item_data)

                    profiles_type_0.append(profiles_type_0_item)

                return profiles_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[ModelProfileBody] | None | Unset, data)

        profiles = _parse_profiles(d.pop("profiles", UNSET))

        model_body = cls(
            id=id,
            slo_ms=slo_ms,
            priority=priority,
            inputs=inputs,
            outputs=outputs,
            backend=backend,
            profiles=profiles,
        )

        return model_body
