"""What goes wrong, done to real processes; each returns once it is over, not once it is mended."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from random import Random

import zmq

from bench.faults.house import House, model, plan, send
from dispatcher.contract import wire


def kill_worker(house: House, random: Random) -> None:
    """SIGKILL, in the middle of a batch as likely as not."""
    for pid in _one(house.workers(), random):
        send(pid, signal.SIGKILL)


def stop_worker(house: House, random: Random) -> None:
    """SIGSTOP for up to three seconds."""
    for pid in _one(house.workers(), random):
        send(pid, signal.SIGSTOP)
        time.sleep(random.uniform(0.2, 3.0))
        send(pid, signal.SIGCONT)


def stop_worker_for_good(house: House, random: Random) -> None:
    """SIGSTOP: nobody sends SIGCONT; the node has to notice, and kills it."""
    for pid in _one(house.workers(), random):
        send(pid, signal.SIGSTOP)
        house.until(lambda pid=pid: pid not in house.workers(), "the end of the worker that stands still")


def slow_worker(house: House, random: Random) -> None:
    """A third of the time for two seconds."""
    for pid in _one(house.workers(), random):
        end_s = time.monotonic() + 2.0
        while time.monotonic() < end_s:
            send(pid, signal.SIGSTOP)
            time.sleep(0.020)
            send(pid, signal.SIGCONT)
            time.sleep(0.010)


def kill_dispatcher(house: House, random: Random) -> None:
    for pid in _one(house.dispatchers(), random):
        send(pid, signal.SIGKILL)


def kill_node(house: House, random: Random) -> None:
    """The machine goes down and comes up again."""
    house.kill_node()
    time.sleep(random.uniform(0.1, 0.5))
    house.start_node()


def planner_goes(house: House, random: Random) -> None:
    house.planner.is_away = True
    time.sleep(random.uniform(0.5, 2.0))
    house.planner.is_away = False


def node_killed_while_planner_is_away(house: House, random: Random) -> None:
    """What is served then is what the disk holds."""
    house.planner.is_away = True
    kill_node(house, random)
    try:
        house.until(lambda: house.gpus_ready() == 2, "two GPUs ready from the kept plan")
    finally:
        house.planner.is_away = False


def clock_off(house: House, random: Random) -> None:
    """The node's clock and the planner's differ by a minute."""
    house.planner.clock_off_s = random.choice((-60.0, 60.0))
    time.sleep(1.0)


def cache_broken_and_unwritable(house: House, random: Random) -> None:
    """The kept plan cannot be replaced; another plan is served all the same, and kept once it can be."""
    file = house.state / "plan.json"
    file.unlink(missing_ok=True)
    file.mkdir(exist_ok=True)
    try:
        change_plan(house, random)
        house.until(lambda: bool(house.planner.latest.get("cache_fault")), "the fault in a heartbeat")
    finally:
        file.rmdir()
    house.until(file.is_file, "the plan kept")


def change_plan(house: House, random: Random) -> None:
    """The model's batch limit changes, and another model comes or goes."""
    version = house.planner.version + 1
    models = [model()] + ([model("other")] if version % 2 else [])
    house.planner.activate(plan(version, *models))
    house.until(lambda: house.plan_served() in (version, -1), f"plan {version} served")


def terminate_worker(house: House, random: Random) -> None:
    for pid in _one(house.workers(), random):
        send(pid, signal.SIGTERM)


def strangers_talk(house: House, random: Random) -> None:
    """Garbage, answers nobody asked for, repeated ones, and another worker's GPU claimed."""
    context = zmq.Context()
    try:
        stranger = context.socket(zmq.DEALER)
        stranger.linger = 200
        stranger.connect(house.worker_endpoint)
        done = wire.encode(wire.BatchDone(random.randrange(100), 0, 1))
        hello = wire.encode(wire.Hello(wire.CONTRACT_VERSION, 0, "elsewhere", 1))
        for _ in range(300):
            frames = random.choice(
                ([random.randbytes(random.randrange(80))], [b""], [done, bytes(4)], [hello], [hello[:-1]])
            )
            stranger.send_multipart(frames)
            time.sleep(0.002)
    finally:
        context.destroy(linger=200)


FAULTS: dict[str, Callable[[House, Random], None]] = {
    act.__name__: act
    for act in (
        kill_worker,
        stop_worker,
        stop_worker_for_good,
        slow_worker,
        terminate_worker,
        kill_dispatcher,
        kill_node,
        planner_goes,
        node_killed_while_planner_is_away,
        clock_off,
        cache_broken_and_unwritable,
        change_plan,
        strangers_talk,
    )
}


def _one(pids: list[int], random: Random) -> list[int]:
    return [random.choice(pids)] if pids else []
