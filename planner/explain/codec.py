"""Explanations, comparisons and regrets as JSON."""

from __future__ import annotations

import math
from typing import Any

from planner.explain.bindings import Binding
from planner.explain.clash import Clash
from planner.explain.explanation import Explanation, Shortfall
from planner.explain.hopeless import Hopeless
from planner.explain.refusals import Refusal
from planner.explain.regret import Regrets, Spread
from planner.explain.relaxations import Relaxation
from planner.explain.what_if import WhatIf
from planner.explain.worth import Solved, Worth
from planner.plan.difference import difference_to_json

DIGITS = 9


def explanation_to_json(found: Explanation) -> dict[str, Any]:
    """``shortfall`` is null where all demand is served; the worths are empty where it is not."""
    return {
        "problem_digest": found.problem.digest,
        "cost_usd_per_hour": _round(found.plan.cost_usd_per_hour),
        "bound": _round(found.plan.bound),
        "gap": _round(found.plan.gap),
        "shortfall": None if found.shortfall is None else _shortfall(found.shortfall),
        "bindings": [_binding(one) for one in found.bindings],
        "refusals": [_refusal(one) for one in found.refusals],
        "gpus": [_worth(one) for one in found.gpus],
        "rules": [_worth(one) for one in found.rules],
    }


def what_if_to_json(found: WhatIf) -> dict[str, Any]:
    """Both sides under ``before`` and ``after``, what moves under ``difference``."""
    before_rps, after_rps = found.unserved_rps
    return {
        "settings": [str(setting) for setting in found.settings],
        "before": _side(found.before, before_rps),
        "after": _side(found.after, after_rps),
        "cost_change_least_usd_per_hour": _round(found.least),
        "cost_change_most_usd_per_hour": _round(found.most),
        "verdict": found.verdict,
        "difference": difference_to_json(found.change),
    }


def _side(side: Solved, unserved_rps: float) -> dict[str, Any]:
    plan = side.plan
    return {
        "problem_digest": side.problem.digest,
        "cost_usd_per_hour": _round(plan.cost_usd_per_hour),
        "bound": _round(side.bound),
        "gap": _round(0.0 if plan.objective == 0 else (plan.objective - side.bound) / plan.objective),
        "gpus": gpus_by_type(side),
        "sub_clusters": len(plan.sub_clusters),
        "unserved_rps": _round(unserved_rps),
        "unserved": [u.model for u in plan.unserved],
    }


def gpus_by_type(side: Solved) -> dict[str, int]:
    """GPUs of each stocked type, each sub-cluster at its largest epoch."""
    total = {pool.gpu_type: 0 for pool in sorted(side.problem.pools, key=lambda pool: pool.id)}
    for cluster in side.plan.sub_clusters:
        total[cluster.gpu_type] += cluster.gpus_max
    return total


def _shortfall(found: Shortfall) -> dict[str, Any]:
    ways = found.relaxations
    return {
        "hopeless": [_hopeless(one) for one in found.hopeless],
        "clash": None if found.clash is None else _clash(found.clash),
        "relaxations": [_relaxation(one) for one in ways.found] if ways else [],
        "in_vain": list(ways.in_vain) if ways else [],
        "untried": list(ways.untried) if ways else [],
        "problems_solved": found.solved,
    }


def _hopeless(one: Hopeless) -> dict[str, Any]:
    return {
        "model": one.model,
        "slo_ms": one.slo_ms,
        "types": [
            {
                "gpu_type": t.gpu_type,
                "bottleneck": t.bottleneck,
                "gpus": t.gpus,
                "slo_needed_ms": t.slo_needed_ms,
                "missing_ms": _round(t.missing_ms),
                "missing_gib": _round(t.missing_gib),
            }
            for t in one.types
        ],
    }


def _clash(clash: Clash) -> dict[str, Any]:
    return {
        "rules": [{"name": rule.name, "path": rule.path} for rule in clash.rules],
        "is_minimal": clash.is_minimal,
        "is_proven": clash.is_proven,
        "is_helpless": clash.is_helpless,
    }


def _relaxation(way: Relaxation) -> dict[str, Any]:
    return {
        "text": way.text,
        "settings": [str(setting) for setting in way.settings],
        "cost_usd_per_hour": _round(way.plan.cost_usd_per_hour),
        "one_step_less": way.less,
    }


def _binding(one: Binding) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "where": one.where,
        "used": _round(one.used),
        "limit": _round(one.limit),
        "unit": one.unit,
        "epochs": list(one.epochs),
        "is_tight": one.is_tight,
    }


def _refusal(one: Refusal) -> dict[str, Any]:
    return {
        "model": one.model,
        "pool": one.pool,
        "bottleneck": one.bottleneck,
        "text": one.text,
        "usd_per_hour": _round(one.usd_per_hour),
        "missing": _round(one.missing),
        "unit": one.unit,
    }


def _worth(one: Worth) -> dict[str, Any]:
    return {
        "name": one.name,
        "setting": str(one.setting),
        "saving_found_usd_per_hour": _round(one.found),
        "saving_least_usd_per_hour": _round(one.least),
        "saving_most_usd_per_hour": _round(one.most),
        "unserved_rps_before": _round(one.unserved_rps_before),
        "unserved_rps_after": _round(one.unserved_rps_after),
    }


def _round(value: float | None) -> float | None:
    """JSON has no infinities: what is not finite is null."""
    return None if value is None or not math.isfinite(value) else round(value, DIGITS)


def regret_to_json(found: Regrets) -> dict[str, Any]:
    """Plans in the order given; each figure over the worlds has mean, p90 and worst."""
    return {
        "worlds": found.worlds,
        "seed": found.seed,
        "plans": [
            {
                "cost_usd_per_hour": _round(one.cost_usd_per_hour),
                "cost_regret_usd_per_hour": _round(one.cost_regret_usd_per_hour),
                "unserved_rps": _spread(one.unserved_rps),
                "unserved_regret_rps": _spread(one.unserved_regret_rps),
            }
            for one in found.plans
        ],
    }


def _spread(one: Spread) -> dict[str, Any]:
    return {"mean": _round(one.mean), "p90": _round(one.p90), "worst": _round(one.worst)}
