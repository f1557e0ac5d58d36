from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.run_body_solver import RunBodySolver
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.policy_body import PolicyBody


T = TypeVar("T", bound="RunBody")


@_attrs_define
class RunBody:
    """Plan a forecast: solve, verify, certify, store a new plan version."""

    forecast_id: int
    solver: RunBodySolver | Unset = RunBodySolver.AUTO
    time_limit_s: float | Unset = 60.0
    """ The solver's time, in seconds. """
    seed: int | Unset = 0
    use_observed: bool | Unset = False
    """ Correct the forecast by the load observed meanwhile. """
    observed_since: datetime.datetime | None | Unset = UNSET
    """ Only intervals that start at or after this instant. """
    observed_until: datetime.datetime | None | Unset = UNSET
    """ Only intervals that start before this instant. """
    demand_quantile: float | None | Unset = UNSET
    """ The quantile of demand that is planned for, by how wrong forecasts have been and how bursty the model is
    (without observed load, by the interval submitted); null takes that of the fleet's policy. """
    policy: PolicyBody | Unset = UNSET
    """ The rules a plan must keep; null means no limit. """

    def to_dict(self) -> dict[str, Any]:
        forecast_id = self.forecast_id

        solver: str | Unset = UNSET
        if not isinstance(self.solver, Unset):
            solver = self.solver.value

        time_limit_s = self.time_limit_s

        seed = self.seed

        use_observed = self.use_observed

        observed_since: None | str | Unset
        if isinstance(self.observed_since, Unset):
            observed_since = UNSET
        elif isinstance(self.observed_since, datetime.datetime):
            observed_since = self.observed_since.isoformat()
        else:
            observed_since = self.observed_since

        observed_until: None | str | Unset
        if isinstance(self.observed_until, Unset):
            observed_until = UNSET
        elif isinstance(self.observed_until, datetime.datetime):
            observed_until = self.observed_until.isoformat()
        else:
            observed_until = self.observed_until

        demand_quantile: float | None | Unset
        if isinstance(self.demand_quantile, Unset):
            demand_quantile = UNSET
        else:
            demand_quantile = self.demand_quantile

        policy: dict[str, Any] | Unset = UNSET
        if not isinstance(self.policy, Unset):
            policy = self.policy.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "forecast_id": forecast_id,
            }
        )
        if solver is not UNSET:
            field_dict["solver"] = solver
        if time_limit_s is not UNSET:
            field_dict["time_limit_s"] = time_limit_s
        if seed is not UNSET:
            field_dict["seed"] = seed
        if use_observed is not UNSET:
            field_dict["use_observed"] = use_observed
        if observed_since is not UNSET:
            field_dict["observed_since"] = observed_since
        if observed_until is not UNSET:
            field_dict["observed_until"] = observed_until
        if demand_quantile is not UNSET:
            field_dict["demand_quantile"] = demand_quantile
        if policy is not UNSET:
            field_dict["policy"] = policy

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.policy_body import PolicyBody  # noqa: PLC0415

        d = dict(src_dict)
        forecast_id = d.pop("forecast_id")

        _solver = d.pop("solver", UNSET)
        solver: RunBodySolver | Unset
        if isinstance(_solver, Unset):
            solver = UNSET
        else:
            solver = RunBodySolver(_solver)

        time_limit_s = d.pop("time_limit_s", UNSET)

        seed = d.pop("seed", UNSET)

        use_observed = d.pop("use_observed", UNSET)

        def _parse_observed_since(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                observed_since_type_0 = datetime.datetime.fromisoformat(data)

                return observed_since_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        observed_since = _parse_observed_since(d.pop("observed_since", UNSET))

        def _parse_observed_until(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                observed_until_type_0 = datetime.datetime.fromisoformat(data)

                return observed_until_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        observed_until = _parse_observed_until(d.pop("observed_until", UNSET))

        def _parse_demand_quantile(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        demand_quantile = _parse_demand_quantile(d.pop("demand_quantile", UNSET))

        _policy = d.pop("policy", UNSET)
        policy: PolicyBody | Unset
        if isinstance(_policy, Unset):
            policy = UNSET
        else:
            policy = PolicyBody.from_dict(_policy)

        run_body = cls(
            forecast_id=forecast_id,
            solver=solver,
            time_limit_s=time_limit_s,
            seed=seed,
            use_observed=use_observed,
            observed_since=observed_since,
            observed_until=observed_until,
            demand_quantile=demand_quantile,
            policy=policy,
        )

        return run_body
