"""The parts of a refit: what loads come to, who may live beside whom, levelling that pays for loads."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest

from planner.plan.churn import churn_gib
from planner.plan.plan import Plan
from planner.plan.verify import verify
from planner.problem.problem import ModelRules, Pin, PlanningProblem
from planner.problem.tables import CapacityTables, capacity_tables
from planner.solvers.assemble import assemble
from planner.solvers.draft import DraftCluster, size_cluster
from planner.solvers.free import afresh, as_the_rules_allow, pinned_apart, without
from planner.solvers.levelling import levelled
from planner.solvers.levelling.company import Company
from planner.solvers.levelling.loads import PRICE_TIE, Loads
from planner.solvers.refit import refitted, running_drafts
from planner.solvers.stopping import never
from tests.planning import model, one_at_a_time, problem
from tests.unit.planner.solvers.test_levelling import levelling_case

WHOLE = np.ones(2)


def by_hour(**policy: object) -> PlanningProblem:
    """Two models that are busy early and two that are busy late."""
    slow = {"a": one_at_a_time(10.0, weights_gib=2.0)}
    busy = {"early0": [300.0, 10.0], "early1": [280.0, 10.0], "late0": [10.0, 310.0], "late1": [10.0, 290.0]}
    rows = [model(name, demand, slow, arrival_cv=0.3) for name, demand in busy.items()]
    return problem(rows, pools={"a": 30}, policy=policy)


def running(asked: PlanningProblem, *pairs: tuple[int, ...]) -> tuple[CapacityTables, Plan]:
    """The tables of a problem whose active plan has these models together, and that plan."""
    tables = capacity_tables(asked)
    drafts = [DraftCluster(0, dict.fromkeys(pair, WHOLE)) for pair in pairs]
    plan = assemble(tables, drafts, solver="hand", seed=0)
    assert plan is not None
    return capacity_tables(dataclasses.replace(asked, active_plan=plan)), plan


def plan_of(tables: CapacityTables, drafts: list[DraftCluster] | None) -> Plan:
    assert drafts is not None
    plan = assemble(tables, drafts, solver="auto", seed=0)
    assert plan is not None
    assert verify(tables.problem, plan) == []
    return plan


def refit_at(tables: CapacityTables, price: float) -> list[DraftCluster] | None:
    return refitted(tables, (), load_price=price, deadline_s=time.monotonic() + 5, seed=0, stop=never)


def test_loads_of_drafts_are_those_of_their_plan() -> None:
    tables, active = running(by_hour(), (0, 1), (2, 3))
    begun = running_drafts(tables, range(4))
    moved = [
        dataclasses.replace(begun[0], shares={0: WHOLE, 1: WHOLE, 2: WHOLE}),
        dataclasses.replace(begun[1], shares={3: WHOLE}),
    ]
    loads = Loads.of(tables, moved, 1.0)
    sized = [size_cluster(tables, draft) for draft in moved]
    gpus = np.array([one.gpus.max() for one in sized if one is not None])
    total = sum(loads.gib(k, list(draft.shares), int(gpus[k])) for k, draft in enumerate(moved))
    assert total == pytest.approx(churn_gib(tables.problem, plan_of(tables, moved), active))
    assert total > 0
    each = loads.of_each(range(4), gpus)
    assert sum(each[m, k] for k, draft in enumerate(moved) for m in draft.shares) == pytest.approx(total)


@pytest.mark.parametrize(("price", "moves"), [(PRICE_TIE, True), (0.02, True), (10.0, False)])
def test_models_move_where_that_is_worth_their_loads(price: float, moves: bool) -> None:
    tables, active = running(by_hour(), (0, 1), (2, 3))
    plan = plan_of(tables, refit_at(tables, price))
    assert (plan.objective < active.objective) == moves
    assert (churn_gib(tables.problem, plan, active) > 0) == moves


def test_traffic_of_split_models_is_divided_anew_without_loads() -> None:
    tables, drafts = levelling_case()
    active = plan_of(tables, drafts)
    tables = capacity_tables(dataclasses.replace(tables.problem, active_plan=active))
    plan = plan_of(tables, refit_at(tables, 10.0))
    assert plan.objective < active.objective
    assert churn_gib(tables.problem, plan, active) == 0.0


def test_what_no_longer_fits_leaves_for_new_sub_clusters() -> None:
    """Eight GPUs are the most of a sub-cluster, and both would need more."""
    rows = [model(f"m{i}", [100.0, 100.0], {"a": one_at_a_time(10.0)}, arrival_cv=0.3) for i in range(10)]
    tables, active = running(problem(rows, pools={"a": 30}), tuple(range(5)), tuple(range(5, 10)))
    models = {
        name: dataclasses.replace(one, demand_rps=tuple(1.8 * rate for rate in one.demand_rps))
        for name, one in tables.problem.models.items()
    }
    grown = capacity_tables(dataclasses.replace(tables.problem, models=models))
    assert [size_cluster(grown, draft) for draft in running_drafts(grown, range(10))] == [None, None]
    plan = plan_of(grown, refit_at(grown, 1.0))
    assert plan.unserved == ()
    assert {c.id for c in active.sub_clusters} < {c.id for c in plan.sub_clusters}


def test_exclusions_keep_models_apart_that_would_move_together() -> None:
    free, _ = running(by_hour(), (0, 1), (2, 3))
    assert refit_at(free, PRICE_TIE) is not None
    apart = [["early0", "late0"], ["early0", "late1"], ["early1", "late0"], ["early1", "late1"]]
    tables, active = running(by_hour(exclusions=apart), (0, 1), (2, 3))
    plan = plan_of(tables, refit_at(tables, PRICE_TIE))
    assert plan.objective == active.objective


def test_company_is_asked_of_all_who_come_and_none_who_leave() -> None:
    asked = by_hour(exclusions=[["early0", "late0"]], sub_cluster_models_max=2)
    alone = dataclasses.replace(asked.models["late1"], rules=ModelRules(dedicated=True))
    tables = capacity_tables(dataclasses.replace(asked, models=asked.models | {"late1": alone}))
    early0, early1, late0, late1 = range(4)
    company = Company.of(tables, [[early0], [early1], []])
    assert company.admits([early1], [], 0)
    assert not company.admits([late0], [], 0)
    assert company.admits([late0], [early0], 0)
    assert not company.admits([late0, early0], [], 2)
    assert not company.admits([late1], [], 1)
    assert company.admits([late1], [early1], 1)
    assert company.admits([late1], [], 2)
    company.move([early1], [], 0)
    assert not company.admits([late1], [early0], 0)


def test_levelling_under_rules_moves_what_they_leave_free() -> None:
    asked = by_hour(exclusions=[["early0", "late0"]])
    tables = capacity_tables(asked)
    drafts = [DraftCluster(0, {0: WHOLE, 1: WHOLE}), DraftCluster(0, {2: WHOLE, 3: WHOLE})]
    better = levelled(tables, drafts, (), time_limit_s=5, seed=0, stop=never)
    plan = plan_of(tables, better)
    assert plan.objective < plan_of(tables, drafts).objective


def test_types_that_rules_shut_are_as_if_the_model_had_no_profile_there() -> None:
    both = {"a": one_at_a_time(10.0), "b": one_at_a_time(10.0)}
    rows = [model("p", [10.0], both, rules={"gpu_types_allowed": ["b"]}), model("q", [10.0], both)]
    tables = afresh(capacity_tables(problem(rows, pools={"a": 4, "b": 4})))
    a = tables.gpu_types.index("a")
    assert np.isinf(tables.need[0, a]).all()
    assert not tables.batch_size[0, a].any()
    assert np.isfinite(tables.need[1]).all()
    assert tables.servable.all()


def test_drafts_that_break_rules_lose_the_lightest() -> None:
    slow, heavy = one_at_a_time(10.0), one_at_a_time(10.0, weights_gib=3.0)
    rows = [
        model("p", [10.0], {"a": slow}),
        model("q", [10.0], {"a": heavy}),
        model("r", [10.0], {"a": slow}),
    ]
    tables = capacity_tables(problem(rows, pools={"a": 4}, policy={"exclusions": [["p", "q"]]}))
    one = np.ones(1)
    found = as_the_rules_allow(tables, [DraftCluster(0, {0: one, 1: one, 2: one})])
    assert [set(draft.shares) for draft in found] == [{1, 2}]


def test_sub_clusters_kept_for_pins_take_their_models_and_gpus_along() -> None:
    asked = by_hour()
    _, active = running(asked, (0, 1), (2, 3))
    name = active.sub_clusters[0].id
    home = {p.model for p in active.sub_clusters[0].placements}
    one = sorted(home)[0]
    pinned = dataclasses.replace(
        asked.models[one],
        rules=dataclasses.replace(asked.models[one].rules, pinned_to=Pin(sub_cluster=name)),
    )
    tables = capacity_tables(
        dataclasses.replace(asked, models=asked.models | {one: pinned}, active_plan=active)
    )
    kept = pinned_apart(tables, running_drafts(tables, range(4)))
    assert [draft.active_id for draft in kept] == [name]
    left = without(afresh(tables), kept)
    index = tables.model_index()
    assert {m for m in range(4) if not left.servable[m]} == {index[model_id] for model_id in home}
    assert left.pools[0].available == 30 - active.sub_clusters[0].gpus_max


def test_a_refit_that_is_told_to_stop_gives_nothing() -> None:
    tables, _ = running(by_hour(), (0, 1), (2, 3))
    found = refitted(tables, (), load_price=1.0, deadline_s=time.monotonic() + 5, seed=0, stop=lambda: True)
    assert found is None
