from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.run_state import RunState

if TYPE_CHECKING:
    from ..models.progress_out import ProgressOut
    from ..models.run_out_demand_type_0 import RunOutDemandType0
    from ..models.run_out_error_type_0 import RunOutErrorType0
    from ..models.run_out_options import RunOutOptions


T = TypeVar("T", bound="RunOut")


@_attrs_define
class RunOut:
    """A run; `demand` has the forecast beside what is planned for, null where it is planned as it stands."""

    id: str
    state: RunState
    forecast_id: int
    problem_digest: str
    options: RunOutOptions
    actor: str
    created_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None
    attempts: int
    cancel_requested: bool
    progress: ProgressOut
    """ How far the run is; incumbent and bound in dollars per hour. """
    error: None | RunOutErrorType0
    """ Why it failed: code, message, and what belongs to it. """
    plan_version: int | None
    """ The plan that it made. """
    demand: None | RunOutDemandType0
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.run_out_demand_type_0 import RunOutDemandType0  # noqa: PLC0415
        from ..models.run_out_error_type_0 import RunOutErrorType0  # noqa: PLC0415

        id = self.id

        state = self.state.value

        forecast_id = self.forecast_id

        problem_digest = self.problem_digest

        options = self.options.to_dict()

        actor = self.actor

        created_at = self.created_at.isoformat()

        started_at: None | str
        if isinstance(self.started_at, datetime.datetime):
            started_at = self.started_at.isoformat()
        else:
            started_at = self.started_at

        finished_at: None | str
        if isinstance(self.finished_at, datetime.datetime):
            finished_at = self.finished_at.isoformat()
        else:
            finished_at = self.finished_at

        attempts = self.attempts

        cancel_requested = self.cancel_requested

        progress = self.progress.to_dict()

        error: dict[str, Any] | None
        if isinstance(self.error, RunOutErrorType0):
            error = self.error.to_dict()
        else:
            error = self.error

        plan_version: int | None
        plan_version = self.plan_version

        demand: dict[str, Any] | None
        if isinstance(self.demand, RunOutDemandType0):
            demand = self.demand.to_dict()
        else:
            demand = self.demand

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "state": state,
                "forecast_id": forecast_id,
                "problem_digest": problem_digest,
                "options": options,
                "actor": actor,
                "created_at": created_at,
                "started_at": started_at,
                "finished_at": finished_at,
                "attempts": attempts,
                "cancel_requested": cancel_requested,
                "progress": progress,
                "error": error,
                "plan_version": plan_version,
                "demand": demand,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.progress_out import ProgressOut  # noqa: PLC0415
        from ..models.run_out_demand_type_0 import RunOutDemandType0  # noqa: PLC0415
        from ..models.run_out_error_type_0 import RunOutErrorType0  # noqa: PLC0415
        from ..models.run_out_options import RunOutOptions  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        state = RunState(d.pop("state"))

        forecast_id = d.pop("forecast_id")

        problem_digest = d.pop("problem_digest")

        options = RunOutOptions.from_dict(d.pop("options"))

        actor = d.pop("actor")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_started_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                started_at_type_0 = datetime.datetime.fromisoformat(data)

                return started_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        started_at = _parse_started_at(d.pop("started_at"))

        def _parse_finished_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                finished_at_type_0 = datetime.datetime.fromisoformat(data)

                return finished_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        finished_at = _parse_finished_at(d.pop("finished_at"))

        attempts = d.pop("attempts")

        cancel_requested = d.pop("cancel_requested")

        progress = ProgressOut.from_dict(d.pop("progress"))

        def _parse_error(data: object) -> None | RunOutErrorType0:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                error_type_0 = RunOutErrorType0.from_dict(data)

                return error_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RunOutErrorType0, data)

        error = _parse_error(d.pop("error"))

        def _parse_plan_version(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        plan_version = _parse_plan_version(d.pop("plan_version"))

        def _parse_demand(data: object) -> None | RunOutDemandType0:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                demand_type_0 = RunOutDemandType0.from_dict(data)

                return demand_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RunOutDemandType0, data)

        demand = _parse_demand(d.pop("demand"))

        run_out = cls(
            id=id,
            state=state,
            forecast_id=forecast_id,
            problem_digest=problem_digest,
            options=options,
            actor=actor,
            created_at=created_at,
            started_at=started_at,
            finished_at=finished_at,
            attempts=attempts,
            cancel_requested=cancel_requested,
            progress=progress,
            error=error,
            plan_version=plan_version,
            demand=demand,
        )

        run_out.additional_properties = d
        return run_out

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
