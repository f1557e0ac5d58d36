"""Shards and their matcher: each request answered once, whatever the order in which they take their turns."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.core.compiled import loop_kernel
from dispatcher.core.delays import Delays
from dispatcher.core.heaps import check_heap
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.rules import Policy, Rules
from dispatcher.core.sharding.atomics import LINE_WORDS
from dispatcher.core.state import FAR_US
from dispatcher.runtime.sharded import (
    Part,
    Sharded,
    joined,
    new_sharded,
    one_matcher_step,
    part_step,
    run_on_threads,
)
from dispatcher.simulation.loop import EXECUTED, Requests
from dispatcher.simulation.simulate import new_requests, run_requests
from tests.simulation.run_checks import check_run


@loop_kernel
def _part_step(shared: Sharded, part: Part, s: int, now_us: int) -> None:
    part_step(shared, part, s, now_us)


@loop_kernel
def _matcher_step(shared: Sharded, now_us: int) -> None:
    one_matcher_step(shared, now_us)


@dataclass(frozen=True)
class Regime:
    """What a run is like."""

    seed: int
    shards: int
    gpus: int
    policy: Policy
    models_each: int
    gap_us_mean: int
    requests: int
    ring_places: int


regimes = st.builds(
    Regime,
    seed=st.integers(0, 2**32),
    shards=st.integers(1, 3),
    gpus=st.integers(1, 5),
    policy=st.sampled_from([Policy.ADAPTIVE, Policy.DEFERRED, Policy.EAGER]),
    models_each=st.integers(1, 3),
    gap_us_mean=st.sampled_from([20, 100, 400, 2_000]),
    requests=st.integers(1, 300),
    ring_places=st.sampled_from([1, 2, 64]),
)


def drawn(regime: Regime) -> tuple[list[ModelSpec], Requests]:
    chance = np.random.default_rng(regime.seed)
    count = regime.shards * regime.models_each
    latency_us = np.array([0, *(300 * b + 900 for b in range(1, 17))])
    models = [ModelSpec(f"m{m}", int(chance.integers(6_000, 40_000)), latency_us, 40) for m in range(count)]
    arrival_us = np.cumsum(chance.exponential(regime.gap_us_mean, regime.requests)).astype(np.int64)
    index = chance.integers(0, count, regime.requests, dtype=np.int32)
    return models, new_requests(models, arrival_us, index, Delays())


@loop_kernel
def _run_at_once(shared: Sharded, part: Part) -> int:
    """One shard, a microsecond after the other, each until no more messages go; the last instant."""
    now_us = 0
    while shared.clock[LINE_WORDS] != FAR_US and now_us < 10_000_000:
        sent = -1
        while sent != shared.up.cursor[0].sum() + shared.down.cursor[0].sum():
            sent = shared.up.cursor[0].sum() + shared.down.cursor[0].sum()
            one_matcher_step(shared, now_us)
            part_step(shared, part, 0, now_us)
        now_us += 1
    return now_us


def interleaved(shared: Sharded, parts: list[Part], chance: random.Random) -> int:
    """All take turns, in an order drawn at random; the last instant."""
    now_us = 0
    while any(shared.clock[(1 + s) * LINE_WORDS] != FAR_US for s in range(len(parts))):
        assert now_us < 10_000_000, "requests wait and nothing ever happens"
        for turn in chance.choices(range(-1, len(parts)), k=3):
            if turn < 0:
                _matcher_step(shared, now_us)
            else:
                _part_step(shared, parts[turn], turn, now_us)
        now_us += chance.choice([0, 1, 7, 40, 300])
    return now_us


def check_end(shared: Sharded) -> None:
    """No grant is left open, and no heap in disorder."""
    assert not shared.matcher.is_granted.any()
    assert not shared.matcher.is_reserved.any()
    for heap in (shared.matcher.state.idle, shared.matcher.state.busy, shared.matcher.state.waiting):
        check_heap(heap)


@settings(max_examples=60, deadline=None)
@given(regimes)
def test_each_request_is_answered_once_in_any_order_of_turns(regime: Regime) -> None:
    models, requests = drawn(regime)
    rules = Rules(regime.policy)
    shared, parts = new_sharded(
        models,
        regime.gpus,
        requests,
        regime.shards,
        delays=Delays(),
        rules=rules,
        ring_places=regime.ring_places,
    )
    now_us = interleaved(shared, parts, random.Random(regime.seed))
    check_run(joined(parts), models, Delays(), [1.0] * regime.gpus)
    for turn in range(4 * len(models)):  # what is still on its way arrives
        _matcher_step(shared, now_us + turn)
        for s, part in enumerate(parts):
            _part_step(shared, part, s, now_us + turn)
    check_end(shared)


@settings(max_examples=40, deadline=None, derandomize=True)  # "as many" is a matter of a few in a hundred
@given(regimes)
def test_one_shard_with_instant_messages_serves_as_many_as_the_scheduler(regime: Regime) -> None:
    one = Regime(**{**regime.__dict__, "shards": 1, "ring_places": 64})
    models, requests = drawn(one)
    rules = Rules(one.policy)
    shared, parts = new_sharded(models, one.gpus, requests, 1, delays=Delays(), rules=rules)
    assert _run_at_once(shared, parts[0]) < 10_000_000
    run_requests(models, one.gpus, requests, delays=Delays(), rules=rules, measured_us=(0, FAR_US))
    served = int((parts[0].requests.outcome == EXECUTED).sum())
    assert abs(served - int((requests.outcome == EXECUTED).sum())) <= max(3, 0.03 * len(requests.outcome))


def test_two_threads_answer_each_request_and_end() -> None:
    regime = Regime(7, 2, 64, Policy.ADAPTIVE, 8, 4, 100_000, 64)
    models, requests = drawn(regime)
    shared, parts = new_sharded(models, 64, requests, 2, delays=Delays(), rules=Rules(), ring_places=64)
    run_on_threads(shared, parts)
    check_run(joined(parts), models, Delays(), [1.0] * 64)
