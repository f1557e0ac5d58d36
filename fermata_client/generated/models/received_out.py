from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ReceivedOut")


@_attrs_define
class ReceivedOut:
    """How many reports stood how."""

    new: int
    """ Taken. """
    known: int
    """ Sent before, and the same. """
    differing: int
    """ Sent before with other numbers: the first were kept. """
    overlapping: int
    """ Not taken: the interval lies across others of the same sub-cluster and plan version. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        new = self.new

        known = self.known

        differing = self.differing

        overlapping = self.overlapping

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "new": new,
                "known": known,
                "differing": differing,
                "overlapping": overlapping,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        new = d.pop("new")

        known = d.pop("known")

        differing = d.pop("differing")

        overlapping = d.pop("overlapping")

        received_out = cls(
            new=new,
            known=known,
            differing=differing,
            overlapping=overlapping,
        )

        received_out.additional_properties = d
        return received_out

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
