from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="RotationBody")


@_attrs_define
class RotationBody:
    """How long the old secret stays good."""

    grace_s: float | Unset = 86400.0
    """ Seconds that the old secret stays good. """

    def to_dict(self) -> dict[str, Any]:
        grace_s = self.grace_s

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if grace_s is not UNSET:
            field_dict["grace_s"] = grace_s

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        grace_s = d.pop("grace_s", UNSET)

        rotation_body = cls(
            grace_s=grace_s,
        )

        return rotation_body
