"""The real runtime under faults and virtual time: a thousand schedules from seeds, each fault by itself."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import msgspec
import pytest

from dispatcher.contract.sub_cluster import SubClusterSpec
from dispatcher.core.rules import Policy, Rules
from tests.simulation.live_faults import AFTERWARDS_US, run_schedule, run_until
from tests.simulation.live_network import Weather
from tests.simulation.live_world import World, served
from tests.simulation.virtual_time import VirtualLoop

SCHEDULES = 1_000
CHUNKS = 10

MODEL = served("a", slo_us=100_000, alpha_us=1_000, beta_us=5_000, largest=16)
OTHER = served("b", slo_us=200_000, alpha_us=500, beta_us=3_000, largest=8)
TWO_GPUS = SubClusterSpec("sc", 1, 2, (MODEL,), Rules(Policy.ADAPTIVE, time_quantile=0.9))
LOSS_US, BACK_US, END_US = 1_000_000, 2_000_000, 8_000_000
CAPACITY_RPS = 1_490
"""Of two GPUs and the largest batches: 2 * 16 requests in 21.5 ms."""


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_thousand_schedules_of_faults(chunk: int) -> None:
    """What is asserted while they run stands in ``live_world``; this is what must be true in the end."""
    for seed in range(chunk * SCHEDULES // CHUNKS, (chunk + 1) * SCHEDULES // CHUNKS):
        regime, world = run_schedule(seed)
        story = f"seed {seed}: {regime}"
        assert world.dispatcher is not None, story
        assert world.dispatcher.link.ready_gpus == list(range(world.spec.gpus)), story
        assert world.reasons()["open"] == 0, story
        last = world.reasons(world.asked[-1].at_us - AFTERWARDS_US)
        served_here = sum(last.values()) - last["model_not_here"]
        assert last["good"] >= 0.5 * served_here, f"{story}\n{last}"


def run_load(rate_rps: float, act: Callable[[World], None], spec: SubClusterSpec = TWO_GPUS) -> World:
    """Poisson load on ``spec`` for eight seconds; ``act`` happens after one."""
    loop, random = VirtualLoop(), Random(11)
    try:
        world = World(spec, loop, random)
        began_us = loop.now_us()
        for model in spec.models:
            at_us = began_us + 500_000
            while (at_us := at_us + int(random.expovariate(rate_rps) * 1e6)) < began_us + END_US:
                loop.at_us(at_us, world.ask, model)
        loop.at_us(began_us + LOSS_US, act, world)
        run_until(loop, began_us + END_US + 1_500_000)
    finally:
        loop.close()
    assert world.reasons()["open"] == 0
    return world


def lose_by_kill(world: World) -> None:
    world.workers[0].kill()


def lose_by_stop(world: World) -> None:
    world.workers[0].stop()


def lose_by_cut(world: World) -> None:
    world.network.cut_since_us[0] = world.loop.now_us()


def lose_by_hang(world: World) -> None:
    world.workers[0].hang_us = 3_600_000_000


@pytest.mark.parametrize("lose", [lose_by_kill, lose_by_stop, lose_by_cut, lose_by_hang])
def test_service_is_back_two_seconds_after_a_worker_is_lost_for_good(lose: Callable[[World], None]) -> None:
    world = run_load(150, lose)
    lost_us = world.asked[0].at_us // 1_000_000 * 1_000_000 + LOSS_US
    assert set(world.reasons(lost_us + BACK_US)) == {"good"}


def test_a_worker_three_times_as_slow_is_known_for_it_and_little_is_lost() -> None:
    def slow(world: World) -> None:
        world.workers[0].slowness = 3.0

    endings = run_load(150, slow).reasons()
    assert endings["good"] > 0.9 * sum(endings.values()), endings


@pytest.mark.parametrize("weather", [Weather(twice=0.5), Weather(overtaken=0.05), Weather(garbled=0.02)])
def test_bad_weather_loses_requests_but_never_answers_wrongly(weather: Weather) -> None:
    def turn_bad(world: World) -> None:
        world.network.weather = weather

    endings = run_load(150, turn_bad).reasons()
    assert endings["good"] > 0


def test_a_dispatcher_that_was_killed_is_back_with_its_workers() -> None:
    world = run_load(150, lambda world: world.kill_dispatcher())
    killed_us = world.asked[0].at_us // 1_000_000 * 1_000_000 + LOSS_US
    assert set(world.reasons(killed_us + BACK_US)) == {"good"}


@pytest.mark.parametrize(
    "models",
    [
        (msgspec.structs.replace(MODEL, latency_us=MODEL.latency_us[:13]),),
        (MODEL, OTHER),
    ],
)
def test_a_plan_switch_at_seventy_percent_of_capacity_fails_no_request(models: tuple[object, ...]) -> None:
    after = msgspec.structs.replace(TWO_GPUS, plan_version=2, models=models)
    rate_rps = 0.7 * CAPACITY_RPS
    undisturbed = run_load(rate_rps, lambda world: None).reasons()
    world = run_load(rate_rps, lambda world: world.change_plan(after))
    assert world.spec.plan_version == 2
    assert set(undisturbed) == set(world.reasons()) == {"good"}


def test_requests_of_a_model_that_leaves_are_still_answered() -> None:
    before = msgspec.structs.replace(TWO_GPUS, models=(MODEL, OTHER))
    after = msgspec.structs.replace(TWO_GPUS, plan_version=2)
    world = run_load(300, lambda world: world.change_plan(after), before)
    assert set(world.reasons()) == {"good", "model_not_here"}
    switched_us = min(each.at_us for each in world.asked if not each.is_good)
    assert all(each.is_good for each in world.asked if each.at_us < switched_us)
    assert all(each.is_good for each in world.asked if each.model == "a")


def test_workers_that_are_restarted_one_after_the_other_fail_no_request() -> None:
    def restart(world: World) -> None:
        for gpu in range(2):
            world.loop.call_later(2.0 * gpu, world.workers[gpu].terminate)

    assert set(run_load(0.35 * CAPACITY_RPS, restart).reasons()) == {"good"}
