from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.import_body_plan import ImportBodyPlan


T = TypeVar("T", bound="ImportBody")


@_attrs_define
class ImportBody:
    """The plan that a fleet runs by other means, to compare with.

    `plan` is a plan document of which `sub_clusters` is enough; a list of one GPU count or share holds for
    every epoch of the forecast.

    """

    plan: ImportBodyPlan
    """ In the plan's file format (docs/reference/plan.schema.json). """
    forecast_id: int | None | Unset = UNSET
    """ Whose demand it is judged by; default: the newest. """
    as_it_is: bool | Unset = False
    """ Take it although it breaks rules: it runs, whatever they say. """
    note: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        plan = self.plan.to_dict()

        forecast_id: int | None | Unset
        if isinstance(self.forecast_id, Unset):
            forecast_id = UNSET
        else:
            forecast_id = self.forecast_id

        as_it_is = self.as_it_is

        note: None | str | Unset
        if isinstance(self.note, Unset):
            note = UNSET
        else:
            note = self.note

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "plan": plan,
            }
        )
        if forecast_id is not UNSET:
            field_dict["forecast_id"] = forecast_id
        if as_it_is is not UNSET:
            field_dict["as_it_is"] = as_it_is
        if note is not UNSET:
            field_dict["note"] = note

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.import_body_plan import ImportBodyPlan  # noqa: PLC0415

        d = dict(src_dict)
        plan = ImportBodyPlan.from_dict(d.pop("plan"))

        def _parse_forecast_id(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        forecast_id = _parse_forecast_id(d.pop("forecast_id", UNSET))

        as_it_is = d.pop("as_it_is", UNSET)

        def _parse_note(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        note = _parse_note(d.pop("note", UNSET))

        import_body = cls(
            plan=plan,
            forecast_id=forecast_id,
            as_it_is=as_it_is,
            note=note,
        )

        return import_body
