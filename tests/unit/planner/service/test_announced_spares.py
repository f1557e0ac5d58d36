"""Which of the spares that nodes announce a rollout may open."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from planner.rollout.steps import SpareGpus
from planner.service.rollouts.announced import Announced, announced, any_announced
from planner.store.records import HeardNode

POOLS = {("a", "z")}


def node(name: str, *spares: str, serves: tuple[str, ...] = (), **place: str) -> HeardNode:
    """It tells of its spares among its sub-clusters too, as nodes do."""
    told = [{"id": each, "gpu_type": "a", "zone": "z", "gpus": 2} | place for each in spares]
    parts = [{"id": each} for each in (*serves, *spares)]
    return HeardNode(name, datetime(2026, 1, 1, tzinfo=UTC), {"spares": told, "sub_clusters": parts})


def test_each_spare_is_one_place_on_one_node() -> None:
    heard = [node("n2", "late"), node("n1", "early", serves=("one",)), node("n3", serves=("two",))]
    assert announced(heard, {"one", "two"}, POOLS) == Announced(
        (SpareGpus("early", "a", "z", 2), SpareGpus("late", "a", "z", 2))
    )
    assert any_announced(heard)


@pytest.mark.parametrize(
    ("heard", "reason"),
    [
        ([node("n2", "s"), node("n1", "s")], "spare s of n1 and n2: a spare must be of one node alone"),
        ([node("n1", "one")], "spare one of n1: its id must not be a sub-cluster of the plan"),
        (
            [node("n1", "s"), node("n2", serves=("s",))],
            "spare s of n1: its id must not be a sub-cluster that n2 names",
        ),
        ([node("n1", "s", zone="y")], "spare s of n1: the plan's problem has no pool a/y"),
    ],
)
def test_what_cannot_be_opened_is_left_out_with_the_reason(heard: list[HeardNode], reason: str) -> None:
    found = announced([*heard, node("n9", "good")], {"one"}, POOLS)
    assert found == Announced((SpareGpus("good", "a", "z", 2),), (reason,))


def test_nodes_that_tell_of_no_spares_have_none() -> None:
    old = HeardNode("n1", datetime(2026, 1, 1, tzinfo=UTC), {"sub_clusters": []})
    assert not any_announced([old, node("n2")])
    assert announced([old], (), POOLS) == Announced()
