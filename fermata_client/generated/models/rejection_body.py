from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="RejectionBody")


@_attrs_define
class RejectionBody:
    """What was looked at, and why it is not wanted."""

    plan_id: str
    """ As `GET /v1/plans/{version}` showed it. """
    reason: str
    """ Why; kept with the plan. """

    def to_dict(self) -> dict[str, Any]:
        plan_id = self.plan_id

        reason = self.reason

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "plan_id": plan_id,
                "reason": reason,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        plan_id = d.pop("plan_id")

        reason = d.pop("reason")

        rejection_body = cls(
            plan_id=plan_id,
            reason=reason,
        )

        return rejection_body
