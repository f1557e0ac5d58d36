"""Pairs of plans of one problem, drawn at random, for rollouts between them."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from planner.plan.plan import Placement, Plan, PlanStatus, SubCluster
from planner.problem.canonical import with_digest
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from planner.problem.tables import CapacityTables, capacity_tables
from planner.solvers.assemble import assemble
from planner.solvers.draft import DraftCluster
from tests.planning import batching, document, model, one_at_a_time

WEIGHTS_GIB = (0.5, 3.0, 5.0, 7.0)


def sub_cluster(
    name: str, gpus: int, batch_size: int = 1, /, *, kind: str = "a", **shares: float
) -> SubCluster:
    """One epoch: id, GPUs, then each model with its share."""
    placements = tuple(Placement(m, (share,), batch_size) for m, share in shares.items())
    return SubCluster(name, kind, "z", (gpus,), placements)


def by_hand(*clusters: SubCluster) -> Plan:
    return Plan(PlanStatus.FEASIBLE, 1, 1, 0, 1, 0, 1, clusters, (), (), "hand", 0, "hand")


@st.composite
def plan_pairs(draw: st.DrawFn, *, spares_max: int = 3) -> tuple[PlanningProblem, Plan, Plan]:
    """A problem with two plans that serve it whole; pools have what the larger one uses and some spares."""
    models = [_model(draw, f"m{index}") for index in range(draw(st.integers(1, 5)))]
    roomy = parse_problem(document(models, pools={"a": 40, "b": 40}))
    tables = capacity_tables(roomy)
    plans = [_plan(draw, tables) for _ in range(2)]
    used: Counter[str] = Counter()
    for plan in plans:
        own = Counter[str]()
        for cluster in plan.sub_clusters:
            own[cluster.gpu_type] += cluster.gpus_max
        used |= own
    pools = tuple(
        dataclasses.replace(pool, available=used[pool.gpu_type] + draw(st.integers(0, spares_max)))
        for pool in roomy.pools
    )
    return with_digest(dataclasses.replace(roomy, pools=pools)), plans[0], plans[1]


def _model(draw: st.DrawFn, name: str) -> dict[str, Any]:
    weights, per_item = draw(st.sampled_from(WEIGHTS_GIB)), draw(st.sampled_from([0.0, 0.1, 1.0]))
    kinds = ["a", "b"] if draw(st.booleans()) else ["a"]
    shape = batching(2.0, 4.0) if draw(st.booleans()) else one_at_a_time(10.0)
    profiles = {kind: shape | {"weights_gib": weights, "workspace_gib_per_item": per_item} for kind in kinds}
    return model(name, [draw(st.sampled_from([0.0, 20.0, 40.0, 90.0]))], profiles)


def _plan(draw: st.DrawFn, tables: CapacityTables) -> Plan:
    """Every model put into one or two of a few sub-clusters."""
    count = draw(st.integers(1, 4))
    kinds = [draw(st.integers(0, 1)) for _ in range(count)]
    shares: list[dict[int, Any]] = [{} for _ in range(count)]
    for m in range(len(tables.models)):
        fitting = [k for k in range(count) if tables.batch_size[m, kinds[k]].any()]
        assume(fitting)
        first = draw(st.sampled_from(fitting))
        second = draw(st.sampled_from([*fitting, first, first]))
        part = draw(st.sampled_from([0.5, 0.25])) if second != first else 1.0
        shares[first][m] = np.array([part])
        if second != first:
            shares[second][m] = np.array([1 - part])
    drafts = [DraftCluster(kind, own) for kind, own in zip(kinds, shares, strict=True)]
    plan = assemble(tables, drafts, solver="hand", seed=0)
    assume(plan is not None and plan.status is not PlanStatus.PARTIAL)
    assert plan is not None
    return plan
