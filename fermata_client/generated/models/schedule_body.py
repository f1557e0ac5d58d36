from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

from ..models.schedule_body_solver import ScheduleBodySolver
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.policy_body import PolicyBody


T = TypeVar("T", bound="ScheduleBody")


@_attrs_define
class ScheduleBody:
    """When to plan the fleet again by itself, and how."""

    cron: str
    """ Minute, hour, day of month, month, day of week. """
    time_zone: str | Unset = "UTC"
    """ IANA name. A time that the clocks skip is due right after the gap, one that they show twice the first time
    only. """
    enabled: bool | Unset = True
    """ Whether servers take slots up by themselves. """
    horizon_hours: int | Unset = 24
    """ How far ahead to plan. """
    solver: ScheduleBodySolver | Unset = ScheduleBodySolver.AUTO
    time_limit_s: float | Unset = 60.0
    """ The solver's time, in seconds. """
    seed: int | Unset = 0
    use_observed: bool | Unset = True
    """ Correct demand by the load observed. """
    policy: PolicyBody | Unset = UNSET
    """ The rules a plan must keep; null means no limit. """

    def to_dict(self) -> dict[str, Any]:
        cron = self.cron

        time_zone = self.time_zone

        enabled = self.enabled

        horizon_hours = self.horizon_hours

        solver: str | Unset = UNSET
        if not isinstance(self.solver, Unset):
            solver = self.solver.value

        time_limit_s = self.time_limit_s

        seed = self.seed

        use_observed = self.use_observed

        policy: dict[str, Any] | Unset = UNSET
        if not isinstance(self.policy, Unset):
            policy = self.policy.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "cron": cron,
            }
        )
        if time_zone is not UNSET:
            field_dict["time_zone"] = time_zone
        if enabled is not UNSET:
            field_dict["enabled"] = enabled
        if horizon_hours is not UNSET:
            field_dict["horizon_hours"] = horizon_hours
        if solver is not UNSET:
            field_dict["solver"] = solver
        if time_limit_s is not UNSET:
            field_dict["time_limit_s"] = time_limit_s
        if seed is not UNSET:
            field_dict["seed"] = seed
        if use_observed is not UNSET:
            field_dict["use_observed"] = use_observed
        if policy is not UNSET:
            field_dict["policy"] = policy

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.policy_body import PolicyBody  # noqa: PLC0415

        d = dict(src_dict)
        cron = d.pop("cron")

        time_zone = d.pop("time_zone", UNSET)

        enabled = d.pop("enabled", UNSET)

        horizon_hours = d.pop("horizon_hours", UNSET)

        _solver = d.pop("solver", UNSET)
        solver: ScheduleBodySolver | Unset
        if isinstance(_solver, Unset):
            solver = UNSET
        else:
            solver = ScheduleBodySolver(_solver)

        time_limit_s = d.pop("time_limit_s", UNSET)

        seed = d.pop("seed", UNSET)

        use_observed = d.pop("use_observed", UNSET)

        _policy = d.pop("policy", UNSET)
        policy: PolicyBody | Unset
        if isinstance(_policy, Unset):
            policy = UNSET
        else:
            policy = PolicyBody.from_dict(_policy)

        schedule_body = cls(
            cron=cron,
            time_zone=time_zone,
            enabled=enabled,
            horizon_hours=horizon_hours,
            solver=solver,
            time_limit_s=time_limit_s,
            seed=seed,
            use_observed=use_observed,
            policy=policy,
        )

        return schedule_body
