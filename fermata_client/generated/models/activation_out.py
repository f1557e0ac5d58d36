from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ActivationOut")


@_attrs_define
class ActivationOut:
    """A plan's time as the active one."""

    id: int
    fleet: str
    plan_version: int
    kind: str
    """ activate, or roll_back to a plan that had been active before. """
    actor: str
    activated_at: datetime.datetime
    deactivated_at: datetime.datetime | None
    """ null: now. """
    reason: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        fleet = self.fleet

        plan_version = self.plan_version

        kind = self.kind

        actor = self.actor

        activated_at = self.activated_at.isoformat()

        deactivated_at: None | str
        if isinstance(self.deactivated_at, datetime.datetime):
            deactivated_at = self.deactivated_at.isoformat()
        else:
            deactivated_at = self.deactivated_at

        reason: None | str
        reason = self.reason

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "fleet": fleet,
                "plan_version": plan_version,
                "kind": kind,
                "actor": actor,
                "activated_at": activated_at,
                "deactivated_at": deactivated_at,
                "reason": reason,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        fleet = d.pop("fleet")

        plan_version = d.pop("plan_version")

        kind = d.pop("kind")

        actor = d.pop("actor")

        activated_at = datetime.datetime.fromisoformat(d.pop("activated_at"))

        def _parse_deactivated_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                deactivated_at_type_0 = datetime.datetime.fromisoformat(data)

                return deactivated_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        deactivated_at = _parse_deactivated_at(d.pop("deactivated_at"))

        def _parse_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        reason = _parse_reason(d.pop("reason"))

        activation_out = cls(
            id=id,
            fleet=fleet,
            plan_version=plan_version,
            kind=kind,
            actor=actor,
            activated_at=activated_at,
            deactivated_at=deactivated_at,
            reason=reason,
        )

        activation_out.additional_properties = d
        return activation_out

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
