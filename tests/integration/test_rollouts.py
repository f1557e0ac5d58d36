"""A rollout goes on as heartbeats confirm its waves, only forwards, on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alembic import command
from sqlalchemy import text

from planner.service import plans
from planner.service.activation import ActivationRequest, activate
from planner.service.errors import NoActivePlan, SubClusterNotFound, WaveNotFound
from planner.service.rollouts import view
from planner.service.rollouts.conducting import FOLLOW_S
from planner.service.rollouts.view import RolloutState
from planner.store import migrate
from planner.store.engine import make_engine
from planner.store.store import Store
from tests.conducted import Clock, Fleet, fleet_at
from tests.integration.test_store_migrations import _move
from tests.planning import document, model, one_at_a_time
from tests.rollouts import by_hand, sub_cluster
from tests.stored_plans import kept_plan

FIRST = by_hand(
    sub_cluster("one", 1, x=1.0), sub_cluster("two", 1, y=1.0), sub_cluster("three", 1, light=1.0)
)
SECOND = by_hand(
    sub_cluster("one", 1, y=1.0), sub_cluster("two", 1, light=1.0), sub_cluster("three", 1, x=1.0)
)
TOO_MUCH = by_hand(sub_cluster("one", 1, x=1.0, y=1.0), sub_cluster("two", 1, light=1.0))
WAVES = 3


@pytest.fixture
def fleet(migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    with fleet_at(migrated_url, monkeypatch) as found:
        yield found


def to_second(fleet: Fleet) -> int:
    """On the way from the first plan to the second: the first wave is open."""
    fleet.go(FIRST)
    fleet.turn()
    fleet.all_say()
    activation_id = fleet.go(SECOND)
    assert fleet.at.state is RolloutState.ORDERING
    assert view.routes_now(fleet.store)[1]["x"] == {"one": 1.0}
    fleet.turn()
    assert (fleet.at.state, fleet.at.wave, fleet.at.waves) == (RolloutState.WAVES, 1, WAVES)
    return activation_id


def test_wave_after_wave_as_nodes_confirm_them(fleet: Fleet) -> None:
    with pytest.raises(NoActivePlan):
        view.progress(fleet.store)
    activation_id = to_second(fleet)
    assert fleet.held() == {"one": {"x"}, "two": {"light", "y"}, "three": {"light", "x"}}
    assert view.routes_now(fleet.store)[1] == {"x": {"one": 1.0}, "y": {"two": 1.0}, "light": {"three": 1.0}}
    assert view.details(fleet.store, activation_id).waits_for == ("three", "two")
    fleet.says("two", "light", "y")
    assert fleet.turn() == 0
    assert view.details(fleet.store, activation_id).waits_for == ("three",)
    fleet.says("three", "light", "x")
    assert fleet.turn() == 1
    routes = view.routes_now(fleet.store)[1]
    assert (routes["x"], routes["light"]) == ({"three": 1.0}, {"two": 1.0})
    assert fleet.turn() == 0  # callers follow
    fleet.clock.later(FOLLOW_S)
    assert fleet.turn() == 1
    assert fleet.held()["one"] == {"y"}
    fleet.all_say()
    while fleet.at.state is not RolloutState.DONE:
        fleet.clock.later(FOLLOW_S)
        fleet.turn()
        fleet.all_say()
    assert fleet.held() == {"one": {"y"}, "two": {"light"}, "three": {"x"}}
    assert view.routes_now(fleet.store)[1] == {"x": {"three": 1.0}, "y": {"one": 1.0}, "light": {"two": 1.0}}
    assert fleet.turn() == 0


def test_what_does_not_confirm_a_wave(fleet: Fleet) -> None:
    to_second(fleet)
    fleet.says("two", "light", "y")
    for changes in ({"models": ["light"]}, {"state": "starting"}, {"state": "waiting"}, {"gpu": 7}):
        fleet.says("three", **({"models": ["light", "x"]} | changes))
        assert fleet.turn() == 0, changes
    fleet.says("three", "light", "x", wave=0)
    assert fleet.turn() == 0
    fleet.says("three", "light", "x")
    fleet.clock.later(61)  # heartbeats of more than a minute ago say nothing
    assert fleet.turn() == 0
    fleet.says("three", "light", "x")
    assert fleet.turn() == 0
    fleet.says("two", "light", "y")
    assert fleet.turn() == 1


def test_a_sub_cluster_that_does_not_come_is_waited_for_as_long_as_nodes_say(fleet: Fleet) -> None:
    to_second(fleet)
    fleet.says("two", "light", "y")
    fleet.clock.later(599)
    fleet.says("two", "light", "y")
    assert fleet.turn() == 0
    fleet.clock.later(1)
    assert fleet.turn() == 1
    assert fleet.at.waves_done == 1


def test_a_plan_activated_on_the_way_starts_from_where_each_sub_cluster_is(fleet: Fleet) -> None:
    to_second(fleet)
    fleet.says("three", "light", "x")
    fleet.says("two", "y", wave=0)
    fleet.go(FIRST)
    assert view.routes_now(fleet.store)[1]["light"] == {"three": 1.0}
    fleet.turn()
    assert fleet.at.state is RolloutState.WAVES
    assert fleet.held() == {"one": {"x"}, "two": {"y"}, "three": {"light"}}
    fleet.says("three", "light")
    assert fleet.turn() == 1
    assert fleet.at.state is RolloutState.DONE


def test_models_that_only_an_earlier_plan_knows_are_served_until_they_go(fleet: Fleet) -> None:
    fleet.go(FIRST)
    fleet.turn()
    only_y = document([model("y", [10.0], {"a": one_at_a_time(10.0, weights_gib=9.0)})], pools={"a": 3})
    version = kept_plan(fleet.store, only_y, by_hand(sub_cluster("one", 1, y=1.0)))
    plans.approve(fleet.store, version, plan_id=plans.summary(fleet.store, version).plan_id, actor="ann")
    activate(fleet.store, ActivationRequest(version), actor="bob")
    fleet.turn()
    assert fleet.at.state is RolloutState.WAVES
    specs = {}
    for wave in range(fleet.at.waves):
        for name in ("one", "two", "three"):
            try:
                spec = view.spec_at(fleet.store, fleet.at.activation_id, wave, name)
            except SubClusterNotFound:
                continue
            specs[wave, name] = {each.id: each.weights_gib for each in spec.models}
    assert specs[0, "one"] == {"x": 9.0}
    with pytest.raises(SubClusterNotFound):
        view.spec_at(fleet.store, fleet.at.activation_id, fleet.at.waves, "three")
    for wave in (-1, fleet.at.waves + 1):
        with pytest.raises(WaveNotFound):
            view.spec_at(fleet.store, fleet.at.activation_id, wave, "one")


def test_a_fleet_without_nodes_has_nobody_to_wait_for(fleet: Fleet) -> None:
    for plan in (FIRST, SECOND):
        fleet.go(plan)
        fleet.turn()
    for _ in range(WAVES):
        fleet.clock.later(FOLLOW_S)
        fleet.turn()
    assert fleet.at.state is RolloutState.DONE


def test_without_waves_nodes_take_the_plan_at_once_and_are_told_why(fleet: Fleet) -> None:
    fleet.go(FIRST)
    fleet.turn()
    assert (fleet.at.state, view.details(fleet.store, fleet.at.activation_id).reasons) == (
        RolloutState.AT_ONCE,
        (),
    )
    fleet.go(FIRST)  # nothing moves
    fleet.turn()
    assert fleet.at.state is RolloutState.AT_ONCE
    fleet.go(TOO_MUCH)
    fleet.turn()
    assert fleet.at.state is RolloutState.AT_ONCE
    (reason,) = view.details(fleet.store, fleet.at.activation_id).reasons
    assert "one needs 18.000 GiB" in reason


def test_of_many_servers_one_moves_and_each_fleet_has_its_own(fleet: Fleet) -> None:
    activation_id = to_second(fleet)
    with fleet.store.writing() as work:
        assert not work.rollouts.move(activation_id, step=0)
        assert not work.rollouts.add(activation_id, {}, waves=0)
    with fleet.store.of_fleet("other").writing() as work:
        assert work.rollouts.of(activation_id) is None
        assert work.rollouts.document(activation_id) == {}
        assert not work.rollouts.move(activation_id, step=1)
    with fleet.store.writing() as work:
        assert work.rollouts.move(activation_id, step=1)
        assert work.rollouts.fleets_under_way() == [("default", True)]


def test_what_was_active_before_migration_0012_is_taken_to_be_served(migrated_url: str) -> None:
    store = Store(migrated_url, clock=Clock())
    fleet = Fleet(store, Clock())
    fleet.go(FIRST)
    second = fleet.go(SECOND)
    assert view.progress(store).state is RolloutState.ORDERING
    store.close()
    _move(migrated_url, command.downgrade, "0011")
    migrate.upgrade(migrated_url)
    engine = make_engine(migrated_url)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT activation_id, waves, step FROM rollouts")).all()
    engine.dispose()
    assert [tuple(row) for row in found] == [(second, 0, 0)]
    store = Store(migrated_url)
    assert view.progress(store).state is RolloutState.AT_ONCE
    store.close()
