from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.resolved_cell_out import ResolvedCellOut


T = TypeVar("T", bound="ResolvedModelOut")


@_attrs_define
class ResolvedModelOut:
    model: str
    cells: list[None | ResolvedCellOut]
    """ One for each epoch; null where less than half of it is spoken for: a scheduled run puts a measured forecast
    there, and its forecast's `spoken_by` says so. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.resolved_cell_out import ResolvedCellOut  # noqa: PLC0415

        model = self.model

        cells = []
        for cells_item_data in self.cells:
            cells_item: dict[str, Any] | None
            if isinstance(cells_item_data, ResolvedCellOut):
                cells_item = cells_item_data.to_dict()
            else:
                cells_item = cells_item_data
            cells.append(cells_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "model": model,
                "cells": cells,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.resolved_cell_out import ResolvedCellOut  # noqa: PLC0415

        d = dict(src_dict)
        model = d.pop("model")

        cells = []
        _cells = d.pop("cells")
        for cells_item_data in _cells:

            def _parse_cells_item(data: object) -> None | ResolvedCellOut:
                if data is None:
                    return data
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    cells_item_type_0 = ResolvedCellOut.from_dict(data)

                    return cells_item_type_0
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                return cast(None | ResolvedCellOut, data)

            cells_item = _parse_cells_item(cells_item_data)

            cells.append(cells_item)

        resolved_model_out = cls(
            model=model,
            cells=cells,
        )

        resolved_model_out.additional_properties = d
        return resolved_model_out

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
