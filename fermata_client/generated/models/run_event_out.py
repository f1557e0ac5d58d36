from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.run_state import RunState
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.run_event_out_error_type_0 import RunEventOutErrorType0


T = TypeVar("T", bound="RunEventOut")


@_attrs_define
class RunEventOut:
    """The data of one event of a run's stream.

    An event `state` has `state`, and at the end `plan_version` or `error`; an event `progress` has the rest.

    """

    run: str
    at: datetime.datetime
    solver: None | str | Unset = UNSET
    incumbent: float | None | Unset = UNSET
    bound: float | None | Unset = UNSET
    gap: float | None | Unset = UNSET
    sub_clusters_certified: int | None | Unset = UNSET
    sub_clusters: int | None | Unset = UNSET
    elapsed_s: float | None | Unset = UNSET
    state: None | RunState | Unset = UNSET
    attempt: int | None | Unset = UNSET
    """ How often the run was taken up, this time included. """
    plan_version: int | None | Unset = UNSET
    """ The plan that it made. """
    error: None | RunEventOutErrorType0 | Unset = UNSET
    """ Why it failed. """
    stage: None | str | Unset = UNSET
    """ As in a run's `progress`; so are solver to elapsed_s. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.run_event_out_error_type_0 import RunEventOutErrorType0  # noqa: PLC0415

        run = self.run

        at = self.at.isoformat()

        solver: None | str | Unset
        if isinstance(self.solver, Unset):
            solver = UNSET
        else:
            solver = self.solver

        incumbent: float | None | Unset
        if isinstance(self.incumbent, Unset):
            incumbent = UNSET
        else:
            incumbent = self.incumbent

        bound: float | None | Unset
        if isinstance(self.bound, Unset):
            bound = UNSET
        else:
            bound = self.bound

        gap: float | None | Unset
        if isinstance(self.gap, Unset):
            gap = UNSET
        else:
            gap = self.gap

        sub_clusters_certified: int | None | Unset
        if isinstance(self.sub_clusters_certified, Unset):
            sub_clusters_certified = UNSET
        else:
            sub_clusters_certified = self.sub_clusters_certified

        sub_clusters: int | None | Unset
        if isinstance(self.sub_clusters, Unset):
            sub_clusters = UNSET
        else:
            sub_clusters = self.sub_clusters

        elapsed_s: float | None | Unset
        if isinstance(self.elapsed_s, Unset):
            elapsed_s = UNSET
        else:
            elapsed_s = self.elapsed_s

        state: None | str | Unset
        if isinstance(self.state, Unset):
            state = UNSET
        elif isinstance(self.state, RunState):
            state = self.state.value
        else:
            state = self.state

        attempt: int | None | Unset
        if isinstance(self.attempt, Unset):
            attempt = UNSET
        else:
            attempt = self.attempt

        plan_version: int | None | Unset
        if isinstance(self.plan_version, Unset):
            plan_version = UNSET
        else:
            plan_version = self.plan_version

        error: dict[str, Any] | None | Unset
        if isinstance(self.error, Unset):
            error = UNSET
        elif isinstance(self.error, RunEventOutErrorType0):
            error = self.error.to_dict()
        else:
            error = self.error

        stage: None | str | Unset
        if isinstance(self.stage, Unset):
            stage = UNSET
        else:
            stage = self.stage

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "run": run,
                "at": at,
            }
        )
        if solver is not UNSET:
            field_dict["solver"] = solver
        if incumbent is not UNSET:
            field_dict["incumbent"] = incumbent
        if bound is not UNSET:
            field_dict["bound"] = bound
        if gap is not UNSET:
            field_dict["gap"] = gap
        if sub_clusters_certified is not UNSET:
            field_dict["sub_clusters_certified"] = sub_clusters_certified
        if sub_clusters is not UNSET:
            field_dict["sub_clusters"] = sub_clusters
        if elapsed_s is not UNSET:
            field_dict["elapsed_s"] = elapsed_s
        if state is not UNSET:
            field_dict["state"] = state
        if attempt is not UNSET:
            field_dict["attempt"] = attempt
        if plan_version is not UNSET:
            field_dict["plan_version"] = plan_version
        if error is not UNSET:
            field_dict["error"] = error
        if stage is not UNSET:
            field_dict["stage"] = stage

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.run_event_out_error_type_0 import RunEventOutErrorType0  # noqa: PLC0415

        d = dict(src_dict)
        run = d.pop("run")

        at = datetime.datetime.fromisoformat(d.pop("at"))

        def _parse_solver(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        solver = _parse_solver(d.pop("solver", UNSET))

        def _parse_incumbent(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        incumbent = _parse_incumbent(d.pop("incumbent", UNSET))

        def _parse_bound(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        bound = _parse_bound(d.pop("bound", UNSET))

        def _parse_gap(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        gap = _parse_gap(d.pop("gap", UNSET))

        def _parse_sub_clusters_certified(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        sub_clusters_certified = _parse_sub_clusters_certified(d.pop("sub_clusters_certified", UNSET))

        def _parse_sub_clusters(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        sub_clusters = _parse_sub_clusters(d.pop("sub_clusters", UNSET))

        def _parse_elapsed_s(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        elapsed_s = _parse_elapsed_s(d.pop("elapsed_s", UNSET))

        def _parse_state(data: object) -> None | RunState | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                state_type_0 = RunState(data)

                return state_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RunState | Unset, data)

        state = _parse_state(d.pop("state", UNSET))

        def _parse_attempt(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        attempt = _parse_attempt(d.pop("attempt", UNSET))

        def _parse_plan_version(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        plan_version = _parse_plan_version(d.pop("plan_version", UNSET))

        def _parse_error(data: object) -> None | RunEventOutErrorType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                error_type_0 = RunEventOutErrorType0.from_dict(data)

                return error_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RunEventOutErrorType0 | Unset, data)

        error = _parse_error(d.pop("error", UNSET))

        def _parse_stage(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        stage = _parse_stage(d.pop("stage", UNSET))

        run_event_out = cls(
            run=run,
            at=at,
            solver=solver,
            incumbent=incumbent,
            bound=bound,
            gap=gap,
            sub_clusters_certified=sub_clusters_certified,
            sub_clusters=sub_clusters,
            elapsed_s=elapsed_s,
            state=state,
            attempt=attempt,
            plan_version=plan_version,
            error=error,
            stage=stage,
        )

        run_event_out.additional_properties = d
        return run_event_out

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
