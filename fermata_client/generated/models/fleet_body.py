from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.fleet_body_policy import FleetBodyPolicy


T = TypeVar("T", bound="FleetBody")


@_attrs_define
class FleetBody:
    """A new fleet; what its policy leaves out takes the default."""

    id: str
    """ Letters, digits and any of . _ - """
    environment: str | Unset = "production"
    """ production, staging, or what you call it. """
    policy: FleetBodyPolicy | Unset = UNSET
    """ Keys: `mode` (live, advisory), `four_eyes`, `plan_valid_hours` (null: for ever), `profile_drift` (propose,
    accept), `auto_approval` (null, or its bounds), `demand_quantile` (0.5 to 0.995, of what runs plan for that do
    not name one). """

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        environment = self.environment

        policy: dict[str, Any] | Unset = UNSET
        if not isinstance(self.policy, Unset):
            policy = self.policy.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "id": id,
            }
        )
        if environment is not UNSET:
            field_dict["environment"] = environment
        if policy is not UNSET:
            field_dict["policy"] = policy

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.fleet_body_policy import FleetBodyPolicy  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        environment = d.pop("environment", UNSET)

        _policy = d.pop("policy", UNSET)
        policy: FleetBodyPolicy | Unset
        if isinstance(_policy, Unset):
            policy = UNSET
        else:
            policy = FleetBodyPolicy.from_dict(_policy)

        fleet_body = cls(
            id=id,
            environment=environment,
            policy=policy,
        )

        return fleet_body
