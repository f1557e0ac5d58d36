"""The planning problem as the file format states it, put together from registry, demand and active plan."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from planner.demand.forecast import Forecast, ModelForecast
from planner.problem.parse import parse_problem
from planner.problem.problem import GpuType, PlanningProblem, Pool
from planner.store.records import RegisteredModel, RegisteredProfile
from profiles.faults import Fault, InputInvalid

RATE_DIGITS = 6  # a millionth of a request per second is nobody's demand


@dataclass(frozen=True, slots=True)
class Registry:
    """The facts at one instant."""

    gpu_types: Sequence[GpuType]
    pools: Sequence[Pool]
    models: Sequence[RegisteredModel]
    profiles: Sequence[RegisteredProfile]


def planning_problem(
    registry: Registry,
    forecast: Forecast,
    demand: Sequence[ModelForecast],
    policy: Mapping[str, Any],
    active_plan: Mapping[str, Any] | None,
) -> PlanningProblem:
    """
    The problem of serving ``demand`` (rows of ``forecast``, corrected or not) with what is registered.

    The document goes through ``parse_problem`` like any file, so that one set of rules holds. Raises
    ``InputInvalid`` with every fault; a model is named by its id there.
    """
    document = _document(registry, forecast, demand, policy, active_plan)
    try:
        return parse_problem(document)
    except InputInvalid as error:
        ids = [model["id"] for model in document["models"]]
        raise InputInvalid("planning problem", [_named(fault, ids) for fault in error.faults]) from error


def _document(
    registry: Registry,
    forecast: Forecast,
    demand: Sequence[ModelForecast],
    policy: Mapping[str, Any],
    active_plan: Mapping[str, Any] | None,
) -> dict[str, Any]:
    profiles: dict[str, dict[str, Any]] = defaultdict(dict)
    for profile in registry.profiles:
        profiles[profile.model][profile.gpu_type] = profile_document(profile)
    models = {model.id: model for model in registry.models}
    return {
        "epochs": [{"start": epoch.start.isoformat(), "hours": epoch.hours} for epoch in forecast.epochs],
        "gpu_types": [asdict(gpu_type) for gpu_type in registry.gpu_types],
        "pools": [asdict(pool) for pool in registry.pools],
        "models": [_model(models[row.model], row, profiles[row.model]) for row in demand],
        "policy": dict(policy),
        "active_plan": active_plan,
    }


def profile_document(profile: RegisteredProfile) -> dict[str, Any]:
    """One profile in the form of the problem's file format."""
    return {
        **profile.curve,
        "weights_gib": profile.weights_gib,
        "workspace_gib_per_item": profile.workspace_gib_per_item,
        "batch_size_max": profile.batch_size_max,
    }


def _model(model: RegisteredModel, row: ModelForecast, profiles: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": model.id,
        "slo_ms": model.slo_ms,
        "priority": model.priority,
        "demand_rps": [round(rate, RATE_DIGITS) for rate in row.demand_rps],
        "arrival_cv": round(row.arrival_cv_mean, RATE_DIGITS),
        "profiles": profiles,
    }


def _named(fault: Fault, ids: Sequence[str]) -> Fault:
    """Nobody wrote ``models[3]``: the list is ours. ``models[resnet50]`` is what the reader knows."""
    field = re.sub(r"^models\[(\d+)\]", lambda match: f"models[{ids[int(match[1])]}]", fault.field)
    return Fault(field, fault.value, fault.limit)
