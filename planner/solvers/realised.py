"""
Plans from numbers of GPUs: sub-clusters of given sizes, and an integer program that deals the models to them.

The relaxation says how many GPUs of each type would be enough if models could flow. Cut into a few
sub-clusters, most of them as large as can be, these leave a program of feasibility alone, with the exact need
of each size, that is decided in about a second or soon shown to have no solution. The traffic of hot
models, which may be split by epoch, fills what whole models leave free.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from planner.formulation.formulation import build
from planner.formulation.instance import build_instance
from planner.formulation.slots import Slot
from planner.problem.tables import CapacityTables
from planner.solvers import highs
from planner.solvers.items import splittable
from planner.solvers.relaxation import Amount
from planner.solvers.run import Run
from planner.solvers.start import drafts_of

TIME_MAX_S = 5.0  # for one choice of sizes
ANY_GAP = 1.0  # the first solution is as good as any: all cost the same

Sizes = tuple[tuple[int, int], ...]  # GPU type and GPUs of each sub-cluster


def realised(run: Run, amounts: Sequence[Amount], tried: set[Sizes]) -> bool:
    """Whether a better plan came of these numbers of GPUs; ``tried`` remembers what was looked at."""
    before = run.best
    for sizes in _choices(run.tables, amounts):
        slots = _slots(run.tables, sizes)
        if sizes in tried or slots is None or run.is_over:
            continue
        tried.add(sizes)
        _offer(run, slots)
        if run.best is not before:
            return True
    return False


def _offer(run: Run, slots: list[Slot]) -> None:
    instance = build_instance(run.tables, slots, split=splittable(run.tables), elastic=())
    formulation = build(instance)
    opened = formulation.variables.opened
    formulation.arrays.column_lower[opened] = 1.0
    result = highs.solve_stages(
        formulation,
        deadline_s=min(run.deadline_s, time.monotonic() + TIME_MAX_S),
        seed=run.seed,
        gap=ANY_GAP,
        proven_zero=True,
        stop=run.stop,
    )
    if result.solution is not None:
        run.offer(drafts_of(formulation, result.solution))


def _choices(tables: CapacityTables, amounts: Sequence[Amount]) -> Iterator[Sizes]:
    """Few large sub-clusters and a small one; as the relaxation has them; few and equal."""
    gpus: dict[int, int] = {}
    for amount in amounts:
        gpus[amount.kind.gpu_type] = gpus.get(amount.kind.gpu_type, 0) + amount.gpus
    most = {g: max(tables.pool_limit(p) for p, at in enumerate(tables.pool_types) if at == g) for g in gpus}
    yield _sorted((g, n) for g, total in gpus.items() for n in _largest_first(total, most[g]))
    yield _sorted((a.kind.gpu_type, n) for a in amounts for n in _equal(a.gpus, a.clusters))
    yield _sorted((g, n) for g, total in gpus.items() for n in _equal(total, -(-total // most[g])))


def _sorted(sizes: Iterator[tuple[int, int]]) -> Sizes:
    return tuple(sorted(sizes, key=lambda one: (one[0], -one[1])))


def _largest_first(total: int, most: int) -> list[int]:
    return [most] * (total // most) + [total % most] * (total % most > 0)


def _equal(total: int, count: int) -> list[int]:
    return [total // count + (i < total % count) for i in range(count)]


def _slots(tables: CapacityTables, sizes: Sizes) -> list[Slot] | None:
    """A slot of exactly that size in the roomiest pool for each; None where the pools do not hold them."""
    left = [pool.available for pool in tables.pools]
    slots = []
    for g, count in sizes:
        pools = [p for p, at in enumerate(tables.pool_types) if at == g and tables.pool_limit(p) >= count]
        p = max(pools, key=lambda p: left[p], default=None)
        if p is None or left[p] < count:
            return None
        left[p] -= count
        slots.append(Slot(p, count, count))
    return slots
