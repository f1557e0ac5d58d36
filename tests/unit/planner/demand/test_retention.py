"""What is due when: on the borders of stored rows, coarser ones later."""

from __future__ import annotations

import pytest

from planner.demand.retention import DAY_S, HOUR_S, Retention


def test_what_is_due_lies_on_the_border_of_a_row() -> None:
    now_s = 20_000 * DAY_S + 5 * HOUR_S + 1_234
    first, second, third = Retention().due_s(now_s)
    assert first == 20_000 * DAY_S + 4 * HOUR_S
    assert second == 19_999 * DAY_S
    assert third == 19_986 * DAY_S
    assert Retention().expired_s(now_s) == 19_600 * DAY_S


def test_a_finer_resolution_is_never_kept_longer() -> None:
    with pytest.raises(ValueError, match="a coarser resolution must be kept at least as long"):
        Retention(as_reported_s=3 * DAY_S)
