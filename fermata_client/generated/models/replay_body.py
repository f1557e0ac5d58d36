from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.replay_body_solver import ReplayBodySolver
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.policy_body import PolicyBody


T = TypeVar("T", bound="ReplayBody")


@_attrs_define
class ReplayBody:
    """Which day to replay and how to plan it."""

    day: datetime.date
    """ In UTC. """
    solver: ReplayBodySolver | Unset = ReplayBodySolver.AUTO
    time_limit_s: float | Unset = 10.0
    """ The solver's time, in seconds. """
    seed: int | Unset = 0
    policy: PolicyBody | Unset = UNSET
    """ The rules a plan must keep; null means no limit. """
    demand_quantile: float | None | Unset = UNSET
    """ null takes that of the fleet's policy. """

    def to_dict(self) -> dict[str, Any]:
        day = self.day.isoformat()

        solver: str | Unset = UNSET
        if not isinstance(self.solver, Unset):
            solver = self.solver.value

        time_limit_s = self.time_limit_s

        seed = self.seed

        policy: dict[str, Any] | Unset = UNSET
        if not isinstance(self.policy, Unset):
            policy = self.policy.to_dict()

        demand_quantile: float | None | Unset
        if isinstance(self.demand_quantile, Unset):
            demand_quantile = UNSET
        else:
            demand_quantile = self.demand_quantile

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "day": day,
            }
        )
        if solver is not UNSET:
            field_dict["solver"] = solver
        if time_limit_s is not UNSET:
            field_dict["time_limit_s"] = time_limit_s
        if seed is not UNSET:
            field_dict["seed"] = seed
        if policy is not UNSET:
            field_dict["policy"] = policy
        if demand_quantile is not UNSET:
            field_dict["demand_quantile"] = demand_quantile

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.policy_body import PolicyBody  # noqa: PLC0415

        d = dict(src_dict)
        day = datetime.date.fromisoformat(d.pop("day"))

        _solver = d.pop("solver", UNSET)
        solver: ReplayBodySolver | Unset
        if isinstance(_solver, Unset):
            solver = UNSET
        else:
            solver = ReplayBodySolver(_solver)

        time_limit_s = d.pop("time_limit_s", UNSET)

        seed = d.pop("seed", UNSET)

        _policy = d.pop("policy", UNSET)
        policy: PolicyBody | Unset
        if isinstance(_policy, Unset):
            policy = UNSET
        else:
            policy = PolicyBody.from_dict(_policy)

        def _parse_demand_quantile(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        demand_quantile = _parse_demand_quantile(d.pop("demand_quantile", UNSET))

        replay_body = cls(
            day=day,
            solver=solver,
            time_limit_s=time_limit_s,
            seed=seed,
            policy=policy,
            demand_quantile=demand_quantile,
        )

        return replay_body
