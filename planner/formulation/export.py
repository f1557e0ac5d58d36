"""The integer program as text: LP to read, MPS for other solvers."""

from __future__ import annotations

import tempfile
from pathlib import Path

import highspy
import numpy as np

from planner.formulation.formulation import Formulation
from planner.formulation.highs_lp import highs_lp

FORMATS = ("lp", "mps")


def export(formulation: Formulation, form: str) -> str:
    """
    The program that minimises dollars per hour while all demand is served.

    Raises ValueError for a format that is not one of ``FORMATS``.
    """
    if form not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}, got {form!r}.")
    lp = highs_lp(formulation.arrays)
    lp.col_cost_ = formulation.stage("cost").cost
    unserved = [stage.cost != 0 for stage in formulation.stages if stage.name.startswith("unserved")]
    if unserved:
        lp.col_upper_ = np.where(np.any(unserved, axis=0), 0.0, formulation.arrays.column_upper)
    solver = highspy.Highs()
    solver.silent()
    solver.passModel(lp)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"formulation.{form}"
        solver.writeModel(str(path))
        return path.read_text(encoding="utf-8")
