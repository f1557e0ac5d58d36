from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="ModelProfileBody")


@_attrs_define
class ModelProfileBody:
    """What a model costs on one GPU type.

    The latency of a batch of b is `alpha_ms * b + beta_ms`, or a table `latency_ms` of pairs
    [batch size, milliseconds], linear between them.

    """

    gpu_type: str
    """ Letters, digits and any of . _ + : @ - """
    weights_gib: float
    """ Memory of the weights, in GiB. """
    alpha_ms: float | None | Unset = UNSET
    """ Cost of one more request in the batch, in ms. """
    beta_ms: float | None | Unset = UNSET
    """ Fixed cost of a batch, in ms. """
    latency_ms: list[list[float | int]] | None | Unset = UNSET
    """ Pairs [batch size, ms]; sizes rise, latencies do not fall. """
    workspace_gib_per_item: float | Unset = 0.0
    """ Further memory for each request of a batch, in GiB. """
    batch_size_max: int | None | Unset = UNSET
    """ Largest batch; the table's last, or 64 for an affine curve. """
    source: None | str | Unset = UNSET
    """ Where the numbers come from. """

    def to_dict(self) -> dict[str, Any]:
        gpu_type = self.gpu_type

        weights_gib = self.weights_gib

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

        workspace_gib_per_item = self.workspace_gib_per_item

        batch_size_max: int | None | Unset
        if isinstance(self.batch_size_max, Unset):
            batch_size_max = UNSET
        else:
            batch_size_max = self.batch_size_max

        source: None | str | Unset
        if isinstance(self.source, Unset):
            source = UNSET
        else:
            source = self.source

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "gpu_type": gpu_type,
                "weights_gib": weights_gib,
            }
        )
        if alpha_ms is not UNSET:
            field_dict["alpha_ms"] = alpha_ms
        if beta_ms is not UNSET:
            field_dict["beta_ms"] = beta_ms
        if latency_ms is not UNSET:
            field_dict["latency_ms"] = latency_ms
        if workspace_gib_per_item is not UNSET:
            field_dict["workspace_gib_per_item"] = workspace_gib_per_item
        if batch_size_max is not UNSET:
            field_dict["batch_size_max"] = batch_size_max
        if source is not UNSET:
            field_dict["source"] = source

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        gpu_type = d.pop("gpu_type")

        weights_gib = d.pop("weights_gib")

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

        workspace_gib_per_item = d.pop("workspace_gib_per_item", UNSET)

        def _parse_batch_size_max(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        batch_size_max = _parse_batch_size_max(d.pop("batch_size_max", UNSET))

        def _parse_source(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        source = _parse_source(d.pop("source", UNSET))

        model_profile_body = cls(
            gpu_type=gpu_type,
            weights_gib=weights_gib,
            alpha_ms=alpha_ms,
            beta_ms=beta_ms,
            latency_ms=latency_ms,
            workspace_gib_per_item=workspace_gib_per_item,
            batch_size_max=batch_size_max,
            source=source,
        )

        return model_profile_body
