"""
A fault in the core does not go unnoticed.

Each fault is planted in a copy of the core, which runs as plain Python against its slow twin
through a fixed set of drawn runs (``drive``). A fault counts as found when a command differs
from the twin's, an invariant of the state or of the run is broken, or something is raised.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.planted_faults.drive import FOUND
from tests.planted_faults.faults import FAULTS, Fault
from tests.tidy.tree import ROOT

HANGS_AFTER_S = 300.0


def copied_core(folder: Path) -> Path:
    """The folder of a copy of ``dispatcher.core`` whose kernels are plain Python."""
    package = folder / "dispatcher"
    shutil.copytree(ROOT / "dispatcher/core", package / "core", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dispatcher/__init__.py", package)
    shutil.copy(ROOT / "tests/planted_faults/plain.py", package / "core/compiled.py")
    return package / "core"


def driven(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.planted_faults.drive", str(folder)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=HANGS_AFTER_S,
        check=False,
    )


def test_the_core_as_it_is_passes(tmp_path: Path) -> None:
    copied_core(tmp_path)
    done = driven(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def place_of(fault: Fault, core: Path) -> Path:
    """The fault's file; where the code has moved, the one file of the core that holds it."""
    home = core / f"{fault.file}.py"
    if home.exists() and fault.old in home.read_text(encoding="utf-8"):
        return home
    homes = [path for path in core.glob("*.py") if fault.old in path.read_text(encoding="utf-8")]
    assert len(homes) == 1, f"{len(homes)} files of the core hold, to plant the fault: {fault.old!r}"
    return homes[0]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.file}: {fault.breaks}")
def test_the_fault_is_found(fault: Fault, tmp_path: Path) -> None:
    place = place_of(fault, copied_core(tmp_path))
    text = place.read_text(encoding="utf-8")
    assert text.count(fault.old) == 1, f"{place.name} must hold once, to plant the fault: {fault.old!r}"
    place.write_text(text.replace(fault.old, fault.new), encoding="utf-8")
    done = driven(tmp_path)
    assert done.returncode == FOUND, f"not found: {fault.breaks}\n{done.stdout}{done.stderr}"
