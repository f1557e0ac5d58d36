"""Waves go through the spares that nodes announce, and through no other, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from planner.service import plan_questions
from planner.service.plan_questions import RolloutRequest
from planner.service.rollouts import view
from planner.service.rollouts.conducting import FOLLOW_S
from planner.service.rollouts.view import RolloutState
from tests.conducted import Fleet, fleet_at
from tests.planning import document, model, one_at_a_time
from tests.rollouts import by_hand, sub_cluster
from tests.stored_plans import kept_plan


@pytest.fixture
def fleet(migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    with fleet_at(migrated_url, monkeypatch) as found:
        yield found


PAIR = by_hand(sub_cluster("one", 1, x=1.0), sub_cluster("two", 1, y=1.0))
EXCHANGED = by_hand(sub_cluster("one", 1, y=1.0), sub_cluster("two", 1, x=1.0))


def to_exchanged(fleet: Fleet) -> None:
    fleet.go(EXCHANGED)
    fleet.turn()


def test_an_exchange_goes_through_a_spare_that_a_node_announces(fleet: Fleet) -> None:
    fleet.go(PAIR)
    fleet.turn()
    fleet.keeps("keep")
    to_exchanged(fleet)
    held = fleet.through("one", "two", "keep")
    assert held[0] == {"one": {"x"}, "two": {"y"}, "keep": {"x"}}
    assert held[-1] == {"one": {"y"}, "two": {"x"}}
    assert fleet.at.state is RolloutState.DONE
    assert fleet.details == view.Details()
    assert view.routes_now(fleet.store)[1] == {"x": {"two": 1.0}, "y": {"one": 1.0}}


def test_a_wave_waits_for_the_spare_and_then_goes_on_without_it(fleet: Fleet) -> None:
    fleet.go(PAIR)
    fleet.turn()
    fleet.keeps("keep")
    to_exchanged(fleet)
    fleet.says("one", "x")
    assert fleet.details.waits_for == ("keep",)
    fleet.clock.later(599)
    assert fleet.turn() == 0
    fleet.clock.later(1)
    fleet.says("one", "x")
    assert fleet.turn() == 1


def test_a_spare_of_which_nothing_was_heard_for_a_minute_is_not_relied_on(fleet: Fleet) -> None:
    fleet.go(PAIR)
    fleet.turn()
    fleet.keeps("keep")
    fleet.clock.later(61)
    to_exchanged(fleet)
    assert fleet.details.spares == ()
    assert set(fleet.details.lost_rps) & {"x", "y"}


def test_a_plan_activated_while_a_spare_holds_a_model_empties_it(fleet: Fleet) -> None:
    fleet.go(PAIR)
    fleet.turn()
    fleet.keeps("keep")
    to_exchanged(fleet)
    fleet.says("keep", "x")
    fleet.turn()
    fleet.clock.later(FOLLOW_S)
    fleet.turn()
    assert view.routes_now(fleet.store)[1]["x"] == {"keep": 1.0}
    fleet.go(PAIR)
    assert view.routes_now(fleet.store)[1]["x"] == {"keep": 1.0}
    fleet.turn()
    assert fleet.details.spares == ("keep",)
    assert fleet.through("one", "two", "keep")[-1] == {"one": {"x"}, "two": {"y"}}
    assert fleet.at.state is RolloutState.DONE
    assert view.routes_now(fleet.store)[1]["x"] == {"one": 1.0}


def test_a_spare_with_the_name_of_a_sub_cluster_is_not_used_and_that_is_said(fleet: Fleet) -> None:
    fleet.go(PAIR)
    fleet.turn()
    fleet.keeps("one")
    to_exchanged(fleet)
    assert fleet.details.spares == ()
    (reason,) = fleet.details.spares_left_out
    assert reason == "spare one of node-keeper: its id must not be a sub-cluster of the plan"


CROSSING = document(
    [
        model(name, [10.0], {"a": one_at_a_time(10.0, weights_gib=gib)})
        for name, gib in (("p", 10.0), ("q", 10.0), ("r", 5.0), ("s", 4.0))
    ],
    pools={"a": 3},
)
UNCROSSED = by_hand(sub_cluster("one", 1, p=1.0, r=1.0), sub_cluster("two", 1, q=1.0, s=1.0))
CROSSED = by_hand(sub_cluster("one", 1, p=1.0, s=1.0), sub_cluster("two", 1, q=1.0, r=1.0))


def test_beforehand_one_is_told_what_the_kept_spares_make_possible(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_questions, "apart", lambda function, *given, **_: function(*given))
    versions = [kept_plan(fleet.store, CROSSING, plan) for plan in (UNCROSSED, CROSSED)]

    def asked(*, kept: bool) -> dict[str, Any]:
        request = RolloutRequest(against=versions[0], kept_spares_only=kept)
        return plan_questions.rollout(fleet.store, versions[1], request)[1]

    assert asked(kept=False)["spares"] == ["spare-01"]  # one of the pool's three GPUs is free
    assert (asked(kept=True)["spares"], asked(kept=True)["lost_requests"] > 0) == ([], True)
    fleet.keeps("keep")
    assert (asked(kept=True)["spares"], asked(kept=True)["lost_requests"]) == (["keep"], 0)
