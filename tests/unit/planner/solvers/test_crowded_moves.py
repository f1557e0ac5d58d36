"""The compiled moves of the crowded part: what they keep up to date is what counting anew gives."""

from __future__ import annotations

import numpy as np
import pytest

from planner.solvers.mixed.moves import improve, insert, seed_rounds
from planner.solvers.mixed.state import (
    CLOSED,
    OUTSIDE,
    TOO_DEAR,
    Part,
    State,
    copied,
    count_anew,
    leave,
    note_alone,
    seated,
    sets_of,
    worth_of,
)


def drawn_part(items: int = 18, seed: int = 2, with_rate: bool = False) -> Part:
    """Two levels of memory, 8 GPU counts, 3 epochs; need falls with the count and with the memory left."""
    rng = np.random.default_rng(seed)
    base = rng.uniform(0.1, 1.5, (items, 1, 3))
    falling = 1 + 0.5 / np.sqrt(np.arange(1, 9))[None, :, None]
    ample = base * falling
    need = np.stack([ample * rng.uniform(1.0, 1.4, (items, 1, 1)), ample])[None]
    part = Part(
        need=need,
        kept=np.array([0.05, 0.4]),
        weights=rng.uniform(0.5, 6.0, (1, items)),
        usable=np.array([14.0]),
        price=np.array([2.0]),
        limit=np.array([8]),
        available=np.array([40]),
        outside=np.where(np.arange(items) % 3 == 0, TOO_DEAR, rng.uniform(0.5, 3.0, (2, items))).T.copy(),
        apart=np.array([2.0, 1.5]),
        rate=rng.uniform(0.0, 0.4, (items, 2)) if with_rate else np.zeros((items, 0)),
        alone_gpus=np.zeros((1, items), dtype=np.int64),
        alone_size=np.zeros((1, items)),
        member_max=6,
    )
    note_alone(part)
    return part


def begun(part: Part) -> State:
    state = seated(part)
    for i in range(len(part.outside)):
        insert(part, state, i, np.flatnonzero(state.type != CLOSED), 0.0)
    return state


def counted_anew(part: Part, state: State) -> None:
    """Every slot against the formula written out."""
    used = 0
    for k in np.flatnonzero(state.type != CLOSED):
        members = state.members[k, : state.members_count[k]]
        assert sorted(members) == sorted(np.flatnonzero(state.home == k))
        weight = part.weights[0, members].sum()
        assert state.weight[k] == pytest.approx(weight)
        left = 1 - weight / part.usable[0]
        level = max(v for v, kept in enumerate(part.kept) if kept <= left + 1e-12)
        totals = part.need[0, level, members].sum(axis=0).max(axis=1)  # (N,)
        least = next(n for n in range(1, 9) if totals[n - 1] <= n + 1e-9)
        assert state.gpus[k] >= least  # a count once reached is kept while items are added
        assert totals[state.gpus[k] - 1] <= state.gpus[k] + 1e-9
        assert state.size[k] == pytest.approx(totals[state.gpus[k] - 1])
        assert state.level[k] == level
        load = part.need[0, level, members, state.gpus[k] - 1].sum(axis=0)
        assert state.load[k] == pytest.approx(load)
        assert load[state.peak[k]] == pytest.approx(load.max())
        assert (part.rate[members].sum(axis=0) <= 1 + 1e-9).all()
        assert len(members) <= part.member_max
        used += int(state.gpus[k])
    assert state.used[0] == used <= part.available[0]
    outside = state.home == OUTSIDE
    assert (part.outside[outside] < TOO_DEAR).all()
    assert state.outer == pytest.approx(part.apart + part.outside[outside].sum(axis=0), abs=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_rounds_keep_sums_and_never_lose_the_best(seed: int) -> None:
    part = drawn_part(seed=seed, with_rate=seed % 2 == 1)
    best = begun(part)
    counted_anew(part, best)
    start = worth_of(part, best)[0]
    present, trial = copied(best), copied(best)
    seed_rounds(seed)
    improve(part, best, present, trial, 3_000, 0.05)
    for state in (best, present, trial):
        counted_anew(part, state)
    assert worth_of(part, best)[0] <= start
    assert worth_of(part, best)[0] <= worth_of(part, present)[0] + 1e-9
    for name, array in present._asdict().items():
        if name != "members":  # beyond the count of members they are of no account
            assert np.array_equal(array, getattr(trial, name)), name


def test_what_is_cheap_elsewhere_stays_outside() -> None:
    part = drawn_part()
    part.outside[1] = 1e-6
    state = begun(part)
    assert state.home[1] == OUTSIDE


def test_what_is_outside_costs_the_most_that_any_prices_say() -> None:
    """Under the first prices both are cheaper outside; under the second either is, not both."""
    part = drawn_part()
    part = part._replace(outside=part.outside.copy(), apart=np.array([0.0, -3.0]))
    part.outside[1], part.outside[2] = [0.1, 3.05], [0.1, 3.05]
    alone = begun(part._replace(outside=part.outside[:, :1].copy(), apart=part.apart[:1]))
    assert (alone.home[1:3] == OUTSIDE).all()
    both = begun(part)
    assert (both.home[1:3] != OUTSIDE).any()
    cost, _ = worth_of(part, both)
    outside = both.home == OUTSIDE
    gpus = part.price[0] * both.gpus[both.type != CLOSED].sum()
    assert cost == pytest.approx(gpus + (part.apart + part.outside[outside].sum(axis=0)).max())


def test_what_was_found_is_seated_again_as_it_was() -> None:
    part = drawn_part()
    best = begun(part)
    present, trial = copied(best), copied(best)
    seed_rounds(1)
    improve(part, best, present, trial, 1_000, 0.05)
    again = seated(part, sets_of(best))
    counted_anew(part, again)
    assert [(g, members.tolist()) for g, members in sets_of(again)] == [
        (g, members.tolist()) for g, members in sets_of(best)
    ]
    assert worth_of(part, again)[0] <= worth_of(part, best)[0] + 1e-9


def test_a_sub_cluster_may_need_a_gpu_more_once_an_item_left() -> None:
    """Memory that is let go may mean batches that cost a little more, where a curve has steps."""
    part = drawn_part()
    part.need[0, 0, 0], part.need[0, 1, 0] = 2.0, 2.001
    part.need[0, :, 1] = 0.0
    part.weights[0, :2] = 3.0, 8.0
    state = seated(part, [(0, np.array([0, 1]))])
    assert state.gpus[0] == 2
    leave(part, state, 1)
    count_anew(part, state, 0)
    assert state.gpus[0] == 3
    assert state.load[0].max() == state.size[0] == pytest.approx(2.001)
