r"""
Kinds of crowded sub-clusters: a GPU type, a count, and how much memory is left for workspace.

Memory not taken by weights bounds the batches, and so what every model needs: the fuller a GPU, the
smaller its batches. A kind (g, n, i) stands for sub-clusters of n GPUs of type g that leave between
:math:`L_i` and :math:`L_{i+1}` GiB. Its batches may use the upper end, so that nothing is dearer than in
truth; where a curve has steps and a smaller batch may cost less, need counts at its least.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.problem.tables import need_in_workspace
from planner.solvers.dual_feasible import memory_shares
from planner.solvers.mixed.crowded import WHOLE_DAY, CrowdedPart
from planner.solvers.relaxation_program import batching_slack

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LEVELS = (0.0, 1 / 64, 1 / 32, 3 / 64, 1 / 16, 1 / 12, 1 / 8, 1 / 6, 1 / 4, 1 / 3, 5 / 12, 1 / 2)
"""Memory left for workspace, as shares of a GPU's."""


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """
    Sub-clusters of one kind.

    ``items`` (S,) are those that fit alone, ``rows`` (S, R) what each takes of throughput by epoch, of
    memory and of the dispatcher's rate, as shares of what the sub-cluster has: sums are at most 1.
    """

    gpu_type: int
    gpus: int
    cost: float  # dollars per hour
    items: Integers
    rows: Floats


def kinds_of(part: CrowdedPart) -> list[Kind]:
    """The kinds in which anything fits: every count, every level."""
    tables, found = part.tables, []
    for g in part.types:
        pools = np.flatnonzero(tables.pool_types == g)
        most = max((tables.pool_limit(int(p)) for p in pools), default=0)
        slack = np.array([_slack(part, i, g) for i in range(len(part))])
        for kept, upper in zip(LEVELS, (*LEVELS[1:], 1.0), strict=True):
            found += list(_kinds_at(part, g, range(1, most + 1), (kept, upper), slack))
    return found


def _slack(part: CrowdedPart, i: int, g: int) -> float:
    """Of traffic shared out by epoch; a whole day's is counted in the cheapest batches as it is."""
    m = int(part.model[i])
    if part.epoch[i] == WHOLE_DAY or not part.tables.batch_size[m, g].any():
        return 1.0
    return batching_slack(part.tables, m, g)


def _kinds_at(
    part: CrowdedPart, g: int, counts: Sequence[int], level: tuple[float, float], slack: Floats
) -> Iterator[Kind]:
    kept, most = level
    tables, usable = part.tables, float(part.tables.usable_gib[g])
    flowing = part.epoch != WHOLE_DAY
    weights = np.where(flowing, 0.0, tables.weights_gib[part.model, g])
    room = usable * (1 - kept)
    workspace = np.where(flowing, usable, np.minimum(usable * most, usable - weights))
    need = need_in_workspace(tables, g, part.model.tolist(), part.share, workspace, least=True)
    need *= slack[:, None, None]
    need[flowing] = _of_one_epoch(need[flowing], part.epoch[flowing])
    memory = memory_shares(np.minimum(weights / room, 2.0))
    rate = _rate_shares(part)
    for n in counts:
        rows = np.concatenate([need[:, n - 1] / n, memory, rate], axis=1)
        items = np.flatnonzero((rows <= 1 + 1e-9).all(axis=1))
        if len(items):
            cost = float(tables.price_usd_per_hour[g]) * n
            yield Kind(g, n, cost, items, np.ascontiguousarray(rows[items]))


def _of_one_epoch(need: Floats, epoch: Integers) -> Floats:
    """Need that is 0 but in the item's own epoch; inf where the model cannot live."""
    alone = np.zeros_like(need)
    at = np.arange(len(epoch))
    alone[at, :, epoch] = need[at, :, epoch]
    return np.where(np.isfinite(need), alone, np.inf)


def _rate_shares(part: CrowdedPart) -> Floats:
    """(K, E) of the most that a dispatcher takes; no columns where that is not limited."""
    limit = part.tables.problem.policy.scheduler_rate_rps_max
    if limit is None:
        return np.zeros((len(part), 0))
    rate = part.tables.rate_rps[part.model] * part.share[:, None] / limit
    flowing = part.epoch != WHOLE_DAY
    rate[flowing] = 0.0
    return np.asarray(rate, dtype=np.float64)
