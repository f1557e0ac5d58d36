from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.scope import Scope
from ..types import UNSET, Unset

T = TypeVar("T", bound="TokenBody")


@_attrs_define
class TokenBody:
    """A token to be made."""

    name: str
    """ As the audit log shows it. """
    scopes: list[Scope]
    fleets: list[str] | Unset = UNSET
    """ `*` means every fleet. """
    days: float | None | Unset = UNSET
    """ How long it is good; by default until it is revoked. """

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        scopes = []
        for scopes_item_data in self.scopes:
            scopes_item = scopes_item_data.value
            scopes.append(scopes_item)

        fleets: list[str] | Unset = UNSET
        if not isinstance(self.fleets, Unset):
            fleets = self.fleets

        days: float | None | Unset
        if isinstance(self.days, Unset):
            days = UNSET
        else:
            days = self.days

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "scopes": scopes,
            }
        )
        if fleets is not UNSET:
            field_dict["fleets"] = fleets
        if days is not UNSET:
            field_dict["days"] = days

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        scopes = []
        _scopes = d.pop("scopes")
        for scopes_item_data in _scopes:
            scopes_item = Scope(scopes_item_data)

            scopes.append(scopes_item)

        fleets = cast(list[str], d.pop("fleets", UNSET))

        def _parse_days(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        days = _parse_days(d.pop("days", UNSET))

        token_body = cls(
            name=name,
            scopes=scopes,
            fleets=fleets,
            days=days,
        )

        return token_body
