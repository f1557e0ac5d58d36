"""Imports run one way, and each library stays in its room."""

from __future__ import annotations

import subprocess
import sys

from tests.tidy.tree import ROOT

HEAVY = (
    "fastapi",
    "grpc",
    "highspy",
    "numba",
    "onnxruntime",
    "ortools",
    "pulp",
    "pydantic",
    "scipy",
    "sqlalchemy",
    "zmq",
)


def test_import_contracts_hold() -> None:
    result = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout


def test_command_line_starts_without_planner_and_solvers() -> None:
    """A GPU node has the dispatcher's dependencies alone."""
    code = f"import sys, api.cli.main; print([m for m in {HEAVY!r} if m in sys.modules])"
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
