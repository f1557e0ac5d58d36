from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.binding_out import BindingOut
    from ..models.refusal_out import RefusalOut
    from ..models.shortfall_out import ShortfallOut
    from ..models.worth_out import WorthOut


T = TypeVar("T", bound="ExplanationOut")


@_attrs_define
class ExplanationOut:
    """Why a plan is as it is.

    `shortfall` is null where all demand is served; where it is not, `gpus` and `rules` are empty.

    """

    plan_version: int
    problem_digest: str
    cost_usd_per_hour: float | None
    bound: float | None
    gap: float | None
    shortfall: None | ShortfallOut
    bindings: list[BindingOut]
    refusals: list[RefusalOut]
    gpus: list[WorthOut]
    rules: list[WorthOut]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.shortfall_out import ShortfallOut  # noqa: PLC0415

        plan_version = self.plan_version

        problem_digest = self.problem_digest

        cost_usd_per_hour: float | None
        cost_usd_per_hour = self.cost_usd_per_hour

        bound: float | None
        bound = self.bound

        gap: float | None
        gap = self.gap

        shortfall: dict[str, Any] | None
        if isinstance(self.shortfall, ShortfallOut):
            shortfall = self.shortfall.to_dict()
        else:
            shortfall = self.shortfall

        bindings = []
        for bindings_item_data in self.bindings:
            bindings_item = bindings_item_data.to_dict()
            bindings.append(bindings_item)

        refusals = []
        for refusals_item_data in self.refusals:
            refusals_item = refusals_item_data.to_dict()
            refusals.append(refusals_item)

        gpus = []
        for gpus_item_data in self.gpus:
            gpus_item = gpus_item_data.to_dict()
            gpus.append(gpus_item)

        rules = []
        for rules_item_data in self.rules:
            rules_item = rules_item_data.to_dict()
            rules.append(rules_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "plan_version": plan_version,
                "problem_digest": problem_digest,
                "cost_usd_per_hour": cost_usd_per_hour,
                "bound": bound,
                "gap": gap,
                "shortfall": shortfall,
                "bindings": bindings,
                "refusals": refusals,
                "gpus": gpus,
                "rules": rules,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.binding_out import BindingOut  # noqa: PLC0415
        from ..models.refusal_out import RefusalOut  # noqa: PLC0415
        from ..models.shortfall_out import ShortfallOut  # noqa: PLC0415
        from ..models.worth_out import WorthOut  # noqa: PLC0415

        d = dict(src_dict)
        plan_version = d.pop("plan_version")

        problem_digest = d.pop("problem_digest")

        def _parse_cost_usd_per_hour(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        cost_usd_per_hour = _parse_cost_usd_per_hour(d.pop("cost_usd_per_hour"))

        def _parse_bound(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        bound = _parse_bound(d.pop("bound"))

        def _parse_gap(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        gap = _parse_gap(d.pop("gap"))

        def _parse_shortfall(data: object) -> None | ShortfallOut:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                shortfall_type_0 = ShortfallOut.from_dict(data)

                return shortfall_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ShortfallOut, data)

        shortfall = _parse_shortfall(d.pop("shortfall"))

        bindings = []
        _bindings = d.pop("bindings")
        for bindings_item_data in _bindings:
            bindings_item = BindingOut.from_dict(bindings_item_data)

            bindings.append(bindings_item)

        refusals = []
        _refusals = d.pop("refusals")
        for refusals_item_data in _refusals:
            refusals_item = RefusalOut.from_dict(refusals_item_data)

            refusals.append(refusals_item)

        gpus = []
        _gpus = d.pop("gpus")
        for gpus_item_data in _gpus:
            gpus_item = WorthOut.from_dict(gpus_item_data)

            gpus.append(gpus_item)

        rules = []
        _rules = d.pop("rules")
        for rules_item_data in _rules:
            rules_item = WorthOut.from_dict(rules_item_data)

            rules.append(rules_item)

        explanation_out = cls(
            plan_version=plan_version,
            problem_digest=problem_digest,
            cost_usd_per_hour=cost_usd_per_hour,
            bound=bound,
            gap=gap,
            shortfall=shortfall,
            bindings=bindings,
            refusals=refusals,
            gpus=gpus,
            rules=rules,
        )

        explanation_out.additional_properties = d
        return explanation_out

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
