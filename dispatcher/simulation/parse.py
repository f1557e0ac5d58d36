"""
From a scenario file's content to a scenario, or to every fault in it.

Fields that may be left out: ``tenants`` (all requests are of one), ``models[].tenants`` equal parts,
``seed`` 0, ``warmup_s`` 0, ``delays`` those of ``Delays``, ``execution`` exact,
``gpus[].type`` "gpu", ``gpus[].speed`` 1, ``models[].queue_max`` 10,000,
``models[].batch_size_max`` the last size of a table, or for alpha and beta the largest batch
whose execution fits the SLO, at most 1,024.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dispatcher.core.delays import Delays
from dispatcher.core.tenant_spec import EVERYONE, TenantSpec
from dispatcher.simulation.execution import Execution
from dispatcher.simulation.parse_tenants import parse_tenant_shares, parse_tenants
from dispatcher.simulation.reader import Reader, joined
from dispatcher.simulation.scenario import (
    US_PER_S,
    ArrivalKind,
    Arrivals,
    GpuGroup,
    Scenario,
    ScenarioModel,
)
from dispatcher.simulation.trace import TraceInvalid, read_trace
from profiles.faults import InputInvalid
from profiles.latency import AffineCurve, LatencyCurve, TabulatedCurve

US_PER_MS = 1_000
SEED_MAX = 2**63 - 1
DURATION_S_MAX = 86_400
SLO_MS_MAX = 3_600_000
LATENCY_MS_MAX = 3_600_000
DELAY_US_MAX = 60_000_000
RATE_RPS_MAX = 10_000_000
REQUESTS_MAX = 50_000_000
SHAPE_MIN = 0.001
SHAPE_MAX = 1_000
GPUS_MAX = 100_000
SPEED_MIN = 0.001
SPEED_MAX = 1_000
EXECUTION_CV_MAX = 5
EXECUTION_FACTOR_MIN = 0.01
EXECUTION_FACTOR_MAX = 100
BATCH_SIZE_MAX = 1_024
QUEUE_MAX = 1_000_000
QUEUE_DEFAULT = 10_000

# What stands in for a field at fault while the others are read.
_ANY_CURVE = AffineCurve(1.0, 0.0)
_NO_ARRIVALS = Arrivals(ArrivalKind.POISSON)


def parse_scenario(data: object, *, folder: Path | None = None) -> Scenario:
    """
    The scenario in ``data`` (parsed YAML or JSON).

    Trace files are relative to ``folder``, or to the working directory. Raises
    ``InputInvalid`` with all faults at once.
    """
    reader = Reader()
    required, optional = (
        ("duration_s", "gpus", "models"),
        (
            "seed",
            "warmup_s",
            "delays",
            "tenants",
            "execution",
        ),
    )
    document = reader.fields("", data, required, optional)
    duration_s = reader.number("duration_s", document.get("duration_s", 1), above=0, most=DURATION_S_MAX)
    warmup_s = reader.number("warmup_s", document.get("warmup_s", 0), most=DURATION_S_MAX)
    if warmup_s >= duration_s:
        reader.refuse("warmup_s", warmup_s, f"must be less than duration_s, {duration_s:g}")
    tenants = parse_tenants(reader, document["tenants"]) if "tenants" in document else EVERYONE
    models: tuple[ScenarioModel, ...] = ()
    if "models" in document:
        models = _models(reader, document["models"], folder or Path(), tenants)
    expected = sum(model.arrivals.rate_rps for model in models) * duration_s
    if expected > REQUESTS_MAX:
        reader.refuse("duration_s", duration_s, f"must make at most {REQUESTS_MAX} requests at these rates")
    scenario = Scenario(
        seed=reader.whole("seed", document.get("seed", 0), least=0, most=SEED_MAX),
        duration_us=max(1, round(duration_s * US_PER_S)),
        warmup_us=round(warmup_s * US_PER_S),
        models=models,
        gpu_groups=_gpu_groups(reader, document["gpus"]) if "gpus" in document else (),
        delays=_delays(reader, document.get("delays", {})),
        tenants=tenants,
        execution=_execution(reader, document.get("execution", {})),
    )
    if reader.faults:
        raise InputInvalid("scenario", reader.faults)
    return scenario


def _delays(reader: Reader, value: object) -> Delays:
    names = ("ctrl_us", "data_us", "resp_us")
    given = reader.fields("delays", value, (), names)
    default = Delays()
    return Delays(
        *(
            reader.whole(
                f"delays.{name}", given.get(name, getattr(default, name)), least=0, most=DELAY_US_MAX
            )
            for name in names
        )
    )


def _execution(reader: Reader, value: object) -> Execution:
    given = reader.fields("execution", value, (), ("cv", "factor"))
    cv = reader.number("execution.cv", given.get("cv", 0.0), most=EXECUTION_CV_MAX)
    factor = reader.number(
        "execution.factor", given.get("factor", 1.0), least=EXECUTION_FACTOR_MIN, most=EXECUTION_FACTOR_MAX
    )
    return Execution(cv, factor)


def _gpu_groups(reader: Reader, value: object) -> tuple[GpuGroup, ...]:
    if not isinstance(value, list):
        return (GpuGroup("gpu", reader.whole("gpus", value, least=1, most=GPUS_MAX), 1.0),)
    groups = []
    for path, item in reader.items("gpus", value):
        given = reader.fields(path, item, ("count",), ("type", "speed"))
        speed = reader.number(f"{path}.speed", given.get("speed", 1.0), least=SPEED_MIN, most=SPEED_MAX)
        count = reader.whole(f"{path}.count", given.get("count", 1), least=1, most=GPUS_MAX)
        groups.append(GpuGroup(reader.text(f"{path}.type", given.get("type", "gpu")), count, speed))
    total = sum(group.count for group in groups)
    if total > GPUS_MAX:
        reader.refuse("gpus", total, f"must be at most {GPUS_MAX} in all")
    return tuple(groups)


def _models(
    reader: Reader, value: object, folder: Path, tenants: tuple[TenantSpec, ...]
) -> tuple[ScenarioModel, ...]:
    models = []
    seen: set[str] = set()
    for path, item in reader.items("models", value):
        model = _model(reader, path, item, folder, tenants)
        if model.id and model.id in seen:
            reader.refuse(f"{path}.id", model.id, "must not name two models")
        seen.add(model.id)
        models.append(model)
    return tuple(models)


def _model(
    reader: Reader, path: str, value: object, folder: Path, tenants: tuple[TenantSpec, ...]
) -> ScenarioModel:
    required = ("id", "slo_ms", "latency_ms", "arrivals")
    optional = ("batch_size_max", "queue_max", "tenants")
    given = reader.fields(path, value, required, optional)
    slo_ms = reader.number(f"{path}.slo_ms", given.get("slo_ms", 1), above=0, most=SLO_MS_MAX)
    slo_us = max(1, int(slo_ms * US_PER_MS + 1e-6))
    curve: LatencyCurve = _ANY_CURVE
    largest, arrivals = 1, _NO_ARRIVALS
    if "latency_ms" in given:
        curve, largest = read_curve(reader, joined(path, "latency_ms"), given["latency_ms"], slo_us)
    if "arrivals" in given:
        arrivals = _arrivals(reader, joined(path, "arrivals"), given["arrivals"], folder)
    shares: tuple[float, ...] = ()
    if "tenants" in given:
        shares = parse_tenant_shares(reader, joined(path, "tenants"), given["tenants"], tenants)
    return ScenarioModel(
        id=reader.text(f"{path}.id", given.get("id", "-")),
        slo_us=slo_us,
        curve=curve,
        batch_size_max=_batch_size_max(reader, f"{path}.batch_size_max", given, curve, largest),
        queue_max=reader.whole(
            f"{path}.queue_max", given.get("queue_max", QUEUE_DEFAULT), least=1, most=QUEUE_MAX
        ),
        arrivals=arrivals,
        tenant_shares=shares,
    )


def _batch_size_max(
    reader: Reader, path: str, given: dict[str, Any], curve: LatencyCurve, default: int
) -> int:
    if "batch_size_max" not in given:
        return default
    size = reader.whole(path, given["batch_size_max"], least=1, most=BATCH_SIZE_MAX)
    if isinstance(curve, TabulatedCurve) and size > curve.batch_sizes[-1]:
        reader.refuse(path, size, f"must be at most {curve.batch_sizes[-1]}, the last size of latency_ms")
        return default
    return size


def read_curve(reader: Reader, path: str, value: object, slo_us: int) -> tuple[LatencyCurve, int]:
    """The curve in ``value``, alpha and beta or a table, and the largest batch where none is given."""
    if isinstance(value, list):
        table = _table(reader, path, value)
        return (table, table.batch_sizes[-1]) if table is not None else (_ANY_CURVE, 1)
    before = len(reader.faults)
    given = reader.fields(path, value, ("alpha", "beta"))
    alpha = reader.number(f"{path}.alpha", given.get("alpha", 1), above=0, most=LATENCY_MS_MAX)
    beta = reader.number(f"{path}.beta", given.get("beta", 0), most=LATENCY_MS_MAX)
    if len(reader.faults) > before:
        return _ANY_CURVE, 1
    curve = AffineCurve(alpha * US_PER_MS, beta * US_PER_MS)
    return curve, max(1, curve.batch_size_within(slo_us, BATCH_SIZE_MAX))


def _table(reader: Reader, path: str, rows: list[object]) -> TabulatedCurve | None:
    before = len(reader.faults)
    sizes: list[int] = []
    latencies_us: list[float] = []
    for row_path, row in reader.items(path, rows):
        if not isinstance(row, list) or len(row) != 2:
            reader.refuse(row_path, row, "must be [batch size, milliseconds]")
            continue
        size = reader.whole(f"{row_path}[0]", row[0], least=1, most=BATCH_SIZE_MAX)
        latency_us = US_PER_MS * reader.number(f"{row_path}[1]", row[1], above=0, most=LATENCY_MS_MAX)
        if sizes and size <= sizes[-1]:
            reader.refuse(f"{row_path}[0]", size, f"must be larger than the size before it, {sizes[-1]}")
        if latencies_us and latency_us < latencies_us[-1]:
            before_ms = latencies_us[-1] / US_PER_MS
            reader.refuse(
                f"{row_path}[1]", row[1], f"must not be less than the latency before it, {before_ms:g}"
            )
        sizes.append(size)
        latencies_us.append(latency_us)
    return TabulatedCurve(tuple(sizes), tuple(latencies_us)) if len(reader.faults) == before else None


_FIELDS_OF_KIND = {
    ArrivalKind.POISSON: ("rate_rps",),
    ArrivalKind.CONST: ("rate_rps",),
    ArrivalKind.GAMMA: ("rate_rps", "shape"),
    ArrivalKind.TRACE: ("file",),
}


def _arrivals(reader: Reader, path: str, value: object, folder: Path) -> Arrivals:
    if not isinstance(value, dict) or "kind" not in value:
        reader.fields(path, value, ("kind",), ("rate_rps", "shape", "file"))
        return _NO_ARRIVALS
    name = reader.choice(f"{path}.kind", value["kind"], [kind.value for kind in ArrivalKind])
    if name is None:
        return _NO_ARRIVALS
    kind = ArrivalKind(name)
    given = reader.fields(path, value, ("kind", *_FIELDS_OF_KIND[kind]))
    if kind is ArrivalKind.TRACE:
        return _trace(reader, f"{path}.file", given["file"], folder) if "file" in given else _NO_ARRIVALS
    rate_rps = reader.number(f"{path}.rate_rps", given.get("rate_rps", 0), most=RATE_RPS_MAX)
    shape = reader.number(f"{path}.shape", given.get("shape", 1), least=SHAPE_MIN, most=SHAPE_MAX)
    return Arrivals(kind, rate_rps, shape)


def _trace(reader: Reader, path: str, value: object, folder: Path) -> Arrivals:
    name = reader.text(path, value)
    if not name:
        return _NO_ARRIVALS
    try:
        return Arrivals(ArrivalKind.TRACE, trace_us=read_trace(folder / name, REQUESTS_MAX))
    except TraceInvalid as error:
        reader.refuse(path, name, str(error))
        return _NO_ARRIVALS
