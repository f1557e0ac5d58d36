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
from planner.plan.excuses import INVENTORY, LATENCY, MEMORY, SCHEDULER_RATE, THROUGHPUT
from planner.plan.plan import Plan
from planner.plan.verify import Violation, verify
from planner.problem.capacity import batch_size_in_memory, slo_us
from planner.problem.problem import Model, ModelId, PlanningProblem
from planner.problem.tables import CapacityTables, capacity_tables
from planner.solvers.assemble import assemble
from planner.solvers.draft import DraftCluster, size_cluster

COST, PROFILE = "cost", "profile"
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
    """A way into a pool: the sub-cluster joined (None: a new one), what it adds, GPUs lacking, GPUs then."""

    joins: int | None
    usd_per_hour: float
    lacking: int
    gpus: int


@dataclass(frozen=True, slots=True, eq=False)
class _Seated:
    """The plan as drafts with what each costs: indices are those of the tables."""

    tables: CapacityTables
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
        for p in range(len(tables.pools)):
            if not any(draft.pool == p and m in draft.shares for draft in seated.drafts):
                found.append(_refusal(seated, m, p))
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
    return _Seated(tables, drafts, tuple(np.array(c.gpus, dtype=np.int64) for c in plan.sub_clusters))


def _refusal(seated: _Seated, m: int, p: int) -> Refusal:
    tables, problem = seated.tables, seated.tables.problem
    model, pool = tables.models[m], tables.pools[p]
    impossible = _impossible(problem, model, pool.gpu_type)
    if impossible is None and tables.pool_limit(p) < 1:
        impossible = (INVENTORY, f"no GPU of {pool.id} is stocked", 1.0, "GPUs")
    if impossible is not None:
        bottleneck, text, missing, unit = impossible
        return Refusal(model.id, pool.id, bottleneck, text, None, missing, unit)
    freed, left = _without(seated, m)
    share = np.ones(len(tables.hours))
    options = list(_options(seated, m, p, share, left))
    affordable = sorted((o for o in options if o.lacking <= 0), key=lambda o: o.usd_per_hour)
    broken: Violation | None = None
    for option in affordable:
        violations = _broken_by(seated, m, p, option)
        if not violations:
            return _dearer(model, pool.id, option.usd_per_hour - freed)
        broken = broken or violations[0]
    if broken is not None:
        text = f"{pool.id} would break a rule: {broken.message}"
        return Refusal(model.id, pool.id, broken.constraint, text, None, float(broken.amount), "")
    if options:
        near = min(options, key=lambda o: (o.lacking, o.usd_per_hour))
        text = (
            f"{pool.id} lacks {near.lacking} GPU(s) of the {near.gpus} that its sub-cluster would then have"
        )
        return Refusal(model.id, pool.id, INVENTORY, text, None, float(near.lacking), "GPUs")
    return _too_large(tables, m, p)


def _dearer(model: Model, pool: str, usd: float) -> Refusal:
    if abs(usd) <= EQUAL_USD:
        text = f"{pool} would cost the same"
    else:
        text = f"{pool} would cost {abs(usd):.3f} USD/h {'more' if usd > 0 else 'less'}"
    return Refusal(model.id, pool, COST, text, usd, max(0.0, usd), "USD/h")


def _broken_by(seated: _Seated, m: int, p: int, option: _Option) -> list[Violation]:
    """The rules that the plan breaks once the model has moved there."""
    share = np.ones(len(seated.tables.hours))
    drafts = []
    for k, draft in enumerate(seated.drafts):
        shares = {other: part for other, part in draft.shares.items() if other != m}
        drafts.append(replace(draft, shares={**shares, m: share} if k == option.joins else shares))
    if option.joins is None:
        drafts.append(DraftCluster(p, {m: share}))
    moved = assemble(seated.tables, drafts, solver="explain", seed=0)
    if moved is None:
        return [Violation(THROUGHPUT, "a sub-cluster it leaves cannot be sized", 0.0)]
    return verify(seated.tables.problem, moved)


def _options(
    seated: _Seated, m: int, p: int, share: NDArray[np.float64], left: dict[int, NDArray[np.int64]]
) -> Iterator[_Option]:
    """Ways into a pool: a sub-cluster of its own, or any that is there."""
    tables = seated.tables
    available = tables.pools[p].available
    freed = {k: seated.gpus[k] - gpus for k, gpus in left.items() if seated.drafts[k].pool == p}
    used = seated.used(p) - sum(freed.values(), np.zeros(len(tables.hours), dtype=np.int64))
    alone = size_cluster(tables, DraftCluster(p, {m: share}))
    if alone is not None:
        lacking = max(0, int((used + alone.gpus).max()) - available)
        yield _Option(None, seated.usd_per_hour(p, alone.gpus), lacking, int(alone.gpus.max()))
    for k, draft in enumerate(seated.drafts):
        if draft.pool != p:
            continue
        joined = size_cluster(tables, DraftCluster(p, {**draft.shares, m: share}))
        if joined is not None:
            more = joined.gpus - seated.gpus[k]
            lacking = max(0, int((used + more).max()) - available)
            yield _Option(k, seated.usd_per_hour(p, more), lacking, int(joined.gpus.max()))


def _without(seated: _Seated, m: int) -> tuple[float, dict[int, NDArray[np.int64]]]:
    """Dollars per hour saved where the model leaves its sub-clusters, and the GPUs that these then have."""
    saved, left = 0.0, {}
    for k, draft in enumerate(seated.drafts):
        if m not in draft.shares:
            continue
        rest = {other: share for other, share in draft.shares.items() if other != m}
        sized = size_cluster(seated.tables, DraftCluster(draft.pool, rest)) if rest else None
        gpus = sized.gpus if sized is not None else np.zeros_like(seated.gpus[k])
        if rest and sized is None:
            gpus = seated.gpus[k]
        left[k] = np.minimum(gpus, seated.gpus[k])
        saved += seated.usd_per_hour(draft.pool, seated.gpus[k] - left[k])
    return saved, left


def _impossible(problem: PlanningProblem, model: Model, gpu_type: str) -> tuple[str, str, float, str] | None:
    """Bottleneck, sentence, what is missing and its unit, where no sub-cluster of the type can hold it."""
    profile, kind = model.profiles.get(gpu_type), problem.gpu_types[gpu_type]
    if profile is None:
        return PROFILE, f"{model.id} has no profile on {gpu_type}", 0.0, ""
    if batch_size_in_memory(profile, kind) < 1:
        least = profile.weights_gib + profile.workspace_gib_per_item
        text = f"{model.id} needs {least:.3g} GiB, {gpu_type} has {kind.usable_gib:.3g}"
        return MEMORY, text, least - kind.usable_gib, "GiB"
    stocked = [p.available for p in problem.pools if p.gpu_type == gpu_type and p.available > 0]
    if not stocked:
        return INVENTORY, f"no {gpu_type} is stocked", 1.0, "GPUs"
    gpus = min(max(stocked), problem.policy.sub_cluster_gpus_max)
    needed = slo_needed_us(problem, model, gpu_type, gpus)
    if needed > slo_us(model):
        missing = (needed - slo_us(model)) / 1_000
        text = (
            f"a batch of one on {gpus} {gpu_type} needs {needed / 1_000:.3f} ms, "
            f"{missing:.3f} ms more than the SLO leaves"
        )
        return LATENCY, text, missing, "ms"
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
    if tables.batch_size[m, g, limit - 1] < 1:
        needed = slo_needed_us(tables.problem, model, pool.gpu_type, limit)
        missing = (needed - slo_us(model)) / 1_000
        text = f"with {limit} GPU(s) a batch of one is {missing:.3f} ms late"
        return Refusal(model.id, pool.id, LATENCY, text, None, missing, "ms")
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
