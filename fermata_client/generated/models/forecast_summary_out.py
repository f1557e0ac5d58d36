from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.forecast_source import ForecastSource

T = TypeVar("T", bound="ForecastSummaryOut")


@_attrs_define
class ForecastSummaryOut:
    """A stored forecast without its rows."""

    id: int
    name: str
    created_at: datetime.datetime
    epoch_count: int
    model_count: int
    author: str
    """ Who submitted it. """
    note: None | str
    source: ForecastSource
    """ Where a submission comes from; the order is that of trust, the least first.

    A ``resolved`` one was put together from others for a run: it says what was planned for and is never
    a source of another. """
    corrects: int | None
    """ The earlier forecast in whose place it stands. """
    corrected_by: int | None
    """ The newest that stands in its place; null: none does. """
    starts_at: datetime.datetime
    ends_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        name = self.name

        created_at = self.created_at.isoformat()

        epoch_count = self.epoch_count

        model_count = self.model_count

        author = self.author

        note: None | str
        note = self.note

        source = self.source.value

        corrects: int | None
        corrects = self.corrects

        corrected_by: int | None
        corrected_by = self.corrected_by

        starts_at = self.starts_at.isoformat()

        ends_at = self.ends_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "name": name,
                "created_at": created_at,
                "epoch_count": epoch_count,
                "model_count": model_count,
                "author": author,
                "note": note,
                "source": source,
                "corrects": corrects,
                "corrected_by": corrected_by,
                "starts_at": starts_at,
                "ends_at": ends_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        name = d.pop("name")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        epoch_count = d.pop("epoch_count")

        model_count = d.pop("model_count")

        author = d.pop("author")

        def _parse_note(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        note = _parse_note(d.pop("note"))

        source = ForecastSource(d.pop("source"))

        def _parse_corrects(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        corrects = _parse_corrects(d.pop("corrects"))

        def _parse_corrected_by(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        corrected_by = _parse_corrected_by(d.pop("corrected_by"))

        starts_at = datetime.datetime.fromisoformat(d.pop("starts_at"))

        ends_at = datetime.datetime.fromisoformat(d.pop("ends_at"))

        forecast_summary_out = cls(
            id=id,
            name=name,
            created_at=created_at,
            epoch_count=epoch_count,
            model_count=model_count,
            author=author,
            note=note,
            source=source,
            corrects=corrects,
            corrected_by=corrected_by,
            starts_at=starts_at,
            ends_at=ends_at,
        )

        forecast_summary_out.additional_properties = d
        return forecast_summary_out

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
