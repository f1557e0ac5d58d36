from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.wave_out import WaveOut


T = TypeVar("T", bound="RolloutOut")


@_attrs_define
class RolloutOut:
    """The way from one plan to another in waves that keep memory, stock and served capacity."""

    before: int | None
    """ The version that runs; null where none does. """
    after: int
    epoch_before: int
    epoch: int
    gib: float
    """ Weights that are loaded on the way. """
    churn_gib: float
    """ Weights by which the plans differ. """
    duration_s: float
    load_gib_per_s: float
    lost_requests: float
    lost_rps_max: float
    spares: list[str]
    """ Sub-clusters opened for a while. """
    sub_clusters: list[str]
    """ Names at the end: those that go on keep theirs. """
    waves: list[WaveOut]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        before: int | None
        before = self.before

        after = self.after

        epoch_before = self.epoch_before

        epoch = self.epoch

        gib = self.gib

        churn_gib = self.churn_gib

        duration_s = self.duration_s

        load_gib_per_s = self.load_gib_per_s

        lost_requests = self.lost_requests

        lost_rps_max = self.lost_rps_max

        spares = self.spares

        sub_clusters = self.sub_clusters

        waves = []
        for waves_item_data in self.waves:
            waves_item = waves_item_data.to_dict()
            waves.append(waves_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "before": before,
                "after": after,
                "epoch_before": epoch_before,
                "epoch": epoch,
                "gib": gib,
                "churn_gib": churn_gib,
                "duration_s": duration_s,
                "load_gib_per_s": load_gib_per_s,
                "lost_requests": lost_requests,
                "lost_rps_max": lost_rps_max,
                "spares": spares,
                "sub_clusters": sub_clusters,
                "waves": waves,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.wave_out import WaveOut  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_before(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        before = _parse_before(d.pop("before"))

        after = d.pop("after")

        epoch_before = d.pop("epoch_before")

        epoch = d.pop("epoch")

        gib = d.pop("gib")

        churn_gib = d.pop("churn_gib")

        duration_s = d.pop("duration_s")

        load_gib_per_s = d.pop("load_gib_per_s")

        lost_requests = d.pop("lost_requests")

        lost_rps_max = d.pop("lost_rps_max")

        spares = cast(list[str], d.pop("spares"))

        sub_clusters = cast(list[str], d.pop("sub_clusters"))

        waves = []
        _waves = d.pop("waves")
        for waves_item_data in _waves:
            waves_item = WaveOut.from_dict(waves_item_data)

            waves.append(waves_item)

        rollout_out = cls(
            before=before,
            after=after,
            epoch_before=epoch_before,
            epoch=epoch,
            gib=gib,
            churn_gib=churn_gib,
            duration_s=duration_s,
            load_gib_per_s=load_gib_per_s,
            lost_requests=lost_requests,
            lost_rps_max=lost_rps_max,
            spares=spares,
            sub_clusters=sub_clusters,
            waves=waves,
        )

        rollout_out.additional_properties = d
        return rollout_out

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
