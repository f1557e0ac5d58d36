from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.measured_ratio_out import MeasuredRatioOut


T = TypeVar("T", bound="DriftEvidenceOut")


@_attrs_define
class DriftEvidenceOut:
    """What was measured, when, and how far either curve is from it."""

    since: datetime.datetime
    until: datetime.datetime
    overall: MeasuredRatioOut
    """ Measured over profiled execution time: the median over intervals, with its confidence interval. """
    by_batch_size: list[MeasuredRatioOut]
    error_before: float
    """ Mean relative error of the registered curve. """
    error_after: float
    """ Mean relative error of the proposed curve. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        since = self.since.isoformat()

        until = self.until.isoformat()

        overall = self.overall.to_dict()

        by_batch_size = []
        for by_batch_size_item_data in self.by_batch_size:
            by_batch_size_item = by_batch_size_item_data.to_dict()
            by_batch_size.append(by_batch_size_item)

        error_before = self.error_before

        error_after = self.error_after

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "since": since,
                "until": until,
                "overall": overall,
                "by_batch_size": by_batch_size,
                "error_before": error_before,
                "error_after": error_after,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.measured_ratio_out import MeasuredRatioOut  # noqa: PLC0415

        d = dict(src_dict)
        since = datetime.datetime.fromisoformat(d.pop("since"))

        until = datetime.datetime.fromisoformat(d.pop("until"))

        overall = MeasuredRatioOut.from_dict(d.pop("overall"))

        by_batch_size = []
        _by_batch_size = d.pop("by_batch_size")
        for by_batch_size_item_data in _by_batch_size:
            by_batch_size_item = MeasuredRatioOut.from_dict(by_batch_size_item_data)

            by_batch_size.append(by_batch_size_item)

        error_before = d.pop("error_before")

        error_after = d.pop("error_after")

        drift_evidence_out = cls(
            since=since,
            until=until,
            overall=overall,
            by_batch_size=by_batch_size,
            error_before=error_before,
            error_after=error_after,
        )

        drift_evidence_out.additional_properties = d
        return drift_evidence_out

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
