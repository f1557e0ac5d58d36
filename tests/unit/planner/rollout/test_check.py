"""Faults planted in sound rollouts are caught, each by its name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from planner.rollout.check import check
from planner.rollout.rollout import rollout
from planner.rollout.steps import Rollout, Step, Switch, Wave
from tests.unit.planner.rollout.test_rollout import AFTER, BEFORE, CROSSING, heavy

QUESTION = heavy(CROSSING, 3)
SOUND = rollout(QUESTION, BEFORE, AFTER)  # a spare, a load, a load, the spare closed


def with_wave(number: int, change: Callable[[Wave], Wave]) -> Rollout:
    waves = list(SOUND.waves)
    waves[number] = change(waves[number])
    return dataclasses.replace(SOUND, waves=tuple(waves))


def with_steps(number: int, change: Callable[[list[Step]], list[Step]]) -> Rollout:
    return with_wave(number, lambda wave: dataclasses.replace(wave, steps=tuple(change(list(wave.steps)))))


def test_the_rollout_itself_is_sound() -> None:
    assert check(QUESTION, SOUND) == []
    assert [len(wave.steps) for wave in SOUND.waves] == [2, 3, 3, 1]


FAULTS: dict[str, tuple[Rollout, str]] = {
    "load before unload": (with_steps(1, lambda s: [s[1], s[0], *s[2:]]), "memory"),
    "switch before load": (with_steps(1, lambda s: [s[0], s[2], s[1]]), "loaded"),
    "unload before the switch": (with_steps(0, lambda s: s[:1]), "loaded"),
    "unload left out": (with_steps(1, lambda s: s[1:]), "memory"),
    "load left out": (with_steps(1, lambda s: [s[0], s[2]]), "loaded"),
    "last wave left out": (dataclasses.replace(SOUND, waves=SOUND.waves[:-1]), "target"),
    "a step twice": (with_steps(3, lambda s: [s[0], s[0]]), "step"),
    "gpus miscounted": (
        with_steps(1, lambda s: [s[0], dataclasses.replace(s[1], gpus=2), s[2]]),  # type: ignore[call-arg]
        "step",
    ),
    "gib understated": (with_wave(0, lambda wave: dataclasses.replace(wave, gib=0.0)), "claims"),
    "seconds understated": (with_wave(0, lambda wave: dataclasses.replace(wave, duration_s=0.0)), "claims"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_caught(name: str) -> None:
    broken, constraint = FAULTS[name]
    assert constraint in {violation.constraint for violation in check(QUESTION, broken)}


def test_a_pool_with_fewer_gpus_is_noticed() -> None:
    poorer = dataclasses.replace(QUESTION.pools[0], available=2)
    found = check(dataclasses.replace(QUESTION, pools=(poorer,)), SOUND)
    assert "inventory" in {violation.constraint for violation in found}


def test_a_loss_that_is_not_stated_is_noticed() -> None:
    question = heavy(CROSSING, 2)
    lossy = rollout(question, BEFORE, AFTER)
    assert check(question, lossy) == []
    silent = tuple(dataclasses.replace(wave, lost_rps=()) for wave in lossy.waves)
    found = check(question, dataclasses.replace(lossy, waves=silent))
    assert {violation.constraint for violation in found} == {"capacity"}


def test_a_batch_that_is_late_is_noticed() -> None:
    def slow(step: Step) -> Step:
        assert isinstance(step, Switch)
        change = step.changes[0]
        route = dataclasses.replace(change.after[0], batch_size=9)
        return Switch((dataclasses.replace(change, after=(route,)),))

    found = check(QUESTION, with_steps(0, lambda s: [s[0], slow(s[1])]))
    assert "latency" in {violation.constraint for violation in found}
