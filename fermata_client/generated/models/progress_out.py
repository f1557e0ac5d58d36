from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="ProgressOut")


@_attrs_define
class ProgressOut:
    """How far the run is; incumbent and bound in dollars per hour."""

    stage: str
    """ queued, starting, solving, verifying, certifying, storing or done. """
    solver: None | str | Unset = UNSET
    incumbent: float | None | Unset = UNSET
    bound: float | None | Unset = UNSET
    gap: float | None | Unset = UNSET
    sub_clusters_certified: int | None | Unset = UNSET
    sub_clusters: int | None | Unset = UNSET
    elapsed_s: float | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        stage = self.stage

        solver: None | str | Unset
        if isinstance(self.solver, Unset):
            solver = UNSET
        else:
            solver = self.solver

        incumbent: float | None | Unset
        if isinstance(self.incumbent, Unset):
            incumbent = UNSET
        else:
            incumbent = self.incumbent

        bound: float | None | Unset
        if isinstance(self.bound, Unset):
            bound = UNSET
        else:
            bound = self.bound

        gap: float | None | Unset
        if isinstance(self.gap, Unset):
            gap = UNSET
        else:
            gap = self.gap

        sub_clusters_certified: int | None | Unset
        if isinstance(self.sub_clusters_certified, Unset):
            sub_clusters_certified = UNSET
        else:
            sub_clusters_certified = self.sub_clusters_certified

        sub_clusters: int | None | Unset
        if isinstance(self.sub_clusters, Unset):
            sub_clusters = UNSET
        else:
            sub_clusters = self.sub_clusters

        elapsed_s: float | None | Unset
        if isinstance(self.elapsed_s, Unset):
            elapsed_s = UNSET
        else:
            elapsed_s = self.elapsed_s

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "stage": stage,
            }
        )
        if solver is not UNSET:
            field_dict["solver"] = solver
        if incumbent is not UNSET:
            field_dict["incumbent"] = incumbent
        if bound is not UNSET:
            field_dict["bound"] = bound
        if gap is not UNSET:
            field_dict["gap"] = gap
        if sub_clusters_certified is not UNSET:
            field_dict["sub_clusters_certified"] = sub_clusters_certified
        if sub_clusters is not UNSET:
            field_dict["sub_clusters"] = sub_clusters
        if elapsed_s is not UNSET:
            field_dict["elapsed_s"] = elapsed_s

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        stage = d.pop("stage")

        def _parse_solver(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        solver = _parse_solver(d.pop("solver", UNSET))

        def _parse_incumbent(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        incumbent = _parse_incumbent(d.pop("incumbent", UNSET))

        def _parse_bound(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        bound = _parse_bound(d.pop("bound", UNSET))

        def _parse_gap(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        gap = _parse_gap(d.pop("gap", UNSET))

        def _parse_sub_clusters_certified(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        sub_clusters_certified = _parse_sub_clusters_certified(d.pop("sub_clusters_certified", UNSET))

        def _parse_sub_clusters(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        sub_clusters = _parse_sub_clusters(d.pop("sub_clusters", UNSET))

        def _parse_elapsed_s(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        elapsed_s = _parse_elapsed_s(d.pop("elapsed_s", UNSET))

        progress_out = cls(
            stage=stage,
            solver=solver,
            incumbent=incumbent,
            bound=bound,
            gap=gap,
            sub_clusters_certified=sub_clusters_certified,
            sub_clusters=sub_clusters,
            elapsed_s=elapsed_s,
        )

        progress_out.additional_properties = d
        return progress_out

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
