from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.step_out import StepOut
    from ..models.wave_out_lost_rps import WaveOutLostRps


T = TypeVar("T", bound="WaveOut")


@_attrs_define
class WaveOut:
    """Steps in their order, loads side by side; after a health check one may stop here, or go `back`."""

    duration_s: float
    gib: float
    lost_rps: WaveOutLostRps
    """ By model: what is not carried while this wave loads. """
    lost_requests: float
    steps: list[StepOut]
    back: list[StepOut]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        duration_s = self.duration_s

        gib = self.gib

        lost_rps = self.lost_rps.to_dict()

        lost_requests = self.lost_requests

        steps = []
        for steps_item_data in self.steps:
            steps_item = steps_item_data.to_dict()
            steps.append(steps_item)

        back = []
        for back_item_data in self.back:
            back_item = back_item_data.to_dict()
            back.append(back_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "duration_s": duration_s,
                "gib": gib,
                "lost_rps": lost_rps,
                "lost_requests": lost_requests,
                "steps": steps,
                "back": back,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.step_out import StepOut  # noqa: PLC0415
        from ..models.wave_out_lost_rps import WaveOutLostRps  # noqa: PLC0415

        d = dict(src_dict)
        duration_s = d.pop("duration_s")

        gib = d.pop("gib")

        lost_rps = WaveOutLostRps.from_dict(d.pop("lost_rps"))

        lost_requests = d.pop("lost_requests")

        steps = []
        _steps = d.pop("steps")
        for steps_item_data in _steps:
            steps_item = StepOut.from_dict(steps_item_data)

            steps.append(steps_item)

        back = []
        _back = d.pop("back")
        for back_item_data in _back:
            back_item = StepOut.from_dict(back_item_data)

            back.append(back_item)

        wave_out = cls(
            duration_s=duration_s,
            gib=gib,
            lost_rps=lost_rps,
            lost_requests=lost_requests,
            steps=steps,
            back=back,
        )

        wave_out.additional_properties = d
        return wave_out

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
