"""One schedule: load throughout, a few faults drawn from a seed, and what is found afterwards."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from random import Random

from bench.faults.client import Client, Story, endings
from bench.faults.faults import FAULTS
from bench.faults.house import House

SLO_S = 1.0
ANSWERED_S_MAX = SLO_S + 1.0
PAUSE_S_MAX = 2.0
"""After a worker's loss, for the GPUs that remain; an answer may then use its whole SLO."""

OF_A_WORKER = {"kill_worker", "stop_worker", "stop_worker_for_good", "slow_worker", "terminate_worker"}
FAULTS_MAX = 3
RATE_RPS = 40.0
AFTERWARDS_S = 1.5


@dataclass(frozen=True, slots=True)
class Found:
    """
    What became of the requests of one schedule.

    ``answered_s_max`` counts from when a request was due to be sent; ``pause_s`` is the longest time
    between two good answers. ``mended_s`` is how long after the last fault all GPUs served.
    ``afterwards`` are the endings of requests sent once all was mended. ``broken`` holds the promises that
    were broken, none as a rule on a machine that keeps up.
    """

    seed: int
    faults: tuple[str, ...]
    requests: int
    endings: dict[str, int]
    answered_s_max: float
    pause_s: float
    mended_s: float
    afterwards: dict[str, int]
    broken: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def run_schedule(house: House, seed: int, faults: Sequence[str] = ()) -> Found:
    """
    ``faults``, or some drawn from the seed, on a house that serves and is to serve again afterwards.

    Raises ``TimeoutError`` if it never does.
    """
    random = Random(seed)
    names = tuple(faults) or tuple(
        random.choice(sorted(FAULTS)) for _ in range(random.randint(1, FAULTS_MAX))
    )
    client = Client(house.url, RATE_RPS, seed)
    try:
        for name in names:
            time.sleep(random.uniform(0.3, 0.8))
            FAULTS[name](house, random)
        over_s = time.monotonic()
        house.until(lambda: house.gpus_ready() == 2 and len(house.workers()) == 2, "all GPUs ready again")
        time.sleep(0.3)  # one that stands still may not have been missed yet
        house.until_serving()
        mended_s = time.monotonic()
        time.sleep(AFTERWARDS_S)
    finally:
        stories = client.finish()
    return Found(
        seed,
        names,
        len(stories),
        endings(stories),
        round(max(story.took_s for story in stories), 3),
        round(_pause_s(stories), 3),
        round(mended_s - over_s, 3),
        endings(_after(stories, mended_s)),
        tuple(_broken(stories, mended_s, names)),
    )


def leaves_a_gpu(faults: Sequence[str]) -> bool:
    """Whether one of the two GPUs served throughout: a second fault may have met the other."""
    return len(faults) == 1 and faults[0] in OF_A_WORKER


def _pause_s(stories: list[Story]) -> float:
    answered_s = sorted(story.at_s + story.took_s for story in stories if story.is_good)
    return max((after - before for before, after in itertools.pairwise(answered_s)), default=0.0)


def _after(stories: list[Story], mended_s: float) -> list[Story]:
    return [story for story in stories if story.at_s > mended_s + 0.2]


def _broken(stories: list[Story], mended_s: float, faults: Sequence[str]) -> list[str]:
    """The promises that were not kept."""
    broken = []
    if leaves_a_gpu(faults) and _pause_s(stories) > PAUSE_S_MAX + SLO_S:
        broken.append(f"nothing was served for {_pause_s(stories):.1f} s though a GPU was left")
    slow = [story for story in stories if story.took_s > ANSWERED_S_MAX]
    if slow:
        broken.append(f"{len(slow)} answered more than a second past their promise")
    after = _after(stories, mended_s)
    if not after or sum(story.is_good for story in after) < 0.9 * len(after):
        broken.append(f"not served once mended: {endings(after)}")
    return broken
