"""The plan as JSON, both ways."""

from __future__ import annotations

from typing import Any

from planner.plan.plan import Excuse, Placement, Plan, PlanStatus, SubCluster, Unserved
from planner.problem.reader import Reader, join
from profiles.faults import InputInvalid

AMOUNT_LIMIT = 1e15
GPUS_LIMIT = 1_000_000
BATCH_SIZE_LIMIT = 65_536
SHARE_MOST = 1.0
SENTENCE_LENGTH_MAX = 2_000

_NUMBERS = ("objective", "bound", "gap", "fluid_bound", "physical_gap", "cost_usd_per_hour")
_REQUIRED = (
    "status",
    *_NUMBERS,
    "sub_clusters",
    "unserved",
    "excuses",
    "solver",
    "seed",
    "problem_digest",
)


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """
    The document that ``parse_plan`` reads back as this plan.

    An excuse about a model of the plan has the key ``model``, any other the key ``rule``.
    """
    models = {u.model for u in plan.unserved}
    models |= {p.model for s in plan.sub_clusters for p in s.placements}
    return {
        "status": plan.status.value,
        "objective": plan.objective,
        "bound": plan.bound,
        "gap": plan.gap,
        "fluid_bound": plan.fluid_bound,
        "physical_gap": plan.physical_gap,
        "cost_usd_per_hour": plan.cost_usd_per_hour,
        "sub_clusters": [
            {
                "id": s.id,
                "gpu_type": s.gpu_type,
                "zone": s.zone,
                "gpus": list(s.gpus),
                **({} if s.gpus_planned is None else {"gpus_planned": list(s.gpus_planned)}),
                "models": [
                    {"id": p.model, "share": list(p.share), "batch_size": p.batch_size} for p in s.placements
                ],
            }
            for s in plan.sub_clusters
        ],
        "unserved": [{"model": u.model, "share": list(u.share)} for u in plan.unserved],
        "excuses": [
            {
                "model" if e.subject in models else "rule": e.subject,
                "bottleneck": e.bottleneck,
                "text": e.text,
            }
            for e in plan.excuses
        ],
        "solver": plan.solver,
        "seed": plan.seed,
        "problem_digest": plan.problem_digest,
        "bound_method": plan.bound_method,
    }


def parse_plan(data: object) -> Plan:
    """
    The plan that a JSON document states; whether it is a good one is for ``verify`` to say.

    Raises
    ------
    InputInvalid
        With every fault of the document.
    """
    reader = Reader()
    plan = read_plan(reader, "", data)
    if reader.faults:
        raise InputInvalid("plan", reader.faults)
    return plan


def read_plan(reader: Reader, path: str, data: object) -> Plan:
    """The plan found at ``path``; faults go to ``reader``."""
    fields = reader.object_at(path, data, (*_REQUIRED, "bound_method"), _REQUIRED)
    numbers = {
        name: reader.number(
            join(path, name),
            fields.get(name, 0.0),
            least=0.0 if name == "cost_usd_per_hour" else -AMOUNT_LIMIT,
            most=AMOUNT_LIMIT,
        )
        for name in _NUMBERS
    }
    status = reader.choice(
        join(path, "status"), fields.get("status", "feasible"), [s.value for s in PlanStatus]
    )
    clusters = [
        _sub_cluster(reader, place, value)
        for place, value in reader.items(join(path, "sub_clusters"), fields.get("sub_clusters", []))
    ]
    unserved = [
        _unserved(reader, place, value)
        for place, value in reader.items(join(path, "unserved"), fields.get("unserved", []))
    ]
    excuses = [
        _excuse(reader, place, value)
        for place, value in reader.items(join(path, "excuses"), fields.get("excuses", []))
    ]
    return Plan(
        status=PlanStatus(status),
        **numbers,
        sub_clusters=tuple(clusters),
        unserved=tuple(unserved),
        excuses=tuple(excuses),
        solver=reader.text(join(path, "solver"), fields.get("solver", "-")),
        seed=reader.integer(join(path, "seed"), fields.get("seed", 0), least=0, most=2**31 - 1),
        problem_digest=reader.text(join(path, "problem_digest"), fields.get("problem_digest", "-")),
        bound_method=reader.text(join(path, "bound_method"), fields.get("bound_method", "fluid")),
    )


def _sub_cluster(reader: Reader, path: str, value: object) -> SubCluster:
    required = ("id", "gpu_type", "zone", "gpus", "models")
    fields = reader.object_at(path, value, (*required, "gpus_planned"), required)
    gpus = _counts(reader, join(path, "gpus"), fields.get("gpus", [1]))
    planned = fields.get("gpus_planned")
    placements = tuple(
        _placement(reader, place, item)
        for place, item in reader.items(join(path, "models"), fields.get("models", []))
    )
    return SubCluster(
        id=reader.text(join(path, "id"), fields.get("id", "-")),
        gpu_type=reader.text(join(path, "gpu_type"), fields.get("gpu_type", "-")),
        zone=reader.text(join(path, "zone"), fields.get("zone", "-")),
        gpus=gpus or (0,),
        placements=placements,
        gpus_planned=None
        if planned is None
        else _counts(reader, join(path, "gpus_planned"), planned) or (0,),
    )


def _counts(reader: Reader, path: str, value: object) -> tuple[int, ...]:
    return tuple(
        reader.integer(place, count, least=0, most=GPUS_LIMIT)
        for place, count in reader.items(path, value, count_min=1)
    )


def _placement(reader: Reader, path: str, value: object) -> Placement:
    known = ("id", "share", "batch_size")
    fields = reader.object_at(path, value, known, known)
    return Placement(
        model=reader.text(join(path, "id"), fields.get("id", "-")),
        share=_share(reader, path, fields),
        batch_size=reader.integer(
            join(path, "batch_size"), fields.get("batch_size", 1), least=1, most=BATCH_SIZE_LIMIT
        ),
    )


def _unserved(reader: Reader, path: str, value: object) -> Unserved:
    fields = reader.object_at(path, value, ("model", "share"), ("model", "share"))
    return Unserved(reader.text(join(path, "model"), fields.get("model", "-")), _share(reader, path, fields))


def _share(reader: Reader, path: str, fields: dict[str, Any]) -> tuple[float, ...]:
    return tuple(
        reader.number(place, share, least=0, most=SHARE_MOST)
        for place, share in reader.items(join(path, "share"), fields.get("share", [0.0]), count_min=1)
    )


def _excuse(reader: Reader, path: str, value: object) -> Excuse:
    fields = reader.object_at(path, value, ("model", "rule", "bottleneck", "text"), ("bottleneck", "text"))
    subject = [name for name in ("model", "rule") if name in fields]
    if fields and len(subject) != 1:
        reader.refuse(path, sorted(fields), "must have one of model and rule")
    return Excuse(
        subject=reader.text(join(path, subject[0]), fields[subject[0]]) if subject else "-",
        bottleneck=reader.text(join(path, "bottleneck"), fields.get("bottleneck", "-")),
        text=_sentence(reader, join(path, "text"), fields.get("text", "-")),
    )


def _sentence(reader: Reader, path: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > SENTENCE_LENGTH_MAX:
        reader.refuse(path, value, f"must be a text of 1 to {SENTENCE_LENGTH_MAX} characters")
        return "-"
    return value
