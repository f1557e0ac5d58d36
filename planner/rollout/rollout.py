"""From the running plan to the next: relabelled, ordered in waves, refused with names where it cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planner.plan.plan import Plan
from planner.plan.relabel import relabelled
from planner.problem.problem import PlanningProblem
from planner.rollout.breaking import least_loss_steps, spare_needs, spare_steps
from planner.rollout.fleet import Capacity, Fleet, fleet_of
from planner.rollout.order import Ordering
from planner.rollout.parking import Parking, parking_steps
from planner.rollout.steps import Rollout, SpareGpus
from profiles.memory import LOAD_GIB_PER_S

ROUNDS_PER_CHANGE = 8  # waves for each load, unload or GPU change; more means that the order runs in circles


class RolloutRefused(Exception):
    """There is no such rollout; ``reasons`` say what is missing, by name."""

    def __init__(self, reasons: list[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("; ".join(reasons))


def rollout(
    problem: PlanningProblem,
    before: Plan,
    after: Plan,
    *,
    epoch: int = 0,
    epoch_before: int | None = None,
    loss_allowed: bool = True,
    load_gib_per_s: float = LOAD_GIB_PER_S,
    spares: Sequence[SpareGpus] | None = None,
    set_apart: frozenset[str] = frozenset(),
    relabel: bool = True,
) -> Rollout:
    """
    The waves from ``before`` to ``after`` under the demand of ``epoch``.

    Parameters
    ----------
    epoch_before
        The epoch of ``before`` whose GPUs and shares are running; the same number if None.
    loss_allowed
        Where neither memory nor spares allow make-before-break: whether to go on with the least
        temporary loss, which the waves state, or to refuse.
    spares
        The only GPUs that may hold what stands in the way, which no pool counts; None: any that are free.
    set_apart
        Sub-clusters of ``before`` that run on such GPUs.
    relabel
        Whether ``after`` takes over the ids of the sub-clusters that it continues loading least; else one
        id is one sub-cluster in both plans, of the same GPU type and zone.

    Raises
    ------
    ValueError
        An epoch that a plan does not have, a loading speed that is not positive, or without ``relabel`` a
        sub-cluster that the plans have in different places.
    RolloutRefused
        ``after`` does not fit the problem's GPUs or memory, or it takes a loss that is not allowed.
    """
    first = epoch if epoch_before is None else epoch_before
    _require_epochs(problem, before, after, first, epoch)
    if not load_gib_per_s > 0:
        raise ValueError(f"load_gib_per_s must be above 0, got {load_gib_per_s}.")
    if relabel:
        after = relabelled(problem, before, after)
    _require_places(before, after)
    start, target = fleet_of(before, first), fleet_of(after, epoch)
    apart = set_apart.union(spare.id for spare in spares or ())
    capacity = Capacity(problem, epoch, _caps(before, after), apart)
    if reasons := list(_unfit(capacity, start, target)):
        raise RolloutRefused(reasons)
    floor = {
        model: min(capacity.served(start, model), capacity.served(target, model))
        for model in sorted(start.routes.keys() & target.routes.keys())
    }
    ordering = Ordering(capacity, target, floor, start, load_gib_per_s, kept=spares)
    _run(ordering, loss_allowed=loss_allowed)
    churn = _churn_gib(capacity, start, target)
    waves, opened = tuple(ordering.waves), tuple(ordering.spares)
    return Rollout(before, after, first, epoch, waves, churn, opened, load_gib_per_s)


def _run(ordering: Ordering, *, loss_allowed: bool) -> None:
    used: set[tuple[str, tuple[str, ...]]] = set()
    parked: set[Parking] = set()
    changes = sum(
        1 + len(group.models) for fleet in (ordering.now, ordering.target) for group in fleet.groups.values()
    )
    gpus = sum(g.gpus for f in (ordering.now, ordering.target) for g in f.groups.values())
    for _ in range(ROUNDS_PER_CHANGE * (changes + gpus) + ROUNDS_PER_CHANGE):
        if ordering.is_done:
            return
        ordering.eager = False
        if ordering.wave():
            continue
        ordering.eager = True
        if ordering.is_done or ordering.wave():
            continue
        steps = parking_steps(ordering, parked)
        if not steps:
            steps = spare_steps(ordering, used)
        if not steps:
            if not loss_allowed:
                raise RolloutRefused(spare_needs(ordering))
            steps = least_loss_steps(ordering)
        if not steps:
            raise RolloutRefused(spare_needs(ordering))
        ordering.eager = False
        ordering.wave(steps)
    raise RuntimeError(f"a rollout of {changes} changes did not end; waves so far: {len(ordering.waves)}")


def _require_epochs(
    problem: PlanningProblem, before: Plan, after: Plan, epoch_before: int, epoch: int
) -> None:
    if not 0 <= epoch < len(problem.epochs):
        raise ValueError(f"epoch must be 0 to {len(problem.epochs) - 1}, got {epoch}.")
    for field, plan, number in (("epoch_before", before, epoch_before), ("epoch", after, epoch)):
        for cluster in plan.sub_clusters:
            counts = [len(cluster.gpus), *(len(p.share) for p in cluster.placements)]
            if not 0 <= number < min(counts):
                raise ValueError(f"{field} must be 0 to {min(counts) - 1} in {cluster.id}, got {number}.")


def _require_places(before: Plan, after: Plan) -> None:
    places = {cluster.id: (cluster.gpu_type, cluster.zone) for cluster in before.sub_clusters}
    for cluster in after.sub_clusters:
        now, then = places.get(cluster.id), (cluster.gpu_type, cluster.zone)
        if now is not None and now != then:
            raise ValueError(f"{cluster.id} must stay in {'/'.join(now)}, is in {'/'.join(then)} afterwards.")


def _caps(before: Plan, after: Plan) -> dict[tuple[str, str], int]:
    """The largest batch that either plan promises of a model in a sub-cluster."""
    caps: dict[tuple[str, str], int] = {}
    for plan in (before, after):
        for cluster in plan.sub_clusters:
            for p in cluster.placements:
                caps[cluster.id, p.model] = max(p.batch_size, caps.get((cluster.id, p.model), 0))
    return caps


def _unfit(capacity: Capacity, start: Fleet, target: Fleet) -> Iterator[str]:
    """Names and numbers of what the target asks for and the problem does not have."""
    problem = capacity.problem
    stock = {(pool.gpu_type, pool.zone): pool.available for pool in problem.pools}
    used: dict[tuple[str, str], int] = {}
    for name, group in sorted(target.groups.items()):
        used[group.pool] = used.get(group.pool, 0) + group.gpus
        if group.pool not in stock:
            continue
        usable = problem.gpu_types[group.gpu_type].usable_gib
        if (held := capacity.held_gib(group)) > usable * (1 + 1e-9):
            yield f"{name} needs {held:.3f} GiB of weights on each GPU, {group.gpu_type} has {usable:.3f}"
        for model in sorted(group.models):
            if capacity.profile(model, group.gpu_type) is None:
                yield f"{name} holds {model}, which has no profile on {group.gpu_type}"
        if group.gpus < 1:
            yield f"{name} has no GPU"
    for name, group in sorted(start.groups.items()):
        if group.pool not in stock:
            yield f"{name} runs in {'/'.join(group.pool)}, which the problem does not know"
    for pool, gpus in sorted(used.items()):
        if gpus > stock.get(pool, 0):
            yield f"needs {gpus} GPUs in {'/'.join(pool)}: {stock.get(pool, 0)} available"


def _churn_gib(capacity: Capacity, start: Fleet, target: Fleet) -> float:
    total = 0.0
    for name, group in sorted(target.groups.items()):
        was = start.groups.get(name)
        for model in sorted(group.models):
            held = was.gpus if was and model in was.models else 0
            total += capacity.weights_gib(model, group.gpu_type) * max(0, group.gpus - held)
    return total
