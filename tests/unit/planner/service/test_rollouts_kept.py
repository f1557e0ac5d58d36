from __future__ import annotations

import pytest

from planner.rollout.stages import Held, Holding, Stages
from planner.service.rollouts.document import document_of, stages_of
from planner.service.rollouts.kept import Latest


def test_the_latest_are_kept_and_what_fails_is_tried_again() -> None:
    made: list[int] = []

    def get(latest: Latest[int], number: int) -> int:
        return latest.get(number, lambda: made.append(number) or number)  # type: ignore[func-returns-value]

    latest: Latest[int] = Latest(2)
    assert [get(latest, number) for number in (1, 2, 1, 3, 1, 2)] == [1, 2, 1, 3, 1, 2]
    assert made == [1, 2, 3, 2]
    with pytest.raises(ZeroDivisionError):
        latest.get(9, lambda: 1 // 0)
    assert get(latest, 9) == 9


def test_waves_are_written_as_what_changes_and_read_back() -> None:
    one = Holding("a", "z", 1, {"x": Held(4, 1.0)})
    two = Holding("a", "z", 2, {"x": Held(2, 0.5), "y": Held(1, 1.0)}, is_spare=True)
    stages = Stages(({"one": one}, {"one": one, "two": two}, {"two": two}), ((), (("x", 1.5),)))
    document = document_of(stages, [7])
    assert stages_of(document) == stages
    assert document["waves"][1]["changes"] == {"one": None}
    assert document["problem_versions"] == [7]
    assert stages_of(document).spares == ("two",)
