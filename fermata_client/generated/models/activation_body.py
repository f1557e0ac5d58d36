from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.activation_body_certify import ActivationBodyCertify
from ..types import UNSET, Unset

T = TypeVar("T", bound="ActivationBody")


@_attrs_define
class ActivationBody:
    """Which plan version is to become the active one."""

    plan_version: int
    certify: ActivationBodyCertify | Unset = ActivationBodyCertify.REQUIRED
    """ For a plan that was active before: whether it is certified again against the newest demand; to skip that
    needs a reason. """
    reason: None | str | Unset = UNSET
    """ Why, for the audit log. """

    def to_dict(self) -> dict[str, Any]:
        plan_version = self.plan_version

        certify: str | Unset = UNSET
        if not isinstance(self.certify, Unset):
            certify = self.certify.value

        reason: None | str | Unset
        if isinstance(self.reason, Unset):
            reason = UNSET
        else:
            reason = self.reason

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "plan_version": plan_version,
            }
        )
        if certify is not UNSET:
            field_dict["certify"] = certify
        if reason is not UNSET:
            field_dict["reason"] = reason

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        plan_version = d.pop("plan_version")

        _certify = d.pop("certify", UNSET)
        certify: ActivationBodyCertify | Unset
        if isinstance(_certify, Unset):
            certify = UNSET
        else:
            certify = ActivationBodyCertify(_certify)

        def _parse_reason(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        reason = _parse_reason(d.pop("reason", UNSET))

        activation_body = cls(
            plan_version=plan_version,
            certify=certify,
            reason=reason,
        )

        return activation_body
