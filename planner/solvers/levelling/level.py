"""Drafts to drafts that need fewer GPUs: whole models move, shares and counts are solved for, sizes found."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Collection, Sequence

import highspy
import numpy as np
from numpy.typing import NDArray

from planner.formulation.highs_lp import highs_lp
from planner.problem.tables import CapacityTables
from planner.solvers.draft import DraftCluster, busy_gpus, size_cluster
from planner.solvers.levelling.loads import Loads
from planner.solvers.levelling.moving import moved
from planner.solvers.levelling.places import Place, hosts, in_its_batches, needs, place_of, sized_or_full
from planner.solvers.levelling.program import Program, program_of
from planner.solvers.stopping import Stop, highs_stopped_by

Floats = NDArray[np.float64]

MOVING_TIME_SHARES = (0.3, 0.2)  # of what is left, at most; again, for memory may leave smaller batches
PROGRAM_TIME_SHARE = 0.4  # of what is left, for each solution of the program
SHARE_LEAST = 2e-3  # of a model's traffic in an epoch; less is not worth a copy
SPARE_FIRST = 5e-4  # of a sub-cluster kept free for what linear shares leave out
SPARE_GROWTH, SPARE_MORE = 1.5, 3e-4  # of what a sub-cluster turned out to lack, and of its GPUs
CLOSER = 1e-4  # relative gap of the integer program
CLOSER_PAID = 5e-4  # where loads count: more places may change their GPUs then


def levelled(
    tables: CapacityTables,
    drafts: Sequence[DraftCluster],
    split: Collection[int],
    *,
    time_limit_s: float,
    seed: int,
    stop: Stop,
    load_price: float | None = None,
) -> list[DraftCluster] | None:
    """
    The drafts with shares that need fewer GPUs, to be verified; None where none were found in time.

    ``load_price`` is what a GiB loaded on top of the active plan counts as, in dollars per hour; None where
    loads do not count.
    """
    deadline_s = time.monotonic() + time_limit_s
    sized = [sized_or_full(tables, draft) for draft in drafts]
    flowing = sorted({m for d in drafts for m in d.shares} & set(split))
    if not sized or any(one is None for one in sized):
        return None
    places = [place_of(tables, one, set(flowing)) for one in sized if one is not None]
    need = {m: needs(tables, places, m) for m in flowing}
    loads = None if load_price is None else Loads.of(tables, drafts, load_price)
    found_hosts = hosts(tables, places, flowing, need, loads)
    spare, growing = np.full(len(places), SPARE_FIRST), set[int]()
    for share in MOVING_TIME_SHARES:
        program = program_of(tables, places, flowing, need, found_hosts, spare, loads=loads)
        until = time.monotonic() + share * (deadline_s - time.monotonic())
        places = moved(tables, places, program, deadline_s=until, seed=seed, stop=stop, loads=loads)
        places = [in_its_batches(tables, place) for place in places]
    best: tuple[float, list[DraftCluster]] | None = None
    while time.monotonic() < deadline_s and not stop():
        program = program_of(tables, places, flowing, need, found_hosts, spare, growing, loads)
        point = _solved(program, deadline_s, seed, stop, CLOSER if loads is None else CLOSER_PAID)
        if point is None:
            break
        found = _redrafted(places, {key: point[columns] for key, columns in program.shares.items()})
        cost, lacking = _sized(tables, found, np.round(point[program.counts]), loads)
        if best is None or cost < best[0]:
            best = (cost, [draft for draft in found if draft.shares])
        if not lacking.any() or best[0] <= program.cost @ point:
            break
        growing |= set(np.flatnonzero((lacking > 0) & (spare > SPARE_FIRST)).tolist())
        spare += np.where(lacking > 0, SPARE_GROWTH * lacking + SPARE_MORE, 0.0)
    return best[1] if best is not None and np.isfinite(best[0]) else None


def _solved(program: Program, deadline_s: float, seed: int, stop: Stop, closer: float) -> Floats | None:
    solver = highspy.Highs()
    solver.silent()
    solver.passModel(highs_lp(program.builder.arrays()))
    columns = np.arange(len(program.cost), dtype=np.int32)
    solver.changeColsCost(len(columns), columns, program.cost)
    left = max(0.1, PROGRAM_TIME_SHARE * (deadline_s - time.monotonic()))
    for option, value in (
        ("threads", 1),
        ("random_seed", seed),
        ("mip_rel_gap", closer),
        ("time_limit", left),
    ):
        solver.setOptionValue(option, value)
    with highs_stopped_by(solver, stop):
        solver.run()
    if solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    return np.array(solver.getSolution().col_value)


def _sized(
    tables: CapacityTables, drafts: Sequence[DraftCluster], counts: Floats, loads: Loads | None
) -> tuple[float, Floats]:
    """
    Dollars per hour, and (K,) what drafts lack of the GPUs they were given.

    Loads count among the dollars, which are inf where a draft has no size. Small shares form smaller
    batches, which the program does not know. What lacks is a share, at most 1.
    """
    cost, lacking = 0.0, np.zeros(len(drafts))
    for k, (draft, count) in enumerate(zip(drafts, counts, strict=True)):
        if not draft.shares:
            continue
        one = size_cluster(tables, draft)
        if one is None or one.gpus.max() > count:
            lacking[k] = min(1.0, float(busy_gpus(tables, draft, int(count)).max()) / count - 1)
        price = float(tables.price_usd_per_hour[tables.pool_types[draft.pool]])
        if one is None:
            cost = np.inf
            continue
        cost += price * float(one.gpus.max())
        if loads is not None:
            gib = loads.gib(k, list(draft.shares), int(one.gpus.max()))
            cost += loads.price_usd_per_hour * gib
    return cost, lacking


def _redrafted(places: Sequence[Place], shares: dict[tuple[int, int], Floats]) -> list[DraftCluster]:
    """The drafts with these shares; crumbs go to each epoch's largest share."""
    kept: dict[int, dict[int, Floats]] = {}
    for (m, k), share in shares.items():
        kept.setdefault(m, {})[k] = np.where(share < SHARE_LEAST, 0.0, share)
    for places_of in kept.values():
        order = sorted(places_of)
        stack = np.array([places_of[k] for k in order])
        largest, at = stack.argmax(axis=0), np.arange(stack.shape[1])
        stack[largest, at] += 1 - stack.sum(axis=0)
        places_of.update(zip(order, stack, strict=True))
    drafts = []
    for k, place in enumerate(places):
        own = {m: share for m, share in place.draft.shares.items() if m not in kept}
        own |= {m: of[k] for m, of in kept.items() if k in of and of[k].max() > 0}
        drafts.append(dataclasses.replace(place.draft, shares=own))
    return drafts
