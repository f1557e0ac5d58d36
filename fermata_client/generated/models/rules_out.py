from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="RulesOut")


@_attrs_define
class RulesOut:
    policy: str
    """ When a batch that could start does start. """
    drop: None | str
    """ Which requests are given up; null for the policy's own rule. """
    timeout_share: float
    """ Share of its SLO that a head waits under the timeout policy. """
    commit_ahead_us: int
    """ How long before its GPU is free a batch is sent under the clockwork policy. """
    preemption_factor: float
    """ How many times as large a batch preempts another under the shepherd policy. """
    time_quantile: float | None
    """ The quantile of measured execution times that counts; null to trust the profile. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        policy = self.policy

        drop: None | str
        drop = self.drop

        timeout_share = self.timeout_share

        commit_ahead_us = self.commit_ahead_us

        preemption_factor = self.preemption_factor

        time_quantile: float | None
        time_quantile = self.time_quantile

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "policy": policy,
                "drop": drop,
                "timeout_share": timeout_share,
                "commit_ahead_us": commit_ahead_us,
                "preemption_factor": preemption_factor,
                "time_quantile": time_quantile,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        policy = d.pop("policy")

        def _parse_drop(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        drop = _parse_drop(d.pop("drop"))

        timeout_share = d.pop("timeout_share")

        commit_ahead_us = d.pop("commit_ahead_us")

        preemption_factor = d.pop("preemption_factor")

        def _parse_time_quantile(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        time_quantile = _parse_time_quantile(d.pop("time_quantile"))

        rules_out = cls(
            policy=policy,
            drop=drop,
            timeout_share=timeout_share,
            commit_ahead_us=commit_ahead_us,
            preemption_factor=preemption_factor,
            time_quantile=time_quantile,
        )

        rules_out.additional_properties = d
        return rules_out

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
