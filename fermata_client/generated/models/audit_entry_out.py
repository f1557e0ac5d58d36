from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.audit_entry_out_details import AuditEntryOutDetails


T = TypeVar("T", bound="AuditEntryOut")


@_attrs_define
class AuditEntryOut:
    """Who changed what, when, from where and why; `digest` chains it to the entry before it."""

    id: int
    number: int
    """ Within the fleet's log, without gaps. """
    at: datetime.datetime
    actor: str
    action: str
    subject: str
    reason: None | str
    client_address: None | str
    request_id: None | str
    details: AuditEntryOutDetails
    digest_before: str
    digest: str
    """ SHA-256 of the entry and of the digest before it. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        number = self.number

        at = self.at.isoformat()

        actor = self.actor

        action = self.action

        subject = self.subject

        reason: None | str
        reason = self.reason

        client_address: None | str
        client_address = self.client_address

        request_id: None | str
        request_id = self.request_id

        details = self.details.to_dict()

        digest_before = self.digest_before

        digest = self.digest

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "number": number,
                "at": at,
                "actor": actor,
                "action": action,
                "subject": subject,
                "reason": reason,
                "client_address": client_address,
                "request_id": request_id,
                "details": details,
                "digest_before": digest_before,
                "digest": digest,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.audit_entry_out_details import AuditEntryOutDetails  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        number = d.pop("number")

        at = datetime.datetime.fromisoformat(d.pop("at"))

        actor = d.pop("actor")

        action = d.pop("action")

        subject = d.pop("subject")

        def _parse_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        reason = _parse_reason(d.pop("reason"))

        def _parse_client_address(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        client_address = _parse_client_address(d.pop("client_address"))

        def _parse_request_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        request_id = _parse_request_id(d.pop("request_id"))

        details = AuditEntryOutDetails.from_dict(d.pop("details"))

        digest_before = d.pop("digest_before")

        digest = d.pop("digest")

        audit_entry_out = cls(
            id=id,
            number=number,
            at=at,
            actor=actor,
            action=action,
            subject=subject,
            reason=reason,
            client_address=client_address,
            request_id=request_id,
            details=details,
            digest_before=digest_before,
            digest=digest,
        )

        audit_entry_out.additional_properties = d
        return audit_entry_out

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
