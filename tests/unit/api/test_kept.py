"""What is dear to make is made once for many, and anew behind the page; what is cheap every time."""

from __future__ import annotations

import threading

import pytest

from api.console.kept import DEAR_S, FRESH_FACTOR, SHOWN_S_MAX, Kept


class Made:
    """Counts how often it was made; each time takes ``seconds`` of the clock."""

    def __init__(self, seconds: float) -> None:
        self.now = 0.0
        self.seconds = seconds
        self.count = 0
        self.again = threading.Event()

    def __call__(self) -> int:
        self.now += self.seconds
        self.count += 1
        if self.count > 1:
            self.again.set()
        return self.count

    def clock(self) -> float:
        return self.now


def test_what_is_cheap_is_made_every_time() -> None:
    made = Made(DEAR_S / 2)
    kept = Kept(made.clock)
    assert [kept.get("a", made) for _ in range(3)] == [1, 2, 3]


def test_what_is_dear_is_shown_again_and_renewed_once_it_is_old() -> None:
    made = Made(2.0)
    kept = Kept(made.clock)
    assert [kept.get("a", made), kept.get("a", made)] == [1, 1]
    made.now += 2.0 * FRESH_FACTOR + 1
    assert kept.get("a", made) == 1
    assert made.again.wait(10)
    for _ in range(1_000):  # the answer is put away right after it was made
        if kept.get("a", made) == 2:
            break
        threading.Event().wait(0.01)
    assert kept.get("a", made) == 2
    assert kept.get("b", made) == 3


def test_what_nobody_asked_for_in_an_hour_is_not_shown() -> None:
    made = Made(2.0)
    kept = Kept(made.clock)
    kept.get("a", made)
    made.now += SHOWN_S_MAX + 1
    assert kept.get("a", made) == 2


def test_a_failure_is_told_and_not_kept() -> None:
    made = Made(2.0)
    kept = Kept(made.clock)

    def fails() -> int:
        made.now += 2
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        kept.get("a", fails)
    assert kept.get("a", made) == 1
