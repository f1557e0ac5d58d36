"""verify accepts a good plan and names what is wrong with every bad one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from planner.plan.plan import Placement, Plan, PlanStatus, SubCluster, Unserved
from planner.plan.reprice import reprice
from planner.plan.verify import cost_usd_per_hour, gap, verify
from planner.problem.fluid import fluid_bound_usd_per_hour
from planner.problem.problem import PlanningProblem
from tests.planning import batching, model, one_at_a_time, problem


def asked(**policy: object) -> PlanningProblem:
    return problem(
        [
            model("hot", [30.0, 120.0], {"a": one_at_a_time(weights_gib=6.0), "b": one_at_a_time()}),
            model(
                "cold",
                [10.0, 10.0],
                {"a": batching(weights_gib=6.0, workspace_gib_per_item=0.1)},
                slo_ms=30.0,
            ),
        ],
        pools={"a": 4, "b": 2},
        prices={"a": 1.0, "b": 3.0},
        policy=policy,
    )


def plan_of(question: PlanningProblem, *clusters: SubCluster, unserved: tuple[Unserved, ...] = ()) -> Plan:
    """A plan that tells the truth about these sub-clusters."""
    fluid = fluid_bound_usd_per_hour(question, {u.model: u.share for u in unserved})
    status = PlanStatus.PARTIAL if unserved else PlanStatus.FEASIBLE
    bare = Plan(status, 0, fluid, 0, fluid, 0, 0, clusters, unserved, (), "hand", 0, question.digest)
    cost = cost_usd_per_hour(question, bare)
    return dataclasses.replace(
        bare, objective=cost, cost_usd_per_hour=cost, gap=gap(cost, fluid), physical_gap=gap(cost, fluid)
    )


def cluster(gpus: tuple[int, ...] = (3, 3), **changes: object) -> SubCluster:
    placements = (Placement("cold", (1.0, 1.0), 8), Placement("hot", (1.0, 1.0), 1))
    return dataclasses.replace(SubCluster("one", "a", "z", gpus, placements), **changes)  # type: ignore[arg-type]


def good() -> Plan:
    return plan_of(asked(), cluster())


def broken(plan: Plan, question: PlanningProblem | None = None) -> set[str]:
    return {violation.constraint for violation in verify(question or asked(), plan)}


def with_placement(index: int, **changes: object) -> Callable[[Plan], Plan]:
    def change(plan: Plan) -> Plan:
        first = plan.sub_clusters[0]
        placements = list(first.placements)
        placements[index] = dataclasses.replace(placements[index], **changes)  # type: ignore[arg-type]
        changed = dataclasses.replace(first, placements=tuple(placements))
        return dataclasses.replace(plan, sub_clusters=(changed, *plan.sub_clusters[1:]))

    return change


def with_cluster(**changes: object) -> Callable[[Plan], Plan]:
    def change(plan: Plan) -> Plan:
        clusters = (dataclasses.replace(plan.sub_clusters[0], **changes), *plan.sub_clusters[1:])  # type: ignore[arg-type]
        return reprice(asked(), dataclasses.replace(plan, sub_clusters=clusters))

    return change


def claim(**changes: object) -> Callable[[Plan], Plan]:
    return lambda plan: dataclasses.replace(plan, **changes)  # type: ignore[arg-type]


def test_a_good_plan_breaks_nothing() -> None:
    assert verify(asked(), good()) == []


@pytest.mark.parametrize(
    ("mutate", "constraint"),
    [
        (with_placement(1, share=(1.0, 0.9)), "placed"),
        (with_placement(0, batch_size=25), "latency"),
        (with_placement(1, batch_size=2), "latency"),
        (with_cluster(gpus=(1, 1)), "throughput"),
        (with_cluster(gpus=(5, 5)), "inventory"),
        (with_cluster(gpus=(9, 9)), "gpus_max"),
        (with_cluster(gpus=(0, 0)), "gpus_min"),
        (with_cluster(gpus=(2, 3)), "gpus_min"),
        (claim(cost_usd_per_hour=2.0), "claims"),
        (claim(gap=0.0), "claims"),
        (claim(fluid_bound=2.9, physical_gap=0.1 / 3), "claims"),
        (claim(problem_digest="0" * 64), "digest"),
        (claim(status=PlanStatus.PARTIAL), "status"),
        (claim(unserved=(Unserved("hot", (0.0, 0.1)),), status=PlanStatus.PARTIAL), "placed"),
    ],
)
def test_planted_faults_are_found(mutate: Callable[[Plan], Plan], constraint: str) -> None:
    assert constraint in broken(mutate(good()))


@pytest.mark.parametrize(
    ("mutate", "constraint"),
    [
        (with_placement(0, model="stranger"), "known"),
        (with_placement(0, model="hot"), "unique"),
        (with_placement(0, share=(1.0,)), "epochs"),
        (with_placement(0, share=(1.5, -0.5)), "placed"),
        (claim(sub_clusters=(cluster(), cluster())), "unique"),
        (claim(sub_clusters=(cluster(gpus=(3,)),)), "epochs"),
        (claim(sub_clusters=(cluster(zone="y"),)), "known"),
        (claim(sub_clusters=(cluster(gpu_type="b"),)), "known"),
        (claim(unserved=(Unserved("stranger", (0.0, 0.1)),)), "known"),
    ],
)
def test_names_and_shapes_are_checked_first(mutate: Callable[[Plan], Plan], constraint: str) -> None:
    assert broken(mutate(good())) == {constraint}


def test_memory_counts_weights_and_the_largest_workspace() -> None:
    heavy = problem(
        [
            model("hot", [30.0], {"a": one_at_a_time(weights_gib=6.0)}),
            model("cold", [10.0], {"a": batching(weights_gib=6.0, workspace_gib_per_item=0.6)}),
        ]
    )
    placements = (Placement("cold", (1.0,), 6), Placement("hot", (1.0,), 1))
    fits = plan_of(heavy, SubCluster("one", "a", "z", (1,), placements))
    assert verify(heavy, fits) == []
    wide = dataclasses.replace(placements[0], batch_size=7)
    over = plan_of(heavy, SubCluster("one", "a", "z", (1,), (wide, placements[1])))
    assert broken(over, heavy) == {"memory"}


def test_a_dispatcher_has_a_rate() -> None:
    assert (
        broken(plan_of(asked(scheduler_rate_rps_max=130.0), cluster()), asked(scheduler_rate_rps_max=130.0))
        == set()
    )
    slow = asked(scheduler_rate_rps_max=129.0)
    assert broken(plan_of(slow, cluster()), slow) == {"scheduler_rate"}


def test_churn_is_measured_from_the_active_plan() -> None:
    before = good()
    tight = dataclasses.replace(asked(churn_gib_max=5.0), active_plan=before)
    assert broken(plan_of(tight, cluster()), tight) == set()
    grown = plan_of(tight, cluster(gpus=(4, 4)))
    assert broken(grown, tight) == {"churn"}
    renamed = plan_of(tight, cluster(id="two"))
    assert broken(renamed, tight) == {"churn"}


def test_gpus_may_follow_the_epochs_where_the_policy_says_so() -> None:
    flexible = asked(gpus="per_epoch")
    plan = plan_of(flexible, cluster(gpus=(1, 3)))
    assert verify(flexible, plan) == []
    assert plan.cost_usd_per_hour == 2.0


def test_fewer_gpus_than_the_model_asks_for_need_the_planned_ones_beside_them() -> None:
    """The capacity model is judged by its own counts, every other rule by those that are there."""
    plan = good()
    bare = with_cluster(gpus=(1, 1))(plan)
    assert broken(bare) == {"throughput"}
    certified = with_cluster(gpus=(1, 1), gpus_planned=(3, 3))(plan)
    assert broken(certified) == set()
    assert certified.cost_usd_per_hour == pytest.approx(1.0)
    assert (certified.objective, certified.gap) == (plan.objective, plan.gap)
    assert broken(dataclasses.replace(certified, objective=certified.cost_usd_per_hour)) == {"claims"}
    assert broken(with_cluster(gpus=(1, 1), gpus_planned=(1, 1))(plan)) == {"throughput"}
    short = dataclasses.replace(plan, sub_clusters=(cluster((1, 1), gpus_planned=(3,)),))
    assert broken(short) == {"epochs"}
    assert broken(with_cluster(gpus=(5, 5), gpus_planned=(3, 3))(plan)) == {"inventory"}


def test_planned_counts_are_judged_with_the_batches_that_they_allowed() -> None:
    """Batches of 9 do not carry the rate on the GPUs as planned; those of 13 do, which they allowed."""
    question = problem(
        [model("m", [8_000.0], {"a": batching(1.0, 5.0)}, slo_ms=20.0)],
        pools={"a": 40},
        policy={"sub_cluster_gpus_max": 40},
    )
    fewer = SubCluster("k", "a", "z", (11,), (Placement("m", (1.0,), 13),))
    planned = next(
        n
        for n in range(11, 40)
        if not broken(plan_of(question, dataclasses.replace(fewer, gpus=(n,))), question)
    )
    small = dataclasses.replace(fewer, placements=(Placement("m", (1.0,), 9),), gpus=(planned,))
    assert "throughput" in broken(plan_of(question, small), question)
    returned = dataclasses.replace(small, gpus=(planned - 1,), gpus_planned=(planned,))
    plan = reprice(question, plan_of(question, returned))
    assert broken(plan, question) == set()
