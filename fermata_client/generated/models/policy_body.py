from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.policy_body_gpus import PolicyBodyGpus
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.delays_body import DelaysBody


T = TypeVar("T", bound="PolicyBody")


@_attrs_define
class PolicyBody:
    """The rules a plan must keep; null means no limit."""

    sub_cluster_gpus_max: int | Unset = 64
    scheduler_rate_rps_max: float | None | Unset = UNSET
    """ Requests per second that one dispatcher may have to schedule. """
    bad_rate_max: float | Unset = 0.01
    """ Share of requests that may be late, dropped or rejected. """
    churn_gib_max: float | None | Unset = UNSET
    """ Weights that may be loaded to leave the active plan, in GiB. """
    replan_worth_min: float | None | Unset = UNSET
    """ Least (share of cost saved) / (share of GiB loaded) to replace the active plan; left out, 0.5 where the load
    is still the one that the plan was made for. """
    gpus: PolicyBodyGpus | Unset = PolicyBodyGpus.RESERVED
    """ GPUs held for the whole horizon, or sized for each epoch. """
    delays: DelaysBody | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.delays_body import DelaysBody  # noqa: PLC0415

        sub_cluster_gpus_max = self.sub_cluster_gpus_max

        scheduler_rate_rps_max: float | None | Unset
        if isinstance(self.scheduler_rate_rps_max, Unset):
            scheduler_rate_rps_max = UNSET
        else:
            scheduler_rate_rps_max = self.scheduler_rate_rps_max

        bad_rate_max = self.bad_rate_max

        churn_gib_max: float | None | Unset
        if isinstance(self.churn_gib_max, Unset):
            churn_gib_max = UNSET
        else:
            churn_gib_max = self.churn_gib_max

        replan_worth_min: float | None | Unset
        if isinstance(self.replan_worth_min, Unset):
            replan_worth_min = UNSET
        else:
            replan_worth_min = self.replan_worth_min

        gpus: str | Unset = UNSET
        if not isinstance(self.gpus, Unset):
            gpus = self.gpus.value

        delays: dict[str, Any] | None | Unset
        if isinstance(self.delays, Unset):
            delays = UNSET
        elif isinstance(self.delays, DelaysBody):
            delays = self.delays.to_dict()
        else:
            delays = self.delays

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if sub_cluster_gpus_max is not UNSET:
            field_dict["sub_cluster_gpus_max"] = sub_cluster_gpus_max
        if scheduler_rate_rps_max is not UNSET:
            field_dict["scheduler_rate_rps_max"] = scheduler_rate_rps_max
        if bad_rate_max is not UNSET:
            field_dict["bad_rate_max"] = bad_rate_max
        if churn_gib_max is not UNSET:
            field_dict["churn_gib_max"] = churn_gib_max
        if replan_worth_min is not UNSET:
            field_dict["replan_worth_min"] = replan_worth_min
        if gpus is not UNSET:
            field_dict["gpus"] = gpus
        if delays is not UNSET:
            field_dict["delays"] = delays

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.delays_body import DelaysBody  # noqa: PLC0415

        d = dict(src_dict)
        sub_cluster_gpus_max = d.pop("sub_cluster_gpus_max", UNSET)

        def _parse_scheduler_rate_rps_max(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        scheduler_rate_rps_max = _parse_scheduler_rate_rps_max(d.pop("scheduler_rate_rps_max", UNSET))

        bad_rate_max = d.pop("bad_rate_max", UNSET)

        def _parse_churn_gib_max(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        churn_gib_max = _parse_churn_gib_max(d.pop("churn_gib_max", UNSET))

        def _parse_replan_worth_min(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        replan_worth_min = _parse_replan_worth_min(d.pop("replan_worth_min", UNSET))

        _gpus = d.pop("gpus", UNSET)
        gpus: PolicyBodyGpus | Unset
        if isinstance(_gpus, Unset):
            gpus = UNSET
        else:
            gpus = PolicyBodyGpus(_gpus)

        def _parse_delays(data: object) -> DelaysBody | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                delays_type_0 = DelaysBody.from_dict(data)

                return delays_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(DelaysBody | None | Unset, data)

        delays = _parse_delays(d.pop("delays", UNSET))

        policy_body = cls(
            sub_cluster_gpus_max=sub_cluster_gpus_max,
            scheduler_rate_rps_max=scheduler_rate_rps_max,
            bad_rate_max=bad_rate_max,
            churn_gib_max=churn_gib_max,
            replan_worth_min=replan_worth_min,
            gpus=gpus,
            delays=delays,
        )

        return policy_body
