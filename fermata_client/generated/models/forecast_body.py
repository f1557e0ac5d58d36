from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.forecast_body_source import ForecastBodySource
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.epoch_body import EpochBody
    from ..models.model_forecast_body import ModelForecastBody


T = TypeVar("T", bound="ForecastBody")


@_attrs_define
class ForecastBody:
    """A prediction of demand: an interval of rates and one burstiness for each model and epoch."""

    name: str
    epochs: list[EpochBody]
    """ In the order of time. """
    models: list[ModelForecastBody]
    note: None | str | Unset = UNSET
    """ What should be known of it. """
    source: ForecastBodySource | Unset = ForecastBodySource.PLANNER
    """ Where it comes from. Where forecasts overlap, a planner's holds before an import, an import before a
    model's, and the later before the earlier. """
    corrects: int | None | Unset = UNSET
    """ The earlier forecast in whose place this one stands; that one stays on record. """

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

        note: None | str | Unset
        if isinstance(self.note, Unset):
            note = UNSET
        else:
            note = self.note

        source: str | Unset = UNSET
        if not isinstance(self.source, Unset):
            source = self.source.value

        corrects: int | None | Unset
        if isinstance(self.corrects, Unset):
            corrects = UNSET
        else:
            corrects = self.corrects

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "epochs": epochs,
                "models": models,
            }
        )
        if note is not UNSET:
            field_dict["note"] = note
        if source is not UNSET:
            field_dict["source"] = source
        if corrects is not UNSET:
            field_dict["corrects"] = corrects

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

        def _parse_note(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        note = _parse_note(d.pop("note", UNSET))

        _source = d.pop("source", UNSET)
        source: ForecastBodySource | Unset
        if isinstance(_source, Unset):
            source = UNSET
        else:
            source = ForecastBodySource(_source)

        def _parse_corrects(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        corrects = _parse_corrects(d.pop("corrects", UNSET))

        forecast_body = cls(
            name=name,
            epochs=epochs,
            models=models,
            note=note,
            source=source,
            corrects=corrects,
        )

        return forecast_body
