from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.rollout_progress_out_lost_rps import RolloutProgressOutLostRps


T = TypeVar("T", bound="RolloutProgressOut")


@_attrs_define
class RolloutProgressOut:
    """How far the fleet is on its way to the active plan.

    `ordering`: its waves are being computed, nodes keep what they hold. `waves`: they hold what the open wave
    says. `done`: they hold what the plan says. `at_once`: nothing moves, or there are no waves for
    the `reasons`; nodes take the plan up and each lets go of what leaves once it is served elsewhere.

    """

    activation_id: int
    plan_version: int
    state: str
    """ ordering, waves, done or at_once. """
    wave: int
    """ The wave that is open, or was the last. """
    waves: int
    waves_done: int
    moved_at: datetime.datetime | None
    """ When the last wave was opened or done. """
    waits_for: list[str]
    """ Sub-clusters that have not done their part of the open wave. """
    lost_rps: RolloutProgressOutLostRps
    """ Requests per second by model that no sub-cluster carries while the wave is open. """
    reasons: list[str]
    spares: list[str]
    """ Sub-clusters on GPUs that nodes keep for rollouts, which the waves go through. """
    spares_left_out: list[str]
    """ Of kept GPUs that nodes announce and that are not used: why they cannot be. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        activation_id = self.activation_id

        plan_version = self.plan_version

        state = self.state

        wave = self.wave

        waves = self.waves

        waves_done = self.waves_done

        moved_at: None | str
        if isinstance(self.moved_at, datetime.datetime):
            moved_at = self.moved_at.isoformat()
        else:
            moved_at = self.moved_at

        waits_for = self.waits_for

        lost_rps = self.lost_rps.to_dict()

        reasons = self.reasons

        spares = self.spares

        spares_left_out = self.spares_left_out

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "activation_id": activation_id,
                "plan_version": plan_version,
                "state": state,
                "wave": wave,
                "waves": waves,
                "waves_done": waves_done,
                "moved_at": moved_at,
                "waits_for": waits_for,
                "lost_rps": lost_rps,
                "reasons": reasons,
                "spares": spares,
                "spares_left_out": spares_left_out,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.rollout_progress_out_lost_rps import RolloutProgressOutLostRps  # noqa: PLC0415

        d = dict(src_dict)
        activation_id = d.pop("activation_id")

        plan_version = d.pop("plan_version")

        state = d.pop("state")

        wave = d.pop("wave")

        waves = d.pop("waves")

        waves_done = d.pop("waves_done")

        def _parse_moved_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                moved_at_type_0 = datetime.datetime.fromisoformat(data)

                return moved_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        moved_at = _parse_moved_at(d.pop("moved_at"))

        waits_for = cast(list[str], d.pop("waits_for"))

        lost_rps = RolloutProgressOutLostRps.from_dict(d.pop("lost_rps"))

        reasons = cast(list[str], d.pop("reasons"))

        spares = cast(list[str], d.pop("spares"))

        spares_left_out = cast(list[str], d.pop("spares_left_out"))

        rollout_progress_out = cls(
            activation_id=activation_id,
            plan_version=plan_version,
            state=state,
            wave=wave,
            waves=waves,
            waves_done=waves_done,
            moved_at=moved_at,
            waits_for=waits_for,
            lost_rps=lost_rps,
            reasons=reasons,
            spares=spares,
            spares_left_out=spares_left_out,
        )

        rollout_progress_out.additional_properties = d
        return rollout_progress_out

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
