from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.delivery_state import DeliveryState

T = TypeVar("T", bound="DeliveryOut")


@_attrs_define
class DeliveryOut:
    """One event on its way to one webhook."""

    number: int
    id: str
    """ The same at every attempt, as in the header webhook-id. """
    event: str
    body: str
    """ What is sent and signed. """
    state: DeliveryState
    attempts: int
    created_at: datetime.datetime
    next_at: datetime.datetime
    """ When it is attempted again, while pending. """
    finished_at: datetime.datetime | None
    last_status: int | None
    last_error: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        number = self.number

        id = self.id

        event = self.event

        body = self.body

        state = self.state.value

        attempts = self.attempts

        created_at = self.created_at.isoformat()

        next_at = self.next_at.isoformat()

        finished_at: None | str
        if isinstance(self.finished_at, datetime.datetime):
            finished_at = self.finished_at.isoformat()
        else:
            finished_at = self.finished_at

        last_status: int | None
        last_status = self.last_status

        last_error: None | str
        last_error = self.last_error

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "number": number,
                "id": id,
                "event": event,
                "body": body,
                "state": state,
                "attempts": attempts,
                "created_at": created_at,
                "next_at": next_at,
                "finished_at": finished_at,
                "last_status": last_status,
                "last_error": last_error,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        number = d.pop("number")

        id = d.pop("id")

        event = d.pop("event")

        body = d.pop("body")

        state = DeliveryState(d.pop("state"))

        attempts = d.pop("attempts")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        next_at = datetime.datetime.fromisoformat(d.pop("next_at"))

        def _parse_finished_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                finished_at_type_0 = datetime.datetime.fromisoformat(data)

                return finished_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        finished_at = _parse_finished_at(d.pop("finished_at"))

        def _parse_last_status(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        last_status = _parse_last_status(d.pop("last_status"))

        def _parse_last_error(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        last_error = _parse_last_error(d.pop("last_error"))

        delivery_out = cls(
            number=number,
            id=id,
            event=event,
            body=body,
            state=state,
            attempts=attempts,
            created_at=created_at,
            next_at=next_at,
            finished_at=finished_at,
            last_status=last_status,
            last_error=last_error,
        )

        delivery_out.additional_properties = d
        return delivery_out

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
