from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.clash_out import ClashOut
    from ..models.hopeless_model_out import HopelessModelOut
    from ..models.relaxation_out import RelaxationOut


T = TypeVar("T", bound="ShortfallOut")


@_attrs_define
class ShortfallOut:
    """Why demand is left out, and what would help."""

    hopeless: list[HopelessModelOut]
    clash: ClashOut | None
    relaxations: list[RelaxationOut]
    in_vain: list[str]
    untried: list[str]
    """ What the time did not suffice for. """
    problems_solved: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.clash_out import ClashOut  # noqa: PLC0415

        hopeless = []
        for hopeless_item_data in self.hopeless:
            hopeless_item = hopeless_item_data.to_dict()
            hopeless.append(hopeless_item)

        clash: dict[str, Any] | None
        if isinstance(self.clash, ClashOut):
            clash = self.clash.to_dict()
        else:
            clash = self.clash

        relaxations = []
        for relaxations_item_data in self.relaxations:
            relaxations_item = relaxations_item_data.to_dict()
            relaxations.append(relaxations_item)

        in_vain = self.in_vain

        untried = self.untried

        problems_solved = self.problems_solved

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "hopeless": hopeless,
                "clash": clash,
                "relaxations": relaxations,
                "in_vain": in_vain,
                "untried": untried,
                "problems_solved": problems_solved,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.clash_out import ClashOut  # noqa: PLC0415
        from ..models.hopeless_model_out import HopelessModelOut  # noqa: PLC0415
        from ..models.relaxation_out import RelaxationOut  # noqa: PLC0415

        d = dict(src_dict)
        hopeless = []
        _hopeless = d.pop("hopeless")
        for hopeless_item_data in _hopeless:
            hopeless_item = HopelessModelOut.from_dict(hopeless_item_data)

            hopeless.append(hopeless_item)

        def _parse_clash(data: object) -> ClashOut | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                clash_type_0 = ClashOut.from_dict(data)

                return clash_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ClashOut | None, data)

        clash = _parse_clash(d.pop("clash"))

        relaxations = []
        _relaxations = d.pop("relaxations")
        for relaxations_item_data in _relaxations:
            relaxations_item = RelaxationOut.from_dict(relaxations_item_data)

            relaxations.append(relaxations_item)

        in_vain = cast(list[str], d.pop("in_vain"))

        untried = cast(list[str], d.pop("untried"))

        problems_solved = d.pop("problems_solved")

        shortfall_out = cls(
            hopeless=hopeless,
            clash=clash,
            relaxations=relaxations,
            in_vain=in_vain,
            untried=untried,
            problems_solved=problems_solved,
        )

        shortfall_out.additional_properties = d
        return shortfall_out

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
