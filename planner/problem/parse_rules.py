"""Reading the business rules of a problem: unknown names and contradictions are faults like any other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields

from planner.plan.plan import Plan
from planner.problem.names import nearest
from planner.problem.problem import Hardness, Model, ModelRules, Pin, PlanningPolicy, Pool, RuleHardness
from planner.problem.reader import Reader, join
from planner.problem.rules import may_live

ZONES_LIMIT = 1_000
MODELS_LIMIT = 1_000_000
EXCLUSIONS_LIMIT = 10_000

_RULES = tuple(field.name for field in fields(ModelRules))
_PIN = tuple(field.name for field in fields(Pin))
_HARDNESS: dict[str, tuple[Hardness, ...]] = {
    "inventory": (Hardness.HARD, Hardness.FIX_IF_BROKEN),  # GPUs beyond those of the fleet do not exist
    "spread": tuple(Hardness),
    "exclusions": tuple(Hardness),
    "models_max": tuple(Hardness),
    "churn": (Hardness.HARD, Hardness.SOFT),  # a fleet that stays as it is loads nothing
}


def read_rules(
    reader: Reader, path: str, value: object, gpu_types: Collection[str], pools: Sequence[Pool]
) -> ModelRules:
    """The rules of one model; what they say together is judged by ``judge_rules``."""
    if value is None:
        return ModelRules()
    found = reader.object_at(path, value, _RULES, ())
    zones = {pool.zone for pool in pools}

    def names(field: str, known: Collection[str], what: str) -> tuple[str, ...] | None:
        if found.get(field) is None:
            return None
        return _names(reader, join(path, field), found[field], known, what, count_min=1)

    excluded = found.get("gpu_types_excluded", ())
    return ModelRules(
        gpu_types_allowed=names("gpu_types_allowed", gpu_types, "gpu_types"),
        gpu_types_excluded=_names(
            reader, join(path, "gpu_types_excluded"), excluded, gpu_types, "gpu_types", count_min=0
        ),
        zones_allowed=names("zones_allowed", zones, "the zones of pools"),
        zones_min=reader.integer(
            join(path, "zones_min"), found.get("zones_min", 1), least=1, most=ZONES_LIMIT
        ),
        dedicated=_flag(reader, join(path, "dedicated"), found.get("dedicated", False)),
        pinned_to=_pin(reader, join(path, "pinned_to"), found.get("pinned_to"), gpu_types, zones),
    )


def _names(
    reader: Reader, path: str, value: object, known: Collection[str], what: str, *, count_min: int
) -> tuple[str, ...]:
    """Names out of ``known``, each once, sorted."""
    names: list[str] = []
    for place, item in reader.items(path, value, count_min=count_min):
        name = reader.text(place, item)
        if name in names:
            reader.refuse(place, name, "must be named once")
        elif name:
            _known(reader, place, name, known, what)
            names.append(name)
    return tuple(sorted(names))


def _known(reader: Reader, path: str, name: str, known: Collection[str], what: str) -> None:
    if name not in known:
        reader.refuse(path, name, f"must be one of {what}" + nearest(name, sorted(known)))


def _flag(reader: Reader, path: str, value: object) -> bool:
    if not isinstance(value, bool):
        reader.refuse(path, value, "must be true or false")
        return False
    return value


def _pin(
    reader: Reader, path: str, value: object, gpu_types: Collection[str], zones: Collection[str]
) -> Pin | None:
    if value is None:
        return None
    found = reader.object_at(path, value, _PIN, ())
    given = {name: reader.text(join(path, name), found[name]) for name in _PIN if name in found}
    if "gpu_type" in given:
        _known(reader, join(path, "gpu_type"), given["gpu_type"], gpu_types, "gpu_types")
    if "zone" in given:
        _known(reader, join(path, "zone"), given["zone"], zones, "the zones of pools")
    if not found:
        reader.refuse(path, value, "must name a gpu_type, a zone or a sub_cluster")
    if "sub_cluster" in given and len(given) > 1:
        reader.refuse(path, value, "must name a sub_cluster alone, or gpu_type and zone")
    return Pin(**given)


def read_policy_rules(
    reader: Reader, found: Mapping[str, object]
) -> tuple[int | None, tuple[tuple[str, ...], ...], RuleHardness, bool]:
    """Most models, exclusions, hardness and balance of a policy; models are checked by ``judge_rules``."""
    models_max = found.get("sub_cluster_models_max")
    exclusions = [
        _names_of_any_kind(reader, path, group)
        for path, group in reader.items("policy.exclusions", found.get("exclusions", ()))
    ]
    if len(exclusions) > EXCLUSIONS_LIMIT:
        reader.refuse("policy.exclusions", len(exclusions), f"must have at most {EXCLUSIONS_LIMIT} elements")
    return (
        None
        if models_max is None
        else reader.integer("policy.sub_cluster_models_max", models_max, least=1, most=MODELS_LIMIT),
        tuple(exclusions),
        _hardness(reader, found.get("hardness")),
        _flag(reader, "policy.balance", found.get("balance", False)),
    )


def _names_of_any_kind(reader: Reader, path: str, group: object) -> tuple[str, ...]:
    names = [reader.text(place, name) for place, name in reader.items(path, group, count_min=2)]
    return tuple(names)


def _hardness(reader: Reader, value: object) -> RuleHardness:
    if value is None:
        return RuleHardness()
    found = reader.object_at("policy.hardness", value, _HARDNESS, ())
    chosen = {
        rule: Hardness(reader.choice(f"policy.hardness.{rule}", found[rule], [str(h) for h in allowed]))
        for rule, allowed in _HARDNESS.items()
        if rule in found
    }
    return RuleHardness(**chosen)


def judge_rules(
    reader: Reader,
    models: Mapping[str, Model],
    pools: Sequence[Pool],
    policy: PlanningPolicy,
    active: Plan | None,
) -> None:
    """Refuse what the rules cannot mean together: names unknown, places that exclude each other."""
    _judge_exclusions(reader, models, policy)
    clusters = {s.id: (s.gpu_type, s.zone) for s in active.sub_clusters} if active else {}
    for index, model in enumerate(models.values()):
        _judge_places(reader, f"models[{index}].rules", model, pools, clusters)
    _judge_pins(reader, models, policy)


def _judge_exclusions(reader: Reader, models: Mapping[str, Model], policy: PlanningPolicy) -> None:
    for g, group in enumerate(policy.exclusions):
        for at, name in enumerate(group):
            path = f"policy.exclusions[{g}][{at}]"
            if name in group[:at]:
                reader.refuse(path, name, "must be named once")
            elif name:
                _known(reader, path, name, models, "models")


def _judge_places(
    reader: Reader,
    path: str,
    model: Model,
    pools: Sequence[Pool],
    clusters: Mapping[str, tuple[str, str]],
) -> None:
    rules, pin = model.rules, model.rules.pinned_to
    if rules == ModelRules():
        return
    places = [pool for pool in pools if may_live(model, pool) and pool.gpu_type in model.profiles]
    if pin is not None and pin.sub_cluster is not None:
        at = join(path, "pinned_to.sub_cluster")
        if pin.sub_cluster not in clusters:
            _known(reader, at, pin.sub_cluster, clusters, "the active plan's sub-clusters")
            return
        home = clusters[pin.sub_cluster]
        places = [pool for pool in places if (pool.gpu_type, pool.zone) == home]
        if not places:
            reader.refuse(at, pin.sub_cluster, f"lies in {'/'.join(home)}, where {model.id} may not live")
            return
    if not places:
        known = ", ".join(sorted(model.profiles))
        reader.refuse(path, model.id, f"must leave a pool of a GPU type with a profile ({known})")
        return
    zones = {pool.zone for pool in places if pool.available > 0}
    if rules.zones_min > max(1, len(zones)):
        limit = f"must be at most {len(zones)}, the zones with GPUs where {model.id} may live"
        reader.refuse(join(path, "zones_min"), rules.zones_min, limit)


def _judge_pins(reader: Reader, models: Mapping[str, Model], policy: PlanningPolicy) -> None:
    """Models pinned to one sub-cluster must be able to live there together."""
    pinned: dict[str, list[str]] = {}
    for model in models.values():
        pin = model.rules.pinned_to
        if pin is not None and pin.sub_cluster is not None:
            pinned.setdefault(pin.sub_cluster, []).append(model.id)
    limit = policy.sub_cluster_models_max
    for name, together in pinned.items():
        if limit is not None and len(together) > limit:
            text = f"must not be below the {len(together)} models pinned to {name}"
            reader.refuse("policy.sub_cluster_models_max", limit, text)
        for g, group in enumerate(policy.exclusions):
            both = [model for model in together if model in group]
            if len(both) > 1:
                reader.refuse(
                    f"policy.exclusions[{g}]", both, f"must not keep apart models that are pinned to {name}"
                )
        alone = [model for model in together if models[model].rules.dedicated]
        if alone and len(together) > 1:
            reader.refuse("models", together, f"must not be pinned to {name} beside {alone[0]}, dedicated")
