from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.clashing_rule_out import ClashingRuleOut


T = TypeVar("T", bound="ClashOut")


@_attrs_define
class ClashOut:
    """Rules that cannot all hold."""

    rules: list[ClashingRuleOut]
    is_minimal: bool
    """ Without any one of them the others can hold. """
    is_proven: bool
    is_helpless: bool
    """ Nothing that was tried helps. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        rules = []
        for rules_item_data in self.rules:
            rules_item = rules_item_data.to_dict()
            rules.append(rules_item)

        is_minimal = self.is_minimal

        is_proven = self.is_proven

        is_helpless = self.is_helpless

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "rules": rules,
                "is_minimal": is_minimal,
                "is_proven": is_proven,
                "is_helpless": is_helpless,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.clashing_rule_out import ClashingRuleOut  # noqa: PLC0415

        d = dict(src_dict)
        rules = []
        _rules = d.pop("rules")
        for rules_item_data in _rules:
            rules_item = ClashingRuleOut.from_dict(rules_item_data)

            rules.append(rules_item)

        is_minimal = d.pop("is_minimal")

        is_proven = d.pop("is_proven")

        is_helpless = d.pop("is_helpless")

        clash_out = cls(
            rules=rules,
            is_minimal=is_minimal,
            is_proven=is_proven,
            is_helpless=is_helpless,
        )

        clash_out.additional_properties = d
        return clash_out

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
