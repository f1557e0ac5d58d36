"""The real runtime under faults and virtual time: a thousand schedules from seeds."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.simulation.live_faults import AFTERWARDS_US, FAULTS, run_schedule

SCHEDULES = 1_000
CHUNKS = 20


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_thousand_schedules_of_faults(chunk: int) -> None:
    for seed in range(chunk * SCHEDULES // CHUNKS, (chunk + 1) * SCHEDULES // CHUNKS):
        regime, world = run_schedule(seed)
        story = f"seed {seed}: {regime}"
        assert world.dispatcher is not None, story
        assert world.dispatcher.link.ready_gpus == list(range(regime.spec.gpus)), story
        assert world.reasons()["open"] == 0, story
        last = world.reasons(world.asked[-1].at_us - AFTERWARDS_US)
        assert last["good"] > 0.5 * sum(last.values()), f"{story}\n{last}"
