from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.difference_out_difference import DifferenceOutDifference


T = TypeVar("T", bound="DifferenceOut")


@_attrs_define
class DifferenceOut:
    """What moves between two plans, why, and what it costs."""

    before: int | None
    """ The version compared with; null where there was none. """
    after: int
    difference: DifferenceOutDifference
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        before: int | None
        before = self.before

        after = self.after

        difference = self.difference.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "before": before,
                "after": after,
                "difference": difference,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.difference_out_difference import DifferenceOutDifference  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_before(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        before = _parse_before(d.pop("before"))

        after = d.pop("after")

        difference = DifferenceOutDifference.from_dict(d.pop("difference"))

        difference_out = cls(
            before=before,
            after=after,
            difference=difference,
        )

        difference_out.additional_properties = d
        return difference_out

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
