from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.fleet_change_body_policy_type_0 import FleetChangeBodyPolicyType0


T = TypeVar("T", bound="FleetChangeBody")


@_attrs_define
class FleetChangeBody:
    """What is to change; keys of the policy that are not named stay as they are."""

    environment: None | str | Unset = UNSET
    policy: FleetChangeBodyPolicyType0 | None | Unset = UNSET
    """ Keys: `mode` (live, advisory), `four_eyes`, `plan_valid_hours` (null: for ever), `profile_drift` (propose,
    accept), `auto_approval` (null, or its bounds), `demand_quantile` (0.5 to 0.995, of what runs plan for that do
    not name one). """
    reason: None | str | Unset = UNSET
    """ Why, for the audit log. """

    def to_dict(self) -> dict[str, Any]:
        from ..models.fleet_change_body_policy_type_0 import FleetChangeBodyPolicyType0  # noqa: PLC0415

        environment: None | str | Unset
        if isinstance(self.environment, Unset):
            environment = UNSET
        else:
            environment = self.environment

        policy: dict[str, Any] | None | Unset
        if isinstance(self.policy, Unset):
            policy = UNSET
        elif isinstance(self.policy, FleetChangeBodyPolicyType0):
            policy = self.policy.to_dict()
        else:
            policy = self.policy

        reason: None | str | Unset
        if isinstance(self.reason, Unset):
            reason = UNSET
        else:
            reason = self.reason

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if environment is not UNSET:
            field_dict["environment"] = environment
        if policy is not UNSET:
            field_dict["policy"] = policy
        if reason is not UNSET:
            field_dict["reason"] = reason

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.fleet_change_body_policy_type_0 import FleetChangeBodyPolicyType0  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_environment(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        environment = _parse_environment(d.pop("environment", UNSET))

        def _parse_policy(data: object) -> FleetChangeBodyPolicyType0 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                policy_type_0 = FleetChangeBodyPolicyType0.from_dict(data)

                return policy_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(FleetChangeBodyPolicyType0 | None | Unset, data)

        policy = _parse_policy(d.pop("policy", UNSET))

        def _parse_reason(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        reason = _parse_reason(d.pop("reason", UNSET))

        fleet_change_body = cls(
            environment=environment,
            policy=policy,
            reason=reason,
        )

        return fleet_change_body
