"""
Where a model does not live, and why: for each pool refused, what it would cost or which resource binds.

Each alternative is worked out exactly for the plan as it stands: the model leaves its sub-clusters, joins the
sub-cluster of the pool where that is cheapest or opens one of its own, the GPUs of all of them are counted
again, and the plan that results is verified: whatever rule it breaks is the bottleneck. Everything else stays
where it is; what a new plan of the whole would do is for ``worth`` to say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from planner.explain.hopeless import slo_needed_us
from planner.explain.probe import claimed_anew
from planner.plan.excuses import INVENTORY, LATENCY, MEMORY, SCHEDULER_RATE, THROUGHPUT
from planner.plan.plan import Plan, SubCluster
from planner.plan.verify import Violation, verify
from planner.problem.capacity import batch_size_in_memory, slo_us
from planner.problem.problem import Model, ModelId, PlanningProblem
from planner.problem.tables import CapacityTables, capacity_tables
from planner.solvers.assemble import sub_cluster_of
from planner.solvers.draft import DraftCluster, size_cluster

COST, PROFILE = "cost", "profile"
NEW_ID = "the new one"
EQUAL_USD = 1e-9


@dataclass(frozen=True, slots=True)
class Refusal:
    """
    One pool in which a model could live and does not.

    ``usd_per_hour`` is what moving it there would add (negative: the plan could be better), None where it
    cannot move; ``missing`` of the bottleneck's unit is what it would take.
    """

    model: ModelId
    pool: str
    bottleneck: str
    text: str
    usd_per_hour: float | None
    missing: float
    unit: str


@dataclass(frozen=True, slots=True)
class _Option:
    """A way into a pool: the sub-cluster joined (None: a new one), as it then is, its price, GPUs lacking."""

    joins: int | None
    then: SubCluster
    usd_per_hour: float
    lacking: int


@dataclass(frozen=True, slots=True, eq=False)
class _Seated:
    """The plan as drafts with what each costs: indices are those of the tables."""

    tables: CapacityTables
    plan: Plan
    drafts: tuple[DraftCluster, ...]
    gpus: tuple[NDArray[np.int64], ...]

    def usd_per_hour(self, pool: int, gpus: NDArray[np.int64]) -> float:
        price = float(self.tables.price_usd_per_hour[self.tables.pool_types[pool]])
        return price * float(gpus @ self.tables.hours) / float(self.tables.hours.sum())

    def used(self, pool: int, without: Collection[int] = ()) -> NDArray[np.int64]:
        """GPUs of a pool in use by epoch, some sub-clusters left out."""
        total = np.zeros(len(self.tables.hours), dtype=np.int64)
        for k, (draft, gpus) in enumerate(zip(self.drafts, self.gpus, strict=True)):
            if draft.pool == pool and k not in without:
                total += gpus
        return total


def refusals(problem: PlanningProblem, plan: Plan, models: Collection[ModelId]) -> tuple[Refusal, ...]:
    """For each of the models, every pool that the plan did not choose for it."""
    tables = capacity_tables(problem)
    seated = _seat(tables, plan)
    index = tables.model_index()
    found: list[Refusal] = []
    for name in sorted(models):
        m = index[name]
        left: dict[int, SubCluster | None] | None = None
        for p in range(len(tables.pools)):
            if any(draft.pool == p and m in draft.shares for draft in seated.drafts):
                continue
            impossible = _impossible(tables, tables.models[m], p)
            if impossible is not None:
                found.append(impossible)
                continue
            left = _without(seated, m) if left is None else left
            found.append(_refusal(seated, m, p, left))
    return tuple(found)


def _seat(tables: CapacityTables, plan: Plan) -> _Seated:
    index = tables.model_index()
    pools = {(pool.gpu_type, pool.zone): p for p, pool in enumerate(tables.pools)}
    drafts = tuple(
        DraftCluster(
            pools[cluster.gpu_type, cluster.zone],
            {index[p.model]: np.array(p.share) for p in cluster.placements},
            cluster.id,
        )
        for cluster in plan.sub_clusters
    )
    return _Seated(tables, plan, drafts, tuple(np.array(c.gpus, dtype=np.int64) for c in plan.sub_clusters))


def _refusal(seated: _Seated, m: int, p: int, left: dict[int, SubCluster | None]) -> Refusal:
    tables = seated.tables
    model, pool = tables.models[m], tables.pools[p]
    freed = sum(
        seated.usd_per_hour(seated.drafts[k].pool, seated.gpus[k] - _gpus(after, len(tables.hours)))
        for k, after in left.items()
    )
    options = list(_options(seated, m, p, left))
    affordable = sorted((o for o in options if o.lacking <= 0), key=lambda o: o.usd_per_hour)
    broken: Violation | None = None
    for option in affordable:
        violations = _broken_by(seated, option, left)
        if not violations:
            return _dearer(model, pool.id, option.usd_per_hour - freed)
        broken = broken or violations[0]
    if broken is not None:
        text = f"{pool.id} would break a rule: {broken.message}"
        return Refusal(model.id, pool.id, broken.constraint, text, None, float(broken.amount), "")
    if options:
        near = min(options, key=lambda o: (o.lacking, o.usd_per_hour))
        gpus = near.then.gpus_max
        text = f"{pool.id} lacks {near.lacking} GPU(s) of the {gpus} that its sub-cluster would then have"
        return Refusal(model.id, pool.id, INVENTORY, text, None, float(near.lacking), "GPUs")
    return _too_large(tables, m, p)


def _dearer(model: Model, pool: str, usd: float) -> Refusal:
    if abs(usd) <= EQUAL_USD:
        text = f"{pool} would cost the same"
    else:
        text = f"{pool} would cost {abs(usd):.3f} USD/h {'more' if usd > 0 else 'less'}"
    return Refusal(model.id, pool, COST, text, usd, max(0.0, usd), "USD/h")


def _broken_by(seated: _Seated, option: _Option, left: dict[int, SubCluster | None]) -> list[Violation]:
    """The rules that the plan breaks once the model has moved there."""
    clusters: list[SubCluster] = []
    for k, cluster in enumerate(seated.plan.sub_clusters):
        after = option.then if k == option.joins else left.get(k, cluster)
        if after is not None:
            clusters.append(replace(after, id=cluster.id))
    if option.joins is None:
        clusters.append(option.then)
    served = {p.model for p in option.then.placements}
    unserved = tuple(u for u in seated.plan.unserved if u.model not in served)
    plan = replace(seated.plan, sub_clusters=tuple(clusters), unserved=unserved)
    problem = seated.tables.problem
    moved = claimed_anew(problem, plan)
    if moved is None:
        raise ValueError("the plan to explain does not answer the problem.")
    return verify(problem, moved)


def _options(seated: _Seated, m: int, p: int, left: dict[int, SubCluster | None]) -> Iterator[_Option]:
    """Ways into a pool: a sub-cluster of its own, or any that is there."""
    tables = seated.tables
    epochs, available = len(tables.hours), tables.pools[p].available
    used = seated.used(p)
    for k, after in left.items():
        if seated.drafts[k].pool == p:
            used = used - (seated.gpus[k] - _gpus(after, epochs))
    share = np.ones(epochs)
    ways: list[tuple[int | None, DraftCluster]] = [(None, DraftCluster(p, {m: share}))]
    for k, draft in enumerate(seated.drafts):
        if draft.pool == p:
            ways.append((k, DraftCluster(p, {**draft.shares, m: share})))
    for joins, draft in ways:
        sized = size_cluster(tables, draft)
        if sized is not None:
            more = sized.gpus if joins is None else sized.gpus - seated.gpus[joins]
            lacking = max(0, int((used + more).max()) - available)
            then = replace(sub_cluster_of(tables, sized), id=NEW_ID)
            yield _Option(joins, then, seated.usd_per_hour(p, more), lacking)


def _without(seated: _Seated, m: int) -> dict[int, SubCluster | None]:
    """The model's sub-clusters once it has left them; None for one that is then empty."""
    left: dict[int, SubCluster | None] = {}
    for k, draft in enumerate(seated.drafts):
        if m not in draft.shares:
            continue
        cluster = seated.plan.sub_clusters[k]
        rest = tuple(p for p in cluster.placements if p.model != seated.tables.models[m].id)
        shares = {other: share for other, share in draft.shares.items() if other != m}
        sized = size_cluster(seated.tables, DraftCluster(draft.pool, shares)) if rest else None
        if sized is not None and (sized.gpus <= seated.gpus[k]).all():
            left[k] = sub_cluster_of(seated.tables, sized)
        else:
            left[k] = replace(cluster, placements=rest) if rest else None
    return left


def _gpus(cluster: SubCluster | None, epochs: int) -> NDArray[np.int64]:
    """(epochs,) GPUs; zeros for a sub-cluster that is gone."""
    return np.zeros(epochs, dtype=np.int64) if cluster is None else np.array(cluster.gpus, dtype=np.int64)


def _impossible(tables: CapacityTables, model: Model, p: int) -> Refusal | None:
    """Why no sub-cluster of the pool's type can hold the model at all; None where one could."""
    problem, pool = tables.problem, tables.pools[p]
    gpu_type = pool.gpu_type
    profile, kind = model.profiles.get(gpu_type), problem.gpu_types[gpu_type]
    if profile is None:
        text = f"{model.id} has no profile on {gpu_type}"
        return Refusal(model.id, pool.id, PROFILE, text, None, 0.0, "")
    if batch_size_in_memory(profile, kind) < 1:
        least = profile.weights_gib + profile.workspace_gib_per_item
        text = f"{model.id} needs {least:.3g} GiB, {gpu_type} has {kind.usable_gib:.3g}"
        return Refusal(model.id, pool.id, MEMORY, text, None, least - kind.usable_gib, "GiB")
    gpus = tables.pool_limit(p)
    if gpus < 1:
        return Refusal(model.id, pool.id, INVENTORY, f"no GPU of {pool.id} is stocked", None, 1.0, "GPUs")
    needed = slo_needed_us(problem, model, gpu_type, gpus)
    if needed > slo_us(model):
        missing = (needed - slo_us(model)) / 1_000
        text = (
            f"a batch of one on {gpus} {gpu_type} needs {needed / 1_000:.3f} ms, "
            f"{missing:.3f} ms more than the SLO leaves"
        )
        return Refusal(model.id, pool.id, LATENCY, text, None, missing, "ms")
    return None


def _too_large(tables: CapacityTables, m: int, p: int) -> Refusal:
    """No sub-cluster of the pool carries the whole model: what it needs against what one may have."""
    model, pool, limit = tables.models[m], tables.pools[p], tables.pool_limit(p)
    rate_max = tables.problem.policy.scheduler_rate_rps_max
    peak = float(tables.rate_rps[m].max())
    if rate_max is not None and peak > rate_max:
        text = f"{model.id} asks for {peak:.4g} requests/s, one dispatcher takes {rate_max:g}"
        return Refusal(model.id, pool.id, SCHEDULER_RATE, text, None, peak - rate_max, "requests/s")
    g = int(tables.pool_types[p])
    need = float(tables.need[m, g, limit - 1].max())
    text = f"{model.id} needs {need:.1f} GPUs, one sub-cluster of {pool.id} has {limit} at most"
    bottleneck = INVENTORY if limit == pool.available else THROUGHPUT
    return Refusal(model.id, pool.id, bottleneck, text, None, need - limit, "GPUs")


def refused_models(problem: PlanningProblem, plan: Plan, most: int) -> Sequence[ModelId]:
    """The models to explain where there are many: unserved ones first, then those of the largest peaks."""
    left = {u.model for u in plan.unserved}
    order = sorted(
        problem.models, key=lambda name: (name not in left, -max(problem.models[name].demand_rps), name)
    )
    return order[:most]
