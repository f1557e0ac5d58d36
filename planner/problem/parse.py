"""From JSON to a planning problem: every fault at once, nothing half accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from dispatcher.core.delays import Delays
from planner.plan.codec import read_plan
from planner.plan.plan import Plan
from planner.problem.budgets import with_budgets
from planner.problem.canonical import with_digest
from planner.problem.names import nearest
from planner.problem.parse_rules import judge_rules, read_policy_rules, read_rules
from planner.problem.pipelines import COUNT_LIMIT as COUNT_LIMIT
from planner.problem.pipelines import CV_LIMIT as CV_LIMIT
from planner.problem.pipelines import RPS_LIMIT as RPS_LIMIT
from planner.problem.pipelines import read_pipelines, stage_models
from planner.problem.problem import (
    Epoch,
    GpuReservation,
    GpuType,
    Model,
    ModelProfile,
    PlanningPolicy,
    PlanningProblem,
    Pool,
)
from planner.problem.reader import Reader, join
from profiles.faults import InputInvalid
from profiles.latency import AffineCurve, LatencyCurve, TabulatedCurve

T = TypeVar("T")

BATCH_SIZE_DEFAULT = 64  # largest batch of an affine profile that names none
BATCH_SIZE_LIMIT = 65_536
EPOCHS_LIMIT = 1_000
GIB_LIMIT = 1e6
MILLISECONDS_LIMIT = 1e7
MILLISECONDS_LEAST = 1e-6  # one nanosecond: below that a latency is a mistake in the unit
MICROSECONDS_LIMIT = 10_000_000
USD_LIMIT = 1e6
HOURS_LIMIT = 10_000.0
WORTH_LIMIT = 1e6

_TOP = ("epochs", "gpu_types", "pools", "models", "pipelines", "policy", "active_plan")
_MODEL = ("id", "slo_ms", "priority", "demand_rps", "arrival_cv", "may_split", "profiles", "rules")
_PROFILE = (
    "alpha_ms",
    "beta_ms",
    "latency_ms",
    "weights_gib",
    "workspace_gib_per_item",
    "batch_size_max",
    "provenance",
)
_POLICY = (
    "sub_cluster_gpus_max",
    "scheduler_rate_rps_max",
    "bad_rate_max",
    "churn_gib_max",
    "replan_worth_min",
    "gpus",
    "delays",
    "sub_cluster_models_max",
    "exclusions",
    "hardness",
    "balance",
)
_DELAYS = ("ctrl_us", "data_us", "resp_us")


def parse_problem(data: object) -> PlanningProblem:
    """
    The planning problem that a JSON document states.

    Raises
    ------
    InputInvalid
        With every fault of the document: field, value, limit.
    """
    reader = Reader()
    top = reader.object_at("", data, _TOP, ("epochs", "gpu_types", "pools", "models"))
    epochs = [_epoch(reader, p, v) for p, v in reader.items("epochs", top.get("epochs", []), count_min=1)]
    if len(epochs) > EPOCHS_LIMIT:
        reader.refuse("epochs", len(epochs), f"must have at most {EPOCHS_LIMIT} elements")
    gpu_types = _by_id(reader, "gpu_types", top.get("gpu_types", []), _gpu_type, lambda g: g.id, count_min=1)
    pools = _pools(reader, top.get("pools", []), gpu_types)
    pipelines = read_pipelines(reader, top.get("pipelines") or [], len(epochs))
    models = _by_id(
        reader,
        "models",
        stage_models(reader, pipelines, top.get("models", [])),
        lambda r, p, v: _model(r, p, v, len(epochs), gpu_types, pools),
        lambda m: m.id,
    )
    policy = _policy(reader, top.get("policy"))
    active = top.get("active_plan")
    active_plan: Plan | None = None if active is None else read_plan(reader, "active_plan", active)
    if not reader.faults:
        judge_rules(reader, models, pools, policy, active_plan)
    if reader.faults:
        raise InputInvalid("problem", reader.faults)
    problem = PlanningProblem(tuple(epochs), gpu_types, pools, models, policy, active_plan, "", pipelines)
    return with_digest(with_budgets(problem))


def _by_id(
    reader: Reader,
    path: str,
    values: object,
    read: Callable[[Reader, str, object], T],
    identity: Callable[[T], str],
    count_min: int = 0,
) -> dict[str, T]:
    found: dict[str, T] = {}
    for place, value in reader.items(path, values, count_min=count_min):
        item = read(reader, place, value)
        if identity(item) in found:
            reader.refuse(join(place, "id"), identity(item), "must be unique")
        elif identity(item):
            found[identity(item)] = item
    return found


def _epoch(reader: Reader, path: str, value: object) -> Epoch:
    fields = reader.object_at(path, value, ("start", "hours"), ("start", "hours"))
    return Epoch(
        start=reader.text(join(path, "start"), fields.get("start", "-")),
        hours=reader.number(join(path, "hours"), fields.get("hours", 1.0), above=0, most=HOURS_LIMIT),
    )


def _gpu_type(reader: Reader, path: str, value: object) -> GpuType:
    known = ("id", "memory_gib", "reserve_gib", "price_usd_per_hour")
    fields = reader.object_at(path, value, known, ("id", "memory_gib", "price_usd_per_hour"))
    memory = reader.number(join(path, "memory_gib"), fields.get("memory_gib", 1.0), above=0, most=GIB_LIMIT)
    reserve = reader.number(
        join(path, "reserve_gib"), fields.get("reserve_gib", 0.0), least=0, most=GIB_LIMIT
    )
    if reserve >= memory and "memory_gib" in fields:
        reader.refuse(join(path, "reserve_gib"), reserve, f"must be below memory_gib {memory:g}")
    return GpuType(
        id=_id(reader, path, fields),
        memory_gib=memory,
        reserve_gib=reserve,
        price_usd_per_hour=reader.number(
            join(path, "price_usd_per_hour"), fields.get("price_usd_per_hour", 0.0), least=0, most=USD_LIMIT
        ),
    )


def _pools(reader: Reader, values: object, gpu_types: Mapping[str, GpuType]) -> tuple[Pool, ...]:
    pools: dict[tuple[str, str], Pool] = {}
    known = ("gpu_type", "zone", "available")
    for path, value in reader.items("pools", values):
        fields = reader.object_at(path, value, known, known)
        pool = Pool(
            gpu_type=reader.text(join(path, "gpu_type"), fields.get("gpu_type", "-")),
            zone=reader.text(join(path, "zone"), fields.get("zone", "-")),
            available=reader.integer(
                join(path, "available"), fields.get("available", 0), least=0, most=COUNT_LIMIT
            ),
        )
        if "gpu_type" in fields:
            _known_gpu_type(reader, join(path, "gpu_type"), pool.gpu_type, gpu_types)
        if (pool.gpu_type, pool.zone) in pools:
            reader.refuse(path, pool.id, "must be the only pool of its GPU type and zone")
        pools[pool.gpu_type, pool.zone] = pool
    return tuple(pools.values())


def _model(
    reader: Reader,
    path: str,
    value: object,
    epoch_count: int,
    gpu_types: Mapping[str, GpuType],
    pools: tuple[Pool, ...],
) -> Model:
    fields = reader.object_at(path, value, _MODEL, ("id", "slo_ms", "demand_rps", "profiles"))
    demand = tuple(
        reader.number(place, rate, least=0, most=RPS_LIMIT)
        for place, rate in reader.items(join(path, "demand_rps"), fields.get("demand_rps", []))
    )
    if "demand_rps" in fields and isinstance(fields["demand_rps"], list) and len(demand) != epoch_count:
        reader.refuse(
            join(path, "demand_rps"),
            f"{len(demand)} rates",
            f"must have one rate for each of {epoch_count} epochs",
        )
    return Model(
        id=_id(reader, path, fields),
        slo_ms=reader.number(
            join(path, "slo_ms"), fields.get("slo_ms", 1.0), above=0, most=MILLISECONDS_LIMIT
        ),
        priority=reader.integer(join(path, "priority"), fields.get("priority", 1), least=1, most=COUNT_LIMIT),
        demand_rps=demand,
        arrival_cv=reader.number(
            join(path, "arrival_cv"), fields.get("arrival_cv", 1.0), least=0, most=CV_LIMIT
        ),
        profiles=_profiles(reader, join(path, "profiles"), fields["profiles"], gpu_types)
        if "profiles" in fields
        else {},
        rules=read_rules(reader, join(path, "rules"), fields.get("rules"), gpu_types, pools),
        may_split=reader.boolean(join(path, "may_split"), fields.get("may_split", True)),
    )


def _profiles(
    reader: Reader, path: str, value: object, gpu_types: Mapping[str, GpuType]
) -> dict[str, ModelProfile]:
    if not isinstance(value, Mapping):
        reader.refuse(path, value, "must be an object from GPU type to profile")
        return {}
    if not value:
        reader.refuse(path, {}, "must hold a profile for at least one GPU type")
    found: dict[str, ModelProfile] = {}
    for gpu_type, item in value.items():
        place = join(path, str(gpu_type))
        _known_gpu_type(reader, place, str(gpu_type), gpu_types)
        found[str(gpu_type)] = _profile(reader, place, item)
    return found


def _profile(reader: Reader, path: str, value: object) -> ModelProfile:
    fields = reader.object_at(path, value, _PROFILE, ("weights_gib",))
    if fields.get("provenance") is not None and not isinstance(fields["provenance"], Mapping):
        reader.refuse(join(path, "provenance"), fields["provenance"], "must be an object")
    faults_before = len(reader.faults)
    if "latency_ms" in fields:
        for name in ("alpha_ms", "beta_ms"):
            if name in fields:
                reader.refuse(join(path, name), fields[name], "must be absent beside latency_ms")
        knots = _knots(reader, join(path, "latency_ms"), fields["latency_ms"])
        largest = knots[-1][0] if knots else BATCH_SIZE_LIMIT
    else:
        for name in ("alpha_ms", "beta_ms"):
            if name not in fields:
                reader.refuse(join(path, name), "nothing", "is required, or latency_ms instead of both")
        alpha = reader.number(
            join(path, "alpha_ms"),
            fields.get("alpha_ms", 1.0),
            least=MILLISECONDS_LEAST,
            most=MILLISECONDS_LIMIT,
        )
        beta = reader.number(
            join(path, "beta_ms"), fields.get("beta_ms", 0.0), least=0, most=MILLISECONDS_LIMIT
        )
        knots, largest = [], BATCH_SIZE_LIMIT
    sound = len(reader.faults) == faults_before
    curve: LatencyCurve = AffineCurve(1.0, 0.0)
    if sound and knots:
        curve = TabulatedCurve(tuple(b for b, _ in knots), tuple(_us(ms) for _, ms in knots))
    elif sound:
        curve = AffineCurve(_us(alpha), _us(beta))
    batch_size_max = reader.integer(
        join(path, "batch_size_max"),
        fields.get("batch_size_max", knots[-1][0] if knots else BATCH_SIZE_DEFAULT),
        least=1,
        most=largest,
    )
    return ModelProfile(
        curve=curve,
        weights_gib=reader.number(
            join(path, "weights_gib"), fields.get("weights_gib", 0.0), least=0, most=GIB_LIMIT
        ),
        workspace_gib_per_item=reader.number(
            join(path, "workspace_gib_per_item"),
            fields.get("workspace_gib_per_item", 0.0),
            least=0,
            most=GIB_LIMIT,
        ),
        batch_size_max=batch_size_max,
    )


def _us(milliseconds: float) -> float:
    """Microseconds, to the picosecond, so that a problem written and read again is the same."""
    return round(milliseconds * 1_000, 6)


def _knots(reader: Reader, path: str, value: object) -> list[tuple[int, float]]:
    """The (batch size, milliseconds) pairs of a table; batch sizes rise, latencies do not fall."""
    knots: list[tuple[int, float]] = []
    for place, item in reader.items(path, value, count_min=1):
        if not isinstance(item, list | tuple) or len(item) != 2:
            reader.refuse(place, item, "must be a pair [batch size, milliseconds]")
            continue
        size = reader.integer(f"{place}[0]", item[0], least=1, most=BATCH_SIZE_LIMIT)
        latency = reader.number(f"{place}[1]", item[1], least=MILLISECONDS_LEAST, most=MILLISECONDS_LIMIT)
        if knots and size <= knots[-1][0]:
            reader.refuse(f"{place}[0]", size, f"must be above the batch size before it, {knots[-1][0]}")
        if knots and latency < knots[-1][1]:
            reader.refuse(
                f"{place}[1]", latency, f"must not be below the latency before it, {knots[-1][1]:g}"
            )
        knots.append((size, latency))
    return knots


def _policy(reader: Reader, value: object) -> PlanningPolicy:
    if value is None:
        return PlanningPolicy()
    fields = reader.object_at("policy", value, _POLICY, ())
    default = PlanningPolicy()

    def optional(
        name: str, most: float, *, above: float | None = None, least: float | None = None
    ) -> float | None:
        if fields.get(name) is None:
            return None
        return reader.number(f"policy.{name}", fields[name], above=above, least=least, most=most)

    models_max, exclusions, hardness, balance = read_policy_rules(reader, fields)
    return PlanningPolicy(
        sub_cluster_gpus_max=reader.integer(
            "policy.sub_cluster_gpus_max",
            fields.get("sub_cluster_gpus_max", default.sub_cluster_gpus_max),
            least=1,
            most=4_096,
        ),
        scheduler_rate_rps_max=optional("scheduler_rate_rps_max", RPS_LIMIT, above=0),
        bad_rate_max=reader.number(
            "policy.bad_rate_max", fields.get("bad_rate_max", default.bad_rate_max), above=0, most=0.5
        ),
        churn_gib_max=optional("churn_gib_max", GIB_LIMIT, least=0),
        replan_worth_min=optional("replan_worth_min", WORTH_LIMIT, least=0),
        gpus=GpuReservation(
            reader.choice(
                "policy.gpus", fields.get("gpus", default.gpus.value), [g.value for g in GpuReservation]
            )
        ),
        delays=_delays(reader, fields.get("delays")),
        sub_cluster_models_max=models_max,
        exclusions=exclusions,
        hardness=hardness,
        balance=balance,
    )


def _delays(reader: Reader, value: object) -> Delays:
    if value is None:
        return Delays()
    fields = reader.object_at("policy.delays", value, _DELAYS, ())
    found: dict[str, Any] = {
        name: reader.integer(f"policy.delays.{name}", fields[name], least=0, most=MICROSECONDS_LIMIT)
        for name in _DELAYS
        if name in fields
    }
    return Delays(**found)


def _id(reader: Reader, path: str, fields: Mapping[str, Any]) -> str:
    return reader.text(join(path, "id"), fields["id"]) if "id" in fields else ""


def _known_gpu_type(reader: Reader, path: str, gpu_type: str, gpu_types: Iterable[str]) -> None:
    if gpu_type not in gpu_types:
        reader.refuse(path, gpu_type, "must be one of gpu_types" + nearest(gpu_type, gpu_types))
