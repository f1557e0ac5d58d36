"""Ctrl-C, sent to a real process in the middle of its search."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from planner.plan.codec import parse_plan
from planner.plan.verify import verify
from planner.problem.canonical import problem_to_json
from tests.unit.planner.solvers.test_stopping import large

START_LIMIT_S, END_LIMIT_S = 90.0, 10.0


def started(path: Path, solver: str) -> subprocess.Popen[str]:
    """The command at work: its first line of progress has been read."""
    command = [sys.executable, "-m", "api.cli.main", "plan", "solve", str(path)]
    process = subprocess.Popen(
        [*command, "--solver", solver, "--time-limit-s", "300", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stderr is not None
    assert "USD/h" in process.stderr.readline()
    return process


@pytest.mark.parametrize("solver", ["auto", "cp-sat"])
def test_ctrl_c_prints_the_best_plan_so_far(tmp_path: Path, solver: str) -> None:
    asked = large()
    path = tmp_path / "problem.json"
    path.write_text(json.dumps(problem_to_json(asked)), encoding="utf-8")
    process = started(path, solver)
    try:
        time.sleep(3.0)  # into the exact solver, past the greedy search
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=END_LIMIT_S)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "stopping with the best plan so far" in stderr
    assert verify(asked, parse_plan(json.loads(stdout))) == []
