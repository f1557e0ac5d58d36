from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.step_out_step import StepOutStep
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.route_change_out import RouteChangeOut


T = TypeVar("T", bound="StepOut")


@_attrs_define
class StepOut:
    """`load`, `unload`: `model` on the `gpus` of `sub_cluster`. `add_gpus`, `remove_gpus`: GPUs of a pool join
    or leave it with their `models`. `switch`: `changes` of traffic, at one instant.

    """

    step: StepOutStep
    sub_cluster: None | str | Unset = UNSET
    model: None | str | Unset = UNSET
    gpu_type: None | str | Unset = UNSET
    zone: None | str | Unset = UNSET
    gpus: int | None | Unset = UNSET
    models: list[str] | None | Unset = UNSET
    gib: float | None | Unset = UNSET
    changes: list[RouteChangeOut] | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        step = self.step.value

        sub_cluster: None | str | Unset
        if isinstance(self.sub_cluster, Unset):
            sub_cluster = UNSET
        else:
            sub_cluster = self.sub_cluster

        model: None | str | Unset
        if isinstance(self.model, Unset):
            model = UNSET
        else:
            model = self.model

        gpu_type: None | str | Unset
        if isinstance(self.gpu_type, Unset):
            gpu_type = UNSET
        else:
            gpu_type = self.gpu_type

        zone: None | str | Unset
        if isinstance(self.zone, Unset):
            zone = UNSET
        else:
            zone = self.zone

        gpus: int | None | Unset
        if isinstance(self.gpus, Unset):
            gpus = UNSET
        else:
            gpus = self.gpus

        models: list[str] | None | Unset
        if isinstance(self.models, Unset):
            models = UNSET
        elif isinstance(self.models, list):
            models = self.models

        else:
            models = self.models

        gib: float | None | Unset
        if isinstance(self.gib, Unset):
            gib = UNSET
        else:
            gib = self.gib

        changes: list[dict[str, Any]] | None | Unset
        if isinstance(self.changes, Unset):
            changes = UNSET
        elif isinstance(self.changes, list):
            changes = []
            for changes_type_0_item_data in self.changes:
                changes_type_0_item = changes_type_0_item_data.to_dict()
                changes.append(changes_type_0_item)

        else:
            changes = self.changes

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "step": step,
            }
        )
        if sub_cluster is not UNSET:
            field_dict["sub_cluster"] = sub_cluster
        if model is not UNSET:
            field_dict["model"] = model
        if gpu_type is not UNSET:
            field_dict["gpu_type"] = gpu_type
        if zone is not UNSET:
            field_dict["zone"] = zone
        if gpus is not UNSET:
            field_dict["gpus"] = gpus
        if models is not UNSET:
            field_dict["models"] = models
        if gib is not UNSET:
            field_dict["gib"] = gib
        if changes is not UNSET:
            field_dict["changes"] = changes

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.route_change_out import RouteChangeOut  # noqa: PLC0415

        d = dict(src_dict)
        step = StepOutStep(d.pop("step"))

        def _parse_sub_cluster(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        sub_cluster = _parse_sub_cluster(d.pop("sub_cluster", UNSET))

        def _parse_model(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        model = _parse_model(d.pop("model", UNSET))

        def _parse_gpu_type(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        gpu_type = _parse_gpu_type(d.pop("gpu_type", UNSET))

        def _parse_zone(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        zone = _parse_zone(d.pop("zone", UNSET))

        def _parse_gpus(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        gpus = _parse_gpus(d.pop("gpus", UNSET))

        def _parse_models(data: object) -> list[str] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                models_type_0 = cast(list[str], data)

                return models_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None | Unset, data)

        models = _parse_models(d.pop("models", UNSET))

        def _parse_gib(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        gib = _parse_gib(d.pop("gib", UNSET))

        def _parse_changes(data: object) -> list[RouteChangeOut] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                changes_type_0 = []
                _changes_type_0 = data
                for changes_type_0_item_data in _changes_type_0:
                    changes_type_0_item = RouteChangeOut.from_dict(changes_type_0_item_data)

                    changes_type_0.append(changes_type_0_item)

                return changes_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[RouteChangeOut] | None | Unset, data)

        changes = _parse_changes(d.pop("changes", UNSET))

        step_out = cls(
            step=step,
            sub_cluster=sub_cluster,
            model=model,
            gpu_type=gpu_type,
            zone=zone,
            gpus=gpus,
            models=models,
            gib=gib,
            changes=changes,
        )

        step_out.additional_properties = d
        return step_out

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
