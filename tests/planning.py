"""Small planning problems for tests: JSON documents to change, and random ones."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem

NO_DELAYS = {"ctrl_us": 0, "data_us": 0, "resp_us": 0}


def one_at_a_time(
    ms: float = 10.0, *, weights_gib: float = 1.0, workspace_gib: float = 0.0
) -> dict[str, Any]:
    """A profile without batching: a GPU serves a request in ``ms``, so the load is rate * ms / 1000 GPUs."""
    return {
        "latency_ms": [[1, ms]],
        "weights_gib": weights_gib,
        "workspace_gib_per_item": workspace_gib,
        "batch_size_max": 1,
    }


def batching(alpha_ms: float = 1.0, beta_ms: float = 5.0, **changes: Any) -> dict[str, Any]:
    """An affine profile."""
    profile = {"alpha_ms": alpha_ms, "beta_ms": beta_ms, "weights_gib": 1.0, "workspace_gib_per_item": 0.0}
    return profile | {"batch_size_max": 32} | changes


def model(name: str, demand_rps: list[float], profiles: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"id": name, "slo_ms": 100.0, "demand_rps": demand_rps, "profiles": profiles} | changes


def document(
    models: list[dict[str, Any]],
    *,
    pools: dict[str, int] | None = None,
    prices: dict[str, float] | None = None,
    epochs: int | None = None,
    policy: dict[str, Any] | None = None,
    active_plan: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A problem's JSON; ``pools`` is GPU type (or type/zone) to GPUs, of 16 GiB and 1 USD/h each."""
    stock = pools or {"a": 4}
    types = sorted({name.split("/")[0] for name in stock} | {g for m in models for g in m["profiles"]})
    count = epochs or (len(models[0]["demand_rps"]) if models else 1)
    return {
        "epochs": [{"start": f"2026-01-01T{e:02d}:00:00Z", "hours": 1} for e in range(count)],
        "gpu_types": [
            {"id": g, "memory_gib": 16, "price_usd_per_hour": (prices or {}).get(g, 1.0)} for g in types
        ],
        "pools": [
            {"gpu_type": name.split("/")[0], "zone": [*name.split("/"), "z"][1], "available": gpus}
            for name, gpus in stock.items()
        ],
        "models": models,
        "policy": {"sub_cluster_gpus_max": 8, "delays": NO_DELAYS} | (policy or {}),
        "active_plan": active_plan,
    }


def problem(*args: Any, **changes: Any) -> PlanningProblem:
    return parse_problem(document(*args, **changes))


def changed(data: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """A deep copy with one value replaced: ``models.0.slo_ms``."""
    result = copy.deepcopy(data)
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    target: Any = result
    for step in way:
        target = target[step]
    target[last] = value
    return result


@st.composite
def documents(
    draw: st.DrawFn, *, models_max: int = 4, epochs_max: int = 2, gpus_max: int = 3, workspace: bool = True
) -> dict[str, Any]:
    """Random problems: a few models with and without batching on one or two types, some of them tight."""
    epochs = draw(st.integers(1, epochs_max))
    types = ["a", "b"][: draw(st.integers(1, 2))]
    models = []
    for index in range(draw(st.integers(1, models_max))):
        profiles = {}
        for gpu_type in types:
            if profiles and draw(st.booleans()):
                continue
            weights = draw(st.sampled_from([0.0, 0.5, 3.0, 9.0]))
            if draw(st.booleans()):
                profile = batching(draw(st.sampled_from([0.5, 2.0])), draw(st.sampled_from([0.0, 4.0, 12.0])))
            else:
                profile = one_at_a_time(draw(st.sampled_from([2.0, 10.0, 40.0])))
            per_item = draw(st.sampled_from([0.0, 0.1, 2.0])) if workspace else 0.0
            profiles[gpu_type] = profile | {"weights_gib": weights, "workspace_gib_per_item": per_item}
        models.append(
            model(
                f"m{index}",
                [draw(st.sampled_from([0.0, 5.0, 40.0, 120.0, 333.3])) for _ in range(epochs)],
                profiles,
                slo_ms=draw(st.sampled_from([15.0, 30.0, 100.0])),
                priority=draw(st.integers(1, 2)),
                arrival_cv=draw(st.sampled_from([0.5, 1.0, 3.0])),
            )
        )
    pools = {name: draw(st.integers(0, gpus_max)) for name in types}
    policy = {
        "gpus": draw(st.sampled_from(["reserved", "per_epoch"])),
        "scheduler_rate_rps_max": draw(st.sampled_from([None, None, 300.0])),
    }
    return document(models, pools=pools, prices={"a": 1.0, "b": 2.5}, policy=policy)


@st.composite
def ruled_documents(draw: st.DrawFn) -> dict[str, Any]:
    """Two or three models over two zones under some business rules, soft where they could be too many."""
    rates = st.sampled_from([0.0, 20.0, 60.0])
    names = [f"m{index}" for index in range(draw(st.integers(2, 3)))]
    models = [
        model(name, [draw(rates)], {g: one_at_a_time(weights_gib=5.0) for g in ("a", "b")}) for name in names
    ]
    rule = st.sampled_from([{}, {"dedicated": True}, {"zones_min": 2}, {"gpu_types_excluded": ["a"]}])
    for one in models[:2]:
        one["rules"] = draw(rule)
    policy: dict[str, Any] = {"hardness": {"spread": draw(st.sampled_from(["hard", "soft"]))}}
    if draw(st.booleans()):
        policy["exclusions"] = [names[:2]]
        policy["hardness"]["exclusions"] = draw(st.sampled_from(["hard", "soft"]))
    if draw(st.booleans()):
        policy["sub_cluster_models_max"] = draw(st.integers(1, 2))
        policy["hardness"]["models_max"] = draw(st.sampled_from(["hard", "soft"]))
    pools = {"a/y": draw(st.integers(1, 2)), "b/z": draw(st.integers(1, 2))}
    return document(models, pools=pools, prices={"a": 1.0, "b": 2.5}, policy=policy)
