from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="ProfileVersionOut")


@_attrs_define
class ProfileVersionOut:
    """A profile as it was registered once."""

    model: str
    gpu_type: str
    version: int
    weights_gib: float
    workspace_gib_per_item: float
    batch_size_max: int
    created_at: datetime.datetime
    measured_since: datetime.datetime
    """ Measurements from before say nothing of this version. """
    alpha_ms: float | None | Unset = UNSET
    beta_ms: float | None | Unset = UNSET
    latency_ms: list[list[float | int]] | None | Unset = UNSET
    source: None | str | Unset = UNSET
    proposal_id: int | None | Unset = UNSET
    """ The accepted proposal that it comes from. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        model = self.model

        gpu_type = self.gpu_type

        version = self.version

        weights_gib = self.weights_gib

        workspace_gib_per_item = self.workspace_gib_per_item

        batch_size_max = self.batch_size_max

        created_at = self.created_at.isoformat()

        measured_since = self.measured_since.isoformat()

        alpha_ms: float | None | Unset
        if isinstance(self.alpha_ms, Unset):
            alpha_ms = UNSET
        else:
            alpha_ms = self.alpha_ms

        beta_ms: float | None | Unset
        if isinstance(self.beta_ms, Unset):
            beta_ms = UNSET
        else:
            beta_ms = self.beta_ms

        latency_ms: list[list[float | int]] | None | Unset
        if isinstance(self.latency_ms, Unset):
            latency_ms = UNSET
        elif isinstance(self.latency_ms, list):
            latency_ms = []
            for latency_ms_type_0_item_data in self.latency_ms:
                latency_ms_type_0_item = []
                for latency_ms_type_0_item_item_data in latency_ms_type_0_item_data:
                    latency_ms_type_0_item_item: float | int
                    latency_ms_type_0_item_item = latency_ms_type_0_item_item_data
                    latency_ms_type_0_item.append(latency_ms_type_0_item_item)

                latency_ms.append(latency_ms_type_0_item)

        else:
            latency_ms = self.latency_ms

        source: None | str | Unset
        if isinstance(self.source, Unset):
            source = UNSET
        else:
            source = self.source

        proposal_id: int | None | Unset
        if isinstance(self.proposal_id, Unset):
            proposal_id = UNSET
        else:
            proposal_id = self.proposal_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "model": model,
                "gpu_type": gpu_type,
                "version": version,
                "weights_gib": weights_gib,
                "workspace_gib_per_item": workspace_gib_per_item,
                "batch_size_max": batch_size_max,
                "created_at": created_at,
                "measured_since": measured_since,
            }
        )
        if alpha_ms is not UNSET:
            field_dict["alpha_ms"] = alpha_ms
        if beta_ms is not UNSET:
            field_dict["beta_ms"] = beta_ms
        if latency_ms is not UNSET:
            field_dict["latency_ms"] = latency_ms
        if source is not UNSET:
            field_dict["source"] = source
        if proposal_id is not UNSET:
            field_dict["proposal_id"] = proposal_id

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        model = d.pop("model")

        gpu_type = d.pop("gpu_type")

        version = d.pop("version")

        weights_gib = d.pop("weights_gib")

        workspace_gib_per_item = d.pop("workspace_gib_per_item")

        batch_size_max = d.pop("batch_size_max")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        measured_since = datetime.datetime.fromisoformat(d.pop("measured_since"))

        def _parse_alpha_ms(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        alpha_ms = _parse_alpha_ms(d.pop("alpha_ms", UNSET))

        def _parse_beta_ms(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        beta_ms = _parse_beta_ms(d.pop("beta_ms", UNSET))

        def _parse_latency_ms(data: object) -> list[list[float | int]] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                latency_ms_type_0 = []
                _latency_ms_type_0 = data
                for latency_ms_type_0_item_data in _latency_ms_type_0:
                    latency_ms_type_0_item = []
                    _latency_ms_type_0_item = latency_ms_type_0_item_data
                    for latency_ms_type_0_item_item_data in _latency_ms_type_0_item:

                        def _parse_latency_ms_type_0_item_item(data: object) -> float | int:
                            return cast(float | int, data)

                        latency_ms_type_0_item_item = _parse_latency_ms_type_0_item_item(
                            latency_ms_type_0_item_item_data
                        )

                        latency_ms_type_0_item.append(latency_ms_type_0_item_item)

                    latency_ms_type_0.append(latency_ms_type_0_item)

                return latency_ms_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[list[float | int]] | None | Unset, data)

        latency_ms = _parse_latency_ms(d.pop("latency_ms", UNSET))

        def _parse_source(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        source = _parse_source(d.pop("source", UNSET))

        def _parse_proposal_id(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        proposal_id = _parse_proposal_id(d.pop("proposal_id", UNSET))

        profile_version_out = cls(
            model=model,
            gpu_type=gpu_type,
            version=version,
            weights_gib=weights_gib,
            workspace_gib_per_item=workspace_gib_per_item,
            batch_size_max=batch_size_max,
            created_at=created_at,
            measured_since=measured_since,
            alpha_ms=alpha_ms,
            beta_ms=beta_ms,
            latency_ms=latency_ms,
            source=source,
            proposal_id=proposal_id,
        )

        profile_version_out.additional_properties = d
        return profile_version_out

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
