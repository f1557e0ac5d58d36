from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.plan_summary_out import PlanSummaryOut


T = TypeVar("T", bound="ImportedOut")


@_attrs_define
class ImportedOut:
    """The imported plan, and the rules that it breaks."""

    plan: PlanSummaryOut
    """ A plan version: what it costs, in dollars per hour over the horizon, and what is proven about it. """
    violations: list[str]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        plan = self.plan.to_dict()

        violations = self.violations

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "plan": plan,
                "violations": violations,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.plan_summary_out import PlanSummaryOut  # noqa: PLC0415

        d = dict(src_dict)
        plan = PlanSummaryOut.from_dict(d.pop("plan"))

        violations = cast(list[str], d.pop("violations"))

        imported_out = cls(
            plan=plan,
            violations=violations,
        )

        imported_out.additional_properties = d
        return imported_out

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
