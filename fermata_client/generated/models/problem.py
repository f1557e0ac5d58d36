from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.fault_out import FaultOut


T = TypeVar("T", bound="Problem")


@_attrs_define
class Problem:
    """A problem detail (RFC 9457)."""

    type_: str
    """ Stable name of the kind of problem (docs/reference/errors.md). """
    title: str
    """ The kind of problem in words. """
    status: int
    """ The HTTP status. """
    detail: str
    """ What is wrong here. """
    instance: str
    """ The path that was asked for. """
    request_id: None | str | Unset = UNSET
    """ As in the header X-Request-ID. """
    hint: None | str | Unset = UNSET
    """ What to do about it. """
    faults: list[FaultOut] | None | Unset = UNSET
    """ With status 422: every fault of the input; of very many the first 10,000. """
    fault_count: int | None | Unset = UNSET
    """ With status 422: how many faults there are in all. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        title = self.title

        status = self.status

        detail = self.detail

        instance = self.instance

        request_id: None | str | Unset
        if isinstance(self.request_id, Unset):
            request_id = UNSET
        else:
            request_id = self.request_id

        hint: None | str | Unset
        if isinstance(self.hint, Unset):
            hint = UNSET
        else:
            hint = self.hint

        faults: list[dict[str, Any]] | None | Unset
        if isinstance(self.faults, Unset):
            faults = UNSET
        elif isinstance(self.faults, list):
            faults = []
            for faults_type_0_item_data in self.faults:
                faults_type_0_item = faults_type_0_item_data.to_dict()
                faults.append(faults_type_0_item)

        else:
            faults = self.faults

        fault_count: int | None | Unset
        if isinstance(self.fault_count, Unset):
            fault_count = UNSET
        else:
            fault_count = self.fault_count

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "type": type_,
                "title": title,
                "status": status,
                "detail": detail,
                "instance": instance,
            }
        )
        if request_id is not UNSET:
            field_dict["request_id"] = request_id
        if hint is not UNSET:
            field_dict["hint"] = hint
        if faults is not UNSET:
            field_dict["faults"] = faults
        if fault_count is not UNSET:
            field_dict["fault_count"] = fault_count

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.fault_out import FaultOut  # noqa: PLC0415

        d = dict(src_dict)
        type_ = d.pop("type")

        title = d.pop("title")

        status = d.pop("status")

        detail = d.pop("detail")

        instance = d.pop("instance")

        def _parse_request_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        request_id = _parse_request_id(d.pop("request_id", UNSET))

        def _parse_hint(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        hint = _parse_hint(d.pop("hint", UNSET))

        def _parse_faults(data: object) -> list[FaultOut] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                faults_type_0 = []
                _faults_type_0 = data
                for faults_type_0_item_data in _faults_type_0:
                    faults_type_0_item = FaultOut.from_dict(faults_type_0_item_data)

                    faults_type_0.append(faults_type_0_item)

                return faults_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[FaultOut] | None | Unset, data)

        faults = _parse_faults(d.pop("faults", UNSET))

        def _parse_fault_count(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        fault_count = _parse_fault_count(d.pop("fault_count", UNSET))

        problem = cls(
            type_=type_,
            title=title,
            status=status,
            detail=detail,
            instance=instance,
            request_id=request_id,
            hint=hint,
            faults=faults,
            fault_count=fault_count,
        )

        problem.additional_properties = d
        return problem

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
