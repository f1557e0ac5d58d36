"""A submission is accepted whole, or refused with everything that is wrong."""

from __future__ import annotations

import pytest

from planner.service.submission import SUGGESTIONS_MAX, Reference, Submission
from profiles.faults import Fault, InputInvalid


def test_what_is_sound_is_accepted() -> None:
    submission = Submission("things", (1, 2), references=(Reference("[0].model", "model", "a"),))
    assert submission.accepted({"model": {"a"}}) == (1, 2)


def test_faults_repetitions_and_unknown_names_come_together() -> None:
    submission = Submission(
        "things",
        (1,),
        faults=(Fault("[1].x", "-1", "must be positive"),),
        identities=(("[0]", "same"), ("[1]", "same"), ("[2]", "other")),
        references=(Reference("[0].gpu_type", "gpu_type", "A11"), Reference("[0].model", "model", "a")),
    )
    with pytest.raises(InputInvalid) as refused:
        submission.accepted({"gpu_type": {"A10"}, "model": {"a"}})
    assert [(fault.field, fault.limit) for fault in refused.value.faults] == [
        ("[1].x", "must be positive"),
        ("[0]", "must be unique, appears 2 times"),
        ("[1]", "must be unique, appears 2 times"),
        ("[0].gpu_type", "must be a registered GPU type; did you mean 'A10'?"),
    ]


def test_only_the_first_unknown_names_get_a_suggestion() -> None:
    references = tuple(Reference(f"[{i}].model", "model", f"x{i}") for i in range(SUGGESTIONS_MAX + 1))
    with pytest.raises(InputInvalid) as refused:
        Submission("things", (1,), references=references).accepted({"model": {"a"}})
    suggested = ["did you mean" in fault.limit for fault in refused.value.faults]
    assert suggested == [True] * SUGGESTIONS_MAX + [False]
