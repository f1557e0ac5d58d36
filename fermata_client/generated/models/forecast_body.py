from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.epoch_body import EpochBody
    from ..models.model_forecast_body import ModelForecastBody


T = TypeVar("T", bound="ForecastBody")


@_attrs_define
class ForecastBody:
    """A prediction of demand: one rate and one burstiness for each model and epoch."""

    name: str
    epochs: list[EpochBody]
    """ In the order of time. """
    models: list[ModelForecastBody]

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        epochs = []
        for epochs_item_data in self.epochs:
            epochs_item = epochs_item_data.to_dict()
            epochs.append(epochs_item)

        models = []
        for models_item_data in self.models:
            models_item = models_item_data.to_dict()
            models.append(models_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "epochs": epochs,
                "models": models,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.epoch_body import EpochBody  # noqa: PLC0415
        from ..models.model_forecast_body import ModelForecastBody  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        epochs = []
        _epochs = d.pop("epochs")
        for epochs_item_data in _epochs:
            epochs_item = EpochBody.from_dict(epochs_item_data)

            epochs.append(epochs_item)

        models = []
        _models = d.pop("models")
        for models_item_data in _models:
            models_item = ModelForecastBody.from_dict(models_item_data)

            models.append(models_item)

        forecast_body = cls(
            name=name,
            epochs=epochs,
            models=models,
        )

        return forecast_body
