"""What a wave does to each sub-cluster, told for those who watch it."""

from __future__ import annotations

from planner.problem.parse import parse_problem
from planner.rollout.changes import Change, changes
from planner.rollout.stages import Held, Holding
from tests.planning import document, model, one_at_a_time

PROBLEM = parse_problem(
    document(
        [
            model(name, [10.0], {"a": one_at_a_time(10.0, weights_gib=gib)})
            for name, gib in (("x", 2.0), ("y", 3.0))
        ],
        pools={"a": 9},
    )
)


def holding(gpus: int, *models: str, batch_size: int = 1) -> Holding:
    return Holding("a", "z", gpus, {name: Held(batch_size, 0.5) for name in models})


def test_loads_and_what_is_let_go_with_gib_of_all_gpus() -> None:
    (found,) = changes(PROBLEM, {"one": holding(2, "x")}, {"one": holding(2, "y")})
    assert found == Change("one", "a", "z", 2, 2, ("y",), ("x",), 6.0)


def test_what_opens_grows_and_closes() -> None:
    now = {"grows": holding(1, "x"), "closes": holding(3, "x", "gone")}
    then = {"grows": holding(3, "x", "y"), "opens": holding(2, "x", "y")}
    closes, grows, opens = changes(PROBLEM, now, then)
    assert closes == Change("closes", "a", "z", 3, 0, (), ("gone", "x"), 0.0)
    assert grows == Change("grows", "a", "z", 1, 3, ("y",), (), 2 * 2.0 + 3 * 3.0)
    assert opens == Change("opens", "a", "z", 0, 2, ("x", "y"), (), 2 * 5.0)


def test_other_batches_load_nothing_and_what_stays_is_not_named() -> None:
    now = {"cut": holding(1, "x", batch_size=4), "stays": holding(1, "y")}
    (found,) = changes(PROBLEM, now, now | {"cut": holding(1, "x")})
    assert found == Change("cut", "a", "z", 1, 1, (), (), 0.0)
