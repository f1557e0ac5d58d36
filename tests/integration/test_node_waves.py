"""A real node, wave by wave, on GPUs none of which holds both plans; the planner is the real one too."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from bench.faults.client import endings
from bench.waves import FIRST, SECOND, SPARE, Homes, WaveHouse, swap, wave_house
from planner.service.rollouts import conducting
from planner.service.rollouts.kept import waves
from planner.service.rollouts.view import RolloutState

RATES_RPS = {"x": 4.0, "y": 4.0, "light": 4.0}
MACHINE_BUSY = ("window", "deadline_unreachable", "late")
"""Endings of requests that came while this machine was busy; a wave has none of its own."""

PAIRED: Homes = {"one": ("y", "light"), "three": ("x",)}
EXCHANGED: Homes = {"one": ("x", "light"), "three": ("y",)}
"""Between these two no other sub-cluster has room for what is in the way."""

APART: Homes = {"one": ("x",), "two": ("light",), "three": ("y",)}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WaveHouse]:
    """Three sub-clusters that serve the first plan; each test goes on from where the one before ended."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(conducting, "FOLLOW_S", 1.0)
        with wave_house(tmp_path_factory.mktemp("waves"), RATES_RPS) as built:
            yield built


def test_models_change_places_where_no_gpu_holds_two_and_no_request_fails(shared: WaveHouse) -> None:
    clients = shared.clients(RATES_RPS)
    swap(shared, SECOND)
    found = endings([story for client in clients for story in client.finish()])
    assert shared.at.waves >= 2
    assert shared.at.waves_done == shared.at.waves
    assert "out of memory" not in shared.talk()
    assert set(found) <= {"good", *MACHINE_BUSY}, f"{found}\n{shared.talk()}"
    assert found["good"] > 0, f"{found}\n{shared.talk()}"


def test_a_node_that_is_killed_on_the_way_and_a_plan_activated_there_lose_nothing(
    shared: WaveHouse,
) -> None:
    shared.activate(FIRST)
    shared.until(lambda: shared.at.state is RolloutState.WAVES and shared.at.waves_done > 0, "the first wave")
    shared.node.send_signal(signal.SIGKILL)
    shared.node.wait()
    shared.activate(SECOND)
    shared.node = shared.start_node()
    shared.until(lambda: shared.at.state is RolloutState.DONE, f"the end of the way back: {shared.at}")
    shared.until_held(SECOND)
    assert "out of memory" not in shared.talk()


def test_an_exchange_goes_through_the_spare_of_another_node_and_no_request_fails(shared: WaveHouse) -> None:
    clients = shared.clients(RATES_RPS)
    swap(shared, EXCHANGED)
    found = endings([story for client in clients for story in client.finish()])
    ordered = waves(shared.store, shared.at.activation_id)
    assert ordered.spares == (SPARE,)
    assert not any(ordered.lost_rps)
    assert (shared.spare()["dispatcher"], shared.spare()["gpus"], shared.spare()["fault"]) == (None, [], None)
    assert set(found) <= {"good", *MACHINE_BUSY}, f"{found}\n{shared.talk()}"
    assert found["good"] > 0, f"{found}\n{shared.talk()}"


def test_the_node_of_the_spare_is_killed_on_the_way_and_joins_again(
    shared: WaveHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared.activate(PAIRED)
    shared.until(lambda: SPARE in shared.held(), "the spare")
    monkeypatch.setattr(conducting, "FOLLOW_S", 3_600.0)  # the rest of the way is left to the next test
    before = shared.spare()["dispatcher"]["pid"]
    shared.spare_node.send_signal(signal.SIGKILL)
    shared.spare_node.wait()
    shared.spare_node = shared.start_node("n2")

    def is_back() -> bool:
        return SPARE in shared.held() and shared.spare()["dispatcher"]["pid"] != before

    shared.until(is_back, "what the spare held")


def test_a_gpu_changes_its_sub_cluster(shared: WaveHouse) -> None:
    """Device 3 is named by two sub-clusters of the node: one of them has it at a time."""
    for more in ("one", "two"):
        shared.activate(APART, more)
        shared.until(lambda: shared.at.state is RolloutState.DONE, f"the end of the waves: {shared.at}")
        wanted = {name: list(models) * (2 if name == more else 1) for name, models in APART.items()}
        shared.until(lambda wanted=wanted: shared.held() == wanted, f"{wanted}, {shared.held()}")


def test_without_waves_memory_refuses_what_does_not_fit_beside_the_old(
    shared: WaveHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the tests above can fail."""
    monkeypatch.setattr("planner.service.rollouts.ordering.apart", lambda *_, **__: (["no order"], {}))
    shared.activate(SECOND)
    shared.until(lambda: any("out of memory" in fault for fault in shared.faults()), "a refused load")
    assert shared.at.state is RolloutState.AT_ONCE


def test_a_node_that_ends_says_that_its_spare_is_not_to_be_counted_on(shared: WaveHouse) -> None:
    assert shared.is_kept()
    shared.spare_node.terminate()
    shared.spare_node.wait()
    assert not shared.is_kept()
