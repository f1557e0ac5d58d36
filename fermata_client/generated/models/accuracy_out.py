from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.verdict import Verdict

T = TypeVar("T", bound="AccuracyOut")


@_attrs_define
class AccuracyOut:
    """One model: what was said of its load, and what came."""

    model: str
    hours: int
    """ Hours that were observed. """
    hours_compared: int
    """ Hours of them of which planner and model both had spoken. """
    planner_error: float | None
    """ Sum of the planner's absolute errors over the sum of the load; null without any. """
    planner_bias: float | None
    """ The same, signed: above 0 where more was foretold. """
    model_error: float | None
    """ The measured forecast's, as it was at each day's beginning. """
    model_bias: float | None
    inside_share: float | None
    """ The part of the hours inside its 90 % interval. """
    verdict: None | Verdict
    """ Who was right: the better by more than 5 %, else both; neither where both are off by more than half of the
    load; null where there is nothing to compare. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        model = self.model

        hours = self.hours

        hours_compared = self.hours_compared

        planner_error: float | None
        planner_error = self.planner_error

        planner_bias: float | None
        planner_bias = self.planner_bias

        model_error: float | None
        model_error = self.model_error

        model_bias: float | None
        model_bias = self.model_bias

        inside_share: float | None
        inside_share = self.inside_share

        verdict: None | str
        if isinstance(self.verdict, Verdict):
            verdict = self.verdict.value
        else:
            verdict = self.verdict

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "model": model,
                "hours": hours,
                "hours_compared": hours_compared,
                "planner_error": planner_error,
                "planner_bias": planner_bias,
                "model_error": model_error,
                "model_bias": model_bias,
                "inside_share": inside_share,
                "verdict": verdict,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        model = d.pop("model")

        hours = d.pop("hours")

        hours_compared = d.pop("hours_compared")

        def _parse_planner_error(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        planner_error = _parse_planner_error(d.pop("planner_error"))

        def _parse_planner_bias(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        planner_bias = _parse_planner_bias(d.pop("planner_bias"))

        def _parse_model_error(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        model_error = _parse_model_error(d.pop("model_error"))

        def _parse_model_bias(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        model_bias = _parse_model_bias(d.pop("model_bias"))

        def _parse_inside_share(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        inside_share = _parse_inside_share(d.pop("inside_share"))

        def _parse_verdict(data: object) -> None | Verdict:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                verdict_type_0 = Verdict(data)

                return verdict_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Verdict, data)

        verdict = _parse_verdict(d.pop("verdict"))

        accuracy_out = cls(
            model=model,
            hours=hours,
            hours_compared=hours_compared,
            planner_error=planner_error,
            planner_bias=planner_bias,
            model_error=model_error,
            model_bias=model_bias,
            inside_share=inside_share,
            verdict=verdict,
        )

        accuracy_out.additional_properties = d
        return accuracy_out

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
