from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ReporterOut")


@_attrs_define
class ReporterOut:
    """The dispatcher of one sub-cluster of one plan version, and how its reports stood."""

    sub_cluster: str
    plan_version: int
    heard_at: datetime.datetime
    new: int
    known: int
    differing: int
    overlapping: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        sub_cluster = self.sub_cluster

        plan_version = self.plan_version

        heard_at = self.heard_at.isoformat()

        new = self.new

        known = self.known

        differing = self.differing

        overlapping = self.overlapping

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "sub_cluster": sub_cluster,
                "plan_version": plan_version,
                "heard_at": heard_at,
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
        sub_cluster = d.pop("sub_cluster")

        plan_version = d.pop("plan_version")

        heard_at = datetime.datetime.fromisoformat(d.pop("heard_at"))

        new = d.pop("new")

        known = d.pop("known")

        differing = d.pop("differing")

        overlapping = d.pop("overlapping")

        reporter_out = cls(
            sub_cluster=sub_cluster,
            plan_version=plan_version,
            heard_at=heard_at,
            new=new,
            known=known,
            differing=differing,
            overlapping=overlapping,
        )

        reporter_out.additional_properties = d
        return reporter_out

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
