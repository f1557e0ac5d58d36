"""What keeps a sub-cluster from its part of a wave, in the words of what its nodes say."""

from __future__ import annotations

from typing import Any

import pytest

from api.rest.schemas.nodes import STATUS_EXAMPLE
from planner.rollout.stages import Held, Holding
from planner.service.rollouts.account import kept_by

PART = STATUS_EXAMPLE["sub_clusters"][0] | {"activation_id": 4, "wave": 2}
GPU = PART["gpus"][0] | {"models": ["x"]}
TWO_GPUS = Holding("a", "z", 2, {name: Held(1, 1.0) for name in ("x", *"abcde")})


def part(*gpus: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return PART | {"gpus": [GPU | {"gpu": number} | gpu for number, gpu in enumerate(gpus)]} | changes


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([], "no node speaks of it"),
        ([part({}, fault="plan 3: no file /m")], "plan 3: no file /m"),
        ([part({"state": "waiting", "fault": "model x: no file /m"})], "GPU 0: model x: no file /m"),
        ([part({"state": "starting"})], "GPU 0 starts"),
        ([part({"state": "waiting", "starts": 7})], "GPU 0 died, 7 starts so far"),
        ([part({})], "GPU 0 loads a, b, c and 2 more"),
        ([part({"models": [*"abcde", "x"]}, {"models": [*"abcd", "x"]})], "GPU 1 loads e"),
        ([part({"models": [*"abcde", "x"]}, dispatcher=None)], "its dispatcher does not run"),
        ([part({"models": [*"abcde", "x"]}, wave=1)], "its node takes the wave up"),
        ([part({"models": [*"abcde", "x"]})], "it is about to be done"),
    ],
)
def test_what_keeps_it(parts: list[dict[str, Any]], words: str) -> None:
    assert kept_by(TWO_GPUS, parts, 4, 2) == words


def test_one_that_closes_is_kept_by_its_node_alone() -> None:
    assert kept_by(None, [part({"state": "running"}, wave=1)], 4, 2) == "its node takes the wave up"
