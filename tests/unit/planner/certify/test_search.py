"""The search for the fewest GPUs that pass."""

from __future__ import annotations

import pytest

from planner.certify.search import least_passing


@pytest.mark.parametrize("start", [1, 2, 7, 30, 64])
@pytest.mark.parametrize("least", [1, 2, 3, 8, 29, 31, 63, 64])
def test_finds_the_least_count_from_any_start(start: int, least: int) -> None:
    tried: list[int] = []

    def passes(gpus: int) -> bool:
        tried.append(gpus)
        return gpus >= least

    assert least_passing(passes, start, 1, 64) == (least, least - 1)
    assert len(tried) == len(set(tried)), "no count is simulated twice"
    assert len(tried) <= 15
    assert min(tried) >= 1
    assert max(tried) <= 64


def test_none_where_the_most_does_not_pass() -> None:
    assert least_passing(lambda gpus: gpus > 64, 40, 1, 64) == (None, 64)
    assert least_passing(lambda gpus: False, 64, 1, 64) == (None, 64)


def test_stops_at_the_floor() -> None:
    assert least_passing(lambda gpus: True, 20, 12, 64) == (12, 0)
    assert least_passing(lambda gpus: True, 12, 12, 64, refused=11) == (12, 11)
