from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.epoch_out import EpochOut
    from ..models.resolved_model_out import ResolvedModelOut


T = TypeVar("T", bound="ResolvedForecastOut")


@_attrs_define
class ResolvedForecastOut:
    """What the forecasts submitted so far come to."""

    epochs: list[EpochOut]
    models: list[ResolvedModelOut]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        epochs = []
        for epochs_item_data in self.epochs:
            epochs_item = epochs_item_data.to_dict()
            epochs.append(epochs_item)

        models = []
        for models_item_data in self.models:
            models_item = models_item_data.to_dict()
            models.append(models_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "epochs": epochs,
                "models": models,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.epoch_out import EpochOut  # noqa: PLC0415
        from ..models.resolved_model_out import ResolvedModelOut  # noqa: PLC0415

        d = dict(src_dict)
        epochs = []
        _epochs = d.pop("epochs")
        for epochs_item_data in _epochs:
            epochs_item = EpochOut.from_dict(epochs_item_data)

            epochs.append(epochs_item)

        models = []
        _models = d.pop("models")
        for models_item_data in _models:
            models_item = ResolvedModelOut.from_dict(models_item_data)

            models.append(models_item)

        resolved_forecast_out = cls(
            epochs=epochs,
            models=models,
        )

        resolved_forecast_out.additional_properties = d
        return resolved_forecast_out

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
