"""One schedule: load throughout, a few faults drawn from a seed, and what is found afterwards."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from random import Random

from bench.faults.client import Client, Story, endings
from bench.faults.faults import FAULTS
from bench.faults.house import House

SLO_S = 1.0
ANSWERED_S_MAX = SLO_S + 1.0
FAULTS_MAX = 3
RATE_RPS = 40.0
AFTERWARDS_S = 1.5


@dataclass(frozen=True, slots=True)
class Found:
    """
    What became of the requests of one schedule.

    ``answered_s_max`` counts from when a request was due to be sent; ``broken`` holds the
    promises that were broken, none as a rule. ``mended_s`` is how long after the last fault all
    GPUs served.
    """

    seed: int
    faults: tuple[str, ...]
    requests: int
    endings: dict[str, int]
    answered_s_max: float
    mended_s: float
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
        round(mended_s - over_s, 3),
        tuple(_broken(stories, mended_s)),
    )


def _broken(stories: list[Story], mended_s: float) -> list[str]:
    """The promises that were not kept."""
    broken = []
    slow = [story for story in stories if story.took_s > ANSWERED_S_MAX]
    if slow:
        broken.append(f"{len(slow)} answered more than a second past their promise")
    after = [story for story in stories if story.at_s > mended_s + 0.2]
    if not after or sum(story.is_good for story in after) < 0.9 * len(after):
        broken.append(f"not served once mended: {endings(after)}")
    return broken
