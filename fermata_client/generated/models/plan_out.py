from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.plan_origin import PlanOrigin
from ..models.plan_state import PlanState

if TYPE_CHECKING:
    from ..models.plan_out_options import PlanOutOptions
    from ..models.plan_out_plan import PlanOutPlan


T = TypeVar("T", bound="PlanOut")


@_attrs_define
class PlanOut:
    """A plan version, whole; `plan` is in the plan's file format (docs/reference/plan.schema.json)."""

    version: int
    plan_id: str
    """ Digest of plan, problem and certificate; approvals are bound to it. """
    state: PlanState
    """ draft -> certified -> approved -> active -> superseded; a superseded plan may become active again.

    Before it is active a plan may be ``rejected`` by a person or ``expired`` by its age: both are final.
    ``imported`` is what somebody says is running; it is compared with, never activated. """
    origin: PlanOrigin
    """ Where a plan comes from: solved by a run, an earlier plan certified again, or handed in. """
    recertifies: int | None
    """ The earlier version that it repeats, if it does. """
    run_id: None | str
    """ null for an imported plan. """
    forecast_id: int
    problem_digest: str
    status: str
    """ What the solver said: optimal, feasible, partial. """
    objective: float
    bound: float
    """ No plan of the formulation costs less. """
    gap: float
    """ (objective - bound) / objective. """
    fluid_bound: float
    """ No plan at all costs less. """
    physical_gap: float
    """ (objective - fluid_bound) / objective. """
    cost_usd_per_hour: float
    sub_cluster_count: int
    gpu_count: int
    solver: str
    options: PlanOutOptions
    seed: int
    created_at: datetime.datetime
    horizon_end: datetime.datetime | None
    """ When its last epoch ends. """
    certificate_passed: bool | None
    certificate_bad_rate: float | None
    """ Of the worst sub-cluster in simulation. """
    plan: PlanOutPlan
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        version = self.version

        plan_id = self.plan_id

        state = self.state.value

        origin = self.origin.value

        recertifies: int | None
        recertifies = self.recertifies

        run_id: None | str
        run_id = self.run_id

        forecast_id = self.forecast_id

        problem_digest = self.problem_digest

        status = self.status

        objective = self.objective

        bound = self.bound

        gap = self.gap

        fluid_bound = self.fluid_bound

        physical_gap = self.physical_gap

        cost_usd_per_hour = self.cost_usd_per_hour

        sub_cluster_count = self.sub_cluster_count

        gpu_count = self.gpu_count

        solver = self.solver

        options = self.options.to_dict()

        seed = self.seed

        created_at = self.created_at.isoformat()

        horizon_end: None | str
        if isinstance(self.horizon_end, datetime.datetime):
            horizon_end = self.horizon_end.isoformat()
        else:
            horizon_end = self.horizon_end

        certificate_passed: bool | None
        certificate_passed = self.certificate_passed

        certificate_bad_rate: float | None
        certificate_bad_rate = self.certificate_bad_rate

        plan = self.plan.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "version": version,
                "plan_id": plan_id,
                "state": state,
                "origin": origin,
                "recertifies": recertifies,
                "run_id": run_id,
                "forecast_id": forecast_id,
                "problem_digest": problem_digest,
                "status": status,
                "objective": objective,
                "bound": bound,
                "gap": gap,
                "fluid_bound": fluid_bound,
                "physical_gap": physical_gap,
                "cost_usd_per_hour": cost_usd_per_hour,
                "sub_cluster_count": sub_cluster_count,
                "gpu_count": gpu_count,
                "solver": solver,
                "options": options,
                "seed": seed,
                "created_at": created_at,
                "horizon_end": horizon_end,
                "certificate_passed": certificate_passed,
                "certificate_bad_rate": certificate_bad_rate,
                "plan": plan,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.plan_out_options import PlanOutOptions  # noqa: PLC0415
        from ..models.plan_out_plan import PlanOutPlan  # noqa: PLC0415

        d = dict(src_dict)
        version = d.pop("version")

        plan_id = d.pop("plan_id")

        state = PlanState(d.pop("state"))

        origin = PlanOrigin(d.pop("origin"))

        def _parse_recertifies(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        recertifies = _parse_recertifies(d.pop("recertifies"))

        def _parse_run_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        run_id = _parse_run_id(d.pop("run_id"))

        forecast_id = d.pop("forecast_id")

        problem_digest = d.pop("problem_digest")

        status = d.pop("status")

        objective = d.pop("objective")

        bound = d.pop("bound")

        gap = d.pop("gap")

        fluid_bound = d.pop("fluid_bound")

        physical_gap = d.pop("physical_gap")

        cost_usd_per_hour = d.pop("cost_usd_per_hour")

        sub_cluster_count = d.pop("sub_cluster_count")

        gpu_count = d.pop("gpu_count")

        solver = d.pop("solver")

        options = PlanOutOptions.from_dict(d.pop("options"))

        seed = d.pop("seed")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_horizon_end(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                horizon_end_type_0 = datetime.datetime.fromisoformat(data)

                return horizon_end_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        horizon_end = _parse_horizon_end(d.pop("horizon_end"))

        def _parse_certificate_passed(data: object) -> bool | None:
            if data is None:
                return data
            return cast(bool | None, data)

        certificate_passed = _parse_certificate_passed(d.pop("certificate_passed"))

        def _parse_certificate_bad_rate(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        certificate_bad_rate = _parse_certificate_bad_rate(d.pop("certificate_bad_rate"))

        plan = PlanOutPlan.from_dict(d.pop("plan"))

        plan_out = cls(
            version=version,
            plan_id=plan_id,
            state=state,
            origin=origin,
            recertifies=recertifies,
            run_id=run_id,
            forecast_id=forecast_id,
            problem_digest=problem_digest,
            status=status,
            objective=objective,
            bound=bound,
            gap=gap,
            fluid_bound=fluid_bound,
            physical_gap=physical_gap,
            cost_usd_per_hour=cost_usd_per_hour,
            sub_cluster_count=sub_cluster_count,
            gpu_count=gpu_count,
            solver=solver,
            options=options,
            seed=seed,
            created_at=created_at,
            horizon_end=horizon_end,
            certificate_passed=certificate_passed,
            certificate_bad_rate=certificate_bad_rate,
            plan=plan,
        )

        plan_out.additional_properties = d
        return plan_out

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
