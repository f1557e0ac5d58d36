from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.delays_out import DelaysOut
    from ..models.reporting_out import ReportingOut
    from ..models.rules_out import RulesOut
    from ..models.served_model_out import ServedModelOut


T = TypeVar("T", bound="SubClusterSpecOut")


@_attrs_define
class SubClusterSpecOut:
    """What a dispatcher must know to run one sub-cluster of one plan version."""

    id: str
    plan_version: int
    gpus: int
    models: list[ServedModelOut]
    rules: RulesOut
    delays: DelaysOut
    reporting: None | ReportingOut
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.reporting_out import ReportingOut  # noqa: PLC0415

        id = self.id

        plan_version = self.plan_version

        gpus = self.gpus

        models = []
        for models_item_data in self.models:
            models_item = models_item_data.to_dict()
            models.append(models_item)

        rules = self.rules.to_dict()

        delays = self.delays.to_dict()

        reporting: dict[str, Any] | None
        if isinstance(self.reporting, ReportingOut):
            reporting = self.reporting.to_dict()
        else:
            reporting = self.reporting

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "plan_version": plan_version,
                "gpus": gpus,
                "models": models,
                "rules": rules,
                "delays": delays,
                "reporting": reporting,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.delays_out import DelaysOut  # noqa: PLC0415
        from ..models.reporting_out import ReportingOut  # noqa: PLC0415
        from ..models.rules_out import RulesOut  # noqa: PLC0415
        from ..models.served_model_out import ServedModelOut  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        plan_version = d.pop("plan_version")

        gpus = d.pop("gpus")

        models = []
        _models = d.pop("models")
        for models_item_data in _models:
            models_item = ServedModelOut.from_dict(models_item_data)

            models.append(models_item)

        rules = RulesOut.from_dict(d.pop("rules"))

        delays = DelaysOut.from_dict(d.pop("delays"))

        def _parse_reporting(data: object) -> None | ReportingOut:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                reporting_type_0 = ReportingOut.from_dict(data)

                return reporting_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ReportingOut, data)

        reporting = _parse_reporting(d.pop("reporting"))

        sub_cluster_spec_out = cls(
            id=id,
            plan_version=plan_version,
            gpus=gpus,
            models=models,
            rules=rules,
            delays=delays,
            reporting=reporting,
        )

        sub_cluster_spec_out.additional_properties = d
        return sub_cluster_spec_out

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
