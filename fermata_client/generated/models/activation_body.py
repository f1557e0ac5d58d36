from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="ActivationBody")


@_attrs_define
class ActivationBody:
    """Which plan version is to become the active one."""

    plan_version: int

    def to_dict(self) -> dict[str, Any]:
        plan_version = self.plan_version

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "plan_version": plan_version,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        plan_version = d.pop("plan_version")

        activation_body = cls(
            plan_version=plan_version,
        )

        return activation_body
