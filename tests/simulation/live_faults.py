"""Schedules of faults drawn from a seed, the regime too: what fails, how often, under which load."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import msgspec

from dispatcher.contract.sub_cluster import SubClusterSpec
from dispatcher.core.rules import Policy, Rules
from tests.simulation.live_network import Weather
from tests.simulation.live_world import World, served
from tests.simulation.virtual_time import VirtualLoop

WARM_US = 300_000
FAULTS_US = 3_000_000
MENDED_US = 6_000_000
"""A worker notices after a second and a half that its dispatcher forgot it, and may have to ask twice."""

RESUMED_US = 4_000_000
"""A scheduler that learnt wrong times from wrong ends of batches forgets them within a second and an SLO."""

AFTERWARDS_US = 1_000_000
POLICIES = (Policy.ADAPTIVE, Policy.EAGER, Policy.DEFERRED, Policy.TIMEOUT)


@dataclass(frozen=True, slots=True)
class Regime:
    """What a seed stands for."""

    spec: SubClusterSpec
    rates_rps: tuple[float, ...]
    faults: tuple[str, ...]  # the kinds that may happen
    faults_per_s: float
    weather: Weather


def drawn_regime(random: Random) -> Regime:
    gpus = random.randint(1, 4)
    models = tuple(
        served(
            f"m{index}",
            slo_us=random.choice((40_000, 100_000, 400_000, 2_000_000)),
            alpha_us=random.randint(100, 2_000),
            beta_us=random.randint(1_000, 8_000),
            largest=random.randint(2, 16),
        )
        for index in range(random.randint(1, 3))
    )
    rules = Rules(random.choice(POLICIES), time_quantile=random.choice((None, 0.9)))
    kinds = random.sample(sorted(FAULTS), random.randint(1, 4))
    bad = random.random() < 0.5
    weather = Weather(*(random.choice((0.0, 0.02, 0.2)) if bad else 0.0 for _ in range(4)))
    return Regime(
        SubClusterSpec("sc", 1, gpus, models, rules),
        tuple(random.uniform(5, 40) for _ in models),
        tuple(kinds),
        random.uniform(0.5, 4.0),
        weather,
    )


def _of_worker(act: Callable[[World, int, Random], None]) -> Callable[[World, Random], None]:
    return lambda world, random: act(world, random.randrange(world.spec.gpus), random)


def _stop(world: World, gpu: int, random: Random) -> None:
    worker = world.workers[gpu]
    worker.stop()
    world.loop.call_later(random.uniform(0.01, 4.0), worker.resume)


def _slow(world: World, gpu: int, random: Random) -> None:
    world.workers[gpu].slowness = 3.0


def _hang(world: World, gpu: int, random: Random) -> None:
    world.workers[gpu].hang_us = random.randrange(5_000_000)


def _raise(world: World, gpu: int, random: Random) -> None:
    world.workers[gpu].fails_next = True


def _cut(world: World, gpu: int, random: Random) -> None:
    if gpu not in world.network.cut_since_us:
        world.network.cut_since_us[gpu] = world.loop.now_us()
        world.loop.call_later(random.uniform(0.01, 4.0), world.network.cut_since_us.pop, gpu, None)


def _kill_node(world: World, random: Random) -> None:
    for gpu in range(world.spec.gpus):
        world.kill_worker(gpu)
    world.kill_dispatcher()


def _change_plan(world: World, random: Random) -> None:
    """A model less or more, other batch limits, a GPU less or more; the first model always stays."""
    spec = world.spec
    spare = served("spare", 100_000, 500, 3_000, 8)
    models = [
        msgspec.structs.replace(
            model, latency_us=model.latency_us[: random.randint(2, len(model.latency_us))]
        )
        for model in spec.models
        if model is spec.models[0] or random.random() < 0.7
    ]
    if random.random() < 0.5 and all(model.id != "spare" for model in models):
        models.append(spare)
    gpus = max(1, spec.gpus + random.randint(-1, 1))
    changed = SubClusterSpec(spec.id, spec.plan_version + 1, gpus, tuple(models), spec.rules)
    world.change_plan(changed)


FAULTS: dict[str, Callable[[World, Random], None]] = {
    "worker killed": _of_worker(lambda world, gpu, random: world.kill_worker(gpu)),
    "worker terminated": _of_worker(lambda world, gpu, random: world.workers[gpu].terminate()),
    "worker stands still": _of_worker(_stop),
    "worker slow": _of_worker(_slow),
    "model hangs": _of_worker(_hang),
    "model raises": _of_worker(_raise),
    "network cut": _of_worker(_cut),
    "dispatcher killed": lambda world, random: world.kill_dispatcher(),
    "node killed": _kill_node,
    "plan changed": _change_plan,
}


def run_schedule(seed: int) -> tuple[Regime, World]:
    """Load throughout; faults for three seconds, time to mend, and a second that must be served."""
    random = Random(seed)
    regime = drawn_regime(random)
    loop = VirtualLoop()
    try:
        world = World(regime.spec, loop, random)
        began_us = loop.now_us()
        faults_from_us = began_us + WARM_US
        mended_us = faults_from_us + FAULTS_US
        end_us = mended_us + MENDED_US + RESUMED_US
        _schedule_load(world, regime, random, began_us, mended_us)
        _schedule_load(world, regime, random, mended_us + MENDED_US, end_us)
        at_us = faults_from_us
        while (at_us := at_us + int(random.expovariate(regime.faults_per_s) * 1e6)) < mended_us:
            loop.at_us(at_us, FAULTS[random.choice(regime.faults)], world, random)
        loop.at_us(faults_from_us, setattr, world.network, "weather", regime.weather)
        loop.at_us(mended_us, _mend, world)
        slo_us = max(model.slo_us for model in regime.spec.models)
        run_until(loop, end_us + slo_us + 1_200_000)
    finally:
        loop.close()
    return regime, world


def _schedule_load(world: World, regime: Regime, random: Random, from_us: int, to_us: int) -> None:
    for model, rate in zip(regime.spec.models, regime.rates_rps, strict=True):
        at_us = from_us
        while (at_us := at_us + int(random.expovariate(rate) * 1e6)) < to_us:
            world.loop.at_us(at_us, world.ask, model)


def _mend(world: World) -> None:
    """From here on nothing fails any more; what has failed must come back by itself."""
    world.network.weather = Weather()
    for worker in world.workers.values():
        worker.slowness, worker.hang_us, worker.fails_next = 1.0, 0, False


def run_until(loop: VirtualLoop, instant_us: int) -> None:
    failures: list[BaseException] = []

    def note(_: object, context: dict[str, object]) -> None:
        failures.append(context.get("exception") or RuntimeError(str(context["message"])))
        loop.stop()

    loop.set_exception_handler(note)
    loop.at_us(instant_us, loop.stop)
    loop.run_forever()
    if failures:
        raise failures[0]
