"""A problem as JSON, and the digest by which a plan names the problem that it answers."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

from planner.plan.codec import plan_to_json
from planner.problem.pipelines import pipeline_to_json, without_pipeline_fields
from planner.problem.problem import Model, ModelProfile, ModelRules, PlanningPolicy, PlanningProblem
from profiles.latency import AffineCurve


def problem_to_json(problem: PlanningProblem) -> dict[str, Any]:
    """The document that ``parse_problem`` reads back as this problem, every default written out."""
    staged = {stage.model for pipeline in problem.pipelines for stage in pipeline.stages}
    return {
        "epochs": [{"start": e.start, "hours": e.hours} for e in problem.epochs],
        "gpu_types": [
            {
                "id": g.id,
                "memory_gib": g.memory_gib,
                "reserve_gib": g.reserve_gib,
                "price_usd_per_hour": g.price_usd_per_hour,
            }
            for g in problem.gpu_types.values()
        ],
        "pools": [{"gpu_type": p.gpu_type, "zone": p.zone, "available": p.available} for p in problem.pools],
        "models": [
            without_pipeline_fields(_model(m)) if m.id in staged else _model(m)
            for m in problem.models.values()
        ],
        "pipelines": [pipeline_to_json(pipeline) for pipeline in problem.pipelines],
        "policy": _policy(problem.policy),
        "active_plan": None if problem.active_plan is None else plan_to_json(problem.active_plan),
    }


def problem_digest(problem: PlanningProblem) -> str:
    """SHA-256 of the canonical JSON; the order of GPU types, pools, models and exclusions does not matter."""
    document = problem_to_json(problem)
    document["gpu_types"].sort(key=lambda g: g["id"])
    document["pools"].sort(key=lambda p: (p["gpu_type"], p["zone"]))
    document["models"].sort(key=lambda m: m["id"])
    document["pipelines"].sort(key=lambda p: p["id"])
    document["policy"]["exclusions"] = sorted(sorted(group) for group in problem.policy.exclusions)
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def with_digest(problem: PlanningProblem) -> PlanningProblem:
    """The same problem under its own digest."""
    return dataclasses.replace(problem, digest=problem_digest(problem))


def _model(model: Model) -> dict[str, Any]:
    return {
        "id": model.id,
        "slo_ms": model.slo_ms,
        "priority": model.priority,
        "demand_rps": list(model.demand_rps),
        "arrival_cv": model.arrival_cv,
        "may_split": model.may_split,
        "profiles": {gpu_type: _profile(profile) for gpu_type, profile in model.profiles.items()},
        "rules": _rules(model.rules),
    }


def _rules(rules: ModelRules) -> dict[str, Any]:
    """Names sorted, so that equal rules are equal text."""
    pin = rules.pinned_to
    allowed, zones = rules.gpu_types_allowed, rules.zones_allowed
    return {
        "gpu_types_allowed": None if allowed is None else sorted(allowed),
        "gpu_types_excluded": sorted(rules.gpu_types_excluded),
        "zones_allowed": None if zones is None else sorted(zones),
        "zones_min": rules.zones_min,
        "dedicated": rules.dedicated,
        "pinned_to": None if pin is None else {k: v for k, v in dataclasses.asdict(pin).items() if v},
    }


def _profile(profile: ModelProfile) -> dict[str, Any]:
    curve = profile.curve
    latency: dict[str, Any] = (
        {"alpha_ms": _ms(curve.alpha_us), "beta_ms": _ms(curve.beta_us)}
        if isinstance(curve, AffineCurve)
        else {
            "latency_ms": [[b, _ms(us)] for b, us in zip(curve.batch_sizes, curve.latencies_us, strict=True)]
        }
    )
    return latency | {
        "weights_gib": profile.weights_gib,
        "workspace_gib_per_item": profile.workspace_gib_per_item,
        "batch_size_max": profile.batch_size_max,
    }


def _policy(policy: PlanningPolicy) -> dict[str, Any]:
    return {
        "sub_cluster_gpus_max": policy.sub_cluster_gpus_max,
        "scheduler_rate_rps_max": policy.scheduler_rate_rps_max,
        "bad_rate_max": policy.bad_rate_max,
        "churn_gib_max": policy.churn_gib_max,
        "replan_worth_min": policy.replan_worth_min,
        "gpus": policy.gpus.value,
        "delays": {
            "ctrl_us": policy.delays.ctrl_us,
            "data_us": policy.delays.data_us,
            "resp_us": policy.delays.resp_us,
        },
        "sub_cluster_models_max": policy.sub_cluster_models_max,
        "exclusions": [list(group) for group in policy.exclusions],
        "hardness": {rule: str(value) for rule, value in dataclasses.asdict(policy.hardness).items()},
        "balance": policy.balance,
    }


def _ms(microseconds: float) -> float:
    """Milliseconds, to the picosecond: the inverse of how the parser reads them."""
    return round(microseconds / 1_000, 9)
