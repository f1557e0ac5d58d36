from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="ApprovalBody")


@_attrs_define
class ApprovalBody:
    """What was looked at, so that nothing else can be approved."""

    plan_id: str
    """ As `GET /v1/plans/{version}` showed it. """
    reason: None | str | Unset = UNSET
    """ Why, for the audit log. """

    def to_dict(self) -> dict[str, Any]:
        plan_id = self.plan_id

        reason: None | str | Unset
        if isinstance(self.reason, Unset):
            reason = UNSET
        else:
            reason = self.reason

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "plan_id": plan_id,
            }
        )
        if reason is not UNSET:
            field_dict["reason"] = reason

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        plan_id = d.pop("plan_id")

        def _parse_reason(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        reason = _parse_reason(d.pop("reason", UNSET))

        approval_body = cls(
            plan_id=plan_id,
            reason=reason,
        )

        return approval_body
