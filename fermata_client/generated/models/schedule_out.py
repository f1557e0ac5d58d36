from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.schedule_out_options import ScheduleOutOptions


T = TypeVar("T", bound="ScheduleOut")


@_attrs_define
class ScheduleOut:
    """A fleet's schedule; `next_slot` is the first that was not taken up yet."""

    fleet: str
    cron: str
    time_zone: str
    enabled: bool
    next_slot: datetime.datetime
    since: datetime.datetime
    """ Slots count from then on. """
    updated_at: datetime.datetime
    actor: str
    options: ScheduleOutOptions
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        fleet = self.fleet

        cron = self.cron

        time_zone = self.time_zone

        enabled = self.enabled

        next_slot = self.next_slot.isoformat()

        since = self.since.isoformat()

        updated_at = self.updated_at.isoformat()

        actor = self.actor

        options = self.options.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "fleet": fleet,
                "cron": cron,
                "time_zone": time_zone,
                "enabled": enabled,
                "next_slot": next_slot,
                "since": since,
                "updated_at": updated_at,
                "actor": actor,
                "options": options,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.schedule_out_options import ScheduleOutOptions  # noqa: PLC0415

        d = dict(src_dict)
        fleet = d.pop("fleet")

        cron = d.pop("cron")

        time_zone = d.pop("time_zone")

        enabled = d.pop("enabled")

        next_slot = datetime.datetime.fromisoformat(d.pop("next_slot"))

        since = datetime.datetime.fromisoformat(d.pop("since"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        actor = d.pop("actor")

        options = ScheduleOutOptions.from_dict(d.pop("options"))

        schedule_out = cls(
            fleet=fleet,
            cron=cron,
            time_zone=time_zone,
            enabled=enabled,
            next_slot=next_slot,
            since=since,
            updated_at=updated_at,
            actor=actor,
            options=options,
        )

        schedule_out.additional_properties = d
        return schedule_out

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
