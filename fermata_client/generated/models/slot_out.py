from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.slot_outcome import SlotOutcome

if TYPE_CHECKING:
    from ..models.slot_out_details_type_0 import SlotOutDetailsType0


T = TypeVar("T", bound="SlotOut")


@_attrs_define
class SlotOut:
    """A slot that was taken up, and what became of it."""

    slot: datetime.datetime
    started_at: datetime.datetime
    started_by: str
    missed_before: int
    """ Slots before it that nobody took up. """
    run_id: None | str
    outcome: SlotOutcome
    settled_at: datetime.datetime | None
    details: None | SlotOutDetailsType0
    """ The plan's version and why it waits, or the error. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.slot_out_details_type_0 import SlotOutDetailsType0  # noqa: PLC0415

        slot = self.slot.isoformat()

        started_at = self.started_at.isoformat()

        started_by = self.started_by

        missed_before = self.missed_before

        run_id: None | str
        run_id = self.run_id

        outcome = self.outcome.value

        settled_at: None | str
        if isinstance(self.settled_at, datetime.datetime):
            settled_at = self.settled_at.isoformat()
        else:
            settled_at = self.settled_at

        details: dict[str, Any] | None
        if isinstance(self.details, SlotOutDetailsType0):
            details = self.details.to_dict()
        else:
            details = self.details

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "slot": slot,
                "started_at": started_at,
                "started_by": started_by,
                "missed_before": missed_before,
                "run_id": run_id,
                "outcome": outcome,
                "settled_at": settled_at,
                "details": details,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.slot_out_details_type_0 import SlotOutDetailsType0  # noqa: PLC0415

        d = dict(src_dict)
        slot = datetime.datetime.fromisoformat(d.pop("slot"))

        started_at = datetime.datetime.fromisoformat(d.pop("started_at"))

        started_by = d.pop("started_by")

        missed_before = d.pop("missed_before")

        def _parse_run_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        run_id = _parse_run_id(d.pop("run_id"))

        outcome = SlotOutcome(d.pop("outcome"))

        def _parse_settled_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                settled_at_type_0 = datetime.datetime.fromisoformat(data)

                return settled_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        settled_at = _parse_settled_at(d.pop("settled_at"))

        def _parse_details(data: object) -> None | SlotOutDetailsType0:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                details_type_0 = SlotOutDetailsType0.from_dict(data)

                return details_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SlotOutDetailsType0, data)

        details = _parse_details(d.pop("details"))

        slot_out = cls(
            slot=slot,
            started_at=started_at,
            started_by=started_by,
            missed_before=missed_before,
            run_id=run_id,
            outcome=outcome,
            settled_at=settled_at,
            details=details,
        )

        slot_out.additional_properties = d
        return slot_out

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
