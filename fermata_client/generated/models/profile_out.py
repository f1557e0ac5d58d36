from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="ProfileOut")


@_attrs_define
class ProfileOut:
    """A registered profile: `alpha_ms` and `beta_ms`, or `latency_ms`."""

    model: str
    gpu_type: str
    weights_gib: float
    workspace_gib_per_item: float
    batch_size_max: int
    version: int
    """ 1 for the first that was registered, then 2 and so on. """
    alpha_ms: float | None | Unset = UNSET
    beta_ms: float | None | Unset = UNSET
    latency_ms: list[list[float | int]] | None | Unset = UNSET
    source: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        model = self.model

        gpu_type = self.gpu_type

        weights_gib = self.weights_gib

        workspace_gib_per_item = self.workspace_gib_per_item

        batch_size_max = self.batch_size_max

        version = self.version

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

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "model": model,
                "gpu_type": gpu_type,
                "weights_gib": weights_gib,
                "workspace_gib_per_item": workspace_gib_per_item,
                "batch_size_max": batch_size_max,
                "version": version,
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

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        model = d.pop("model")

        gpu_type = d.pop("gpu_type")

        weights_gib = d.pop("weights_gib")

        workspace_gib_per_item = d.pop("workspace_gib_per_item")

        batch_size_max = d.pop("batch_size_max")

        version = d.pop("version")

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

        profile_out = cls(
            model=model,
            gpu_type=gpu_type,
            weights_gib=weights_gib,
            workspace_gib_per_item=workspace_gib_per_item,
            batch_size_max=batch_size_max,
            version=version,
            alpha_ms=alpha_ms,
            beta_ms=beta_ms,
            latency_ms=latency_ms,
            source=source,
        )

        profile_out.additional_properties = d
        return profile_out

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
