"""The same arrivals give the same run, bit for bit, whichever process and whichever driver."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from dispatcher.core.delays import Delays
from dispatcher.core.rules import DropRule, Policy, Rules
from dispatcher.core.scheduler import Scheduler
from tests.simulation.digests import digests
from tests.simulation.test_simulation import affine, arrivals, check_against_twin
from tests.tidy.tree import ROOT


def test_same_arrivals_same_run_in_this_process_and_in_another() -> None:
    first = digests()
    assert len(set(first.values())) > len(Policy), "the rules make no difference: the load is too light"
    assert digests() == first
    command = [sys.executable, "-m", "tests.simulation.digests"]
    other = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert other.returncode == 0, other.stderr
    assert json.loads(other.stdout) == first


@pytest.mark.parametrize("drop", DropRule)
@pytest.mark.parametrize("policy", Policy)
def test_the_simulators_loop_decides_as_the_class_does(
    policy: Policy, drop: DropRule, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plain driver of ``tests/naive`` feeds ``Scheduler`` event by event: the same starts and drops."""
    monkeypatch.setattr("tests.naive.simulation.naive_scheduler", Scheduler)
    models = [affine(25), affine(40), affine(18, queue_max=20)]
    times_us, index = arrivals(8, [2_000.0, 600.0, 900.0], 0.3, shape=0.3)
    arrived = list(zip(times_us.tolist(), index.tolist(), strict=True))
    check_against_twin(models, [1.0, 0.5, 2.0], Delays(), Rules(policy, drop), arrived)
