from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.plan_state import PlanState

if TYPE_CHECKING:
    from ..models.plan_summary_out_options import PlanSummaryOutOptions


T = TypeVar("T", bound="PlanSummaryOut")


@_attrs_define
class PlanSummaryOut:
    """A plan version: what it costs, in dollars per hour over the horizon, and what is proven about it."""

    version: int
    state: PlanState
    """ draft -> certified -> approved -> active -> superseded; a superseded plan may become active again. """
    run_id: str
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
    options: PlanSummaryOutOptions
    seed: int
    created_at: datetime.datetime
    certificate_passed: bool | None
    certificate_bad_rate: float | None
    """ Of the worst sub-cluster in simulation. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        version = self.version

        state = self.state.value

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

        certificate_passed: bool | None
        certificate_passed = self.certificate_passed

        certificate_bad_rate: float | None
        certificate_bad_rate = self.certificate_bad_rate

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "version": version,
                "state": state,
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
                "certificate_passed": certificate_passed,
                "certificate_bad_rate": certificate_bad_rate,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.plan_summary_out_options import PlanSummaryOutOptions  # noqa: PLC0415

        d = dict(src_dict)
        version = d.pop("version")

        state = PlanState(d.pop("state"))

        run_id = d.pop("run_id")

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

        options = PlanSummaryOutOptions.from_dict(d.pop("options"))

        seed = d.pop("seed")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

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

        plan_summary_out = cls(
            version=version,
            state=state,
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
            certificate_passed=certificate_passed,
            certificate_bad_rate=certificate_bad_rate,
        )

        plan_summary_out.additional_properties = d
        return plan_summary_out

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
