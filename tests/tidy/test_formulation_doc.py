"""docs/formulation.md, the row names of a built program and the functions that add them are one table."""

from __future__ import annotations

import re

from planner.formulation.families import FAMILIES
from planner.problem.parse import parse_problem
from planner.solvers.portfolio import guided_formulation
from tests.tidy.tree import ROOT

ROW = re.compile(r"^\| `(\w+)` \| .+ \| `(\w+)` \|$", re.MULTILINE)


def documented() -> dict[str, str]:
    return dict(ROW.findall((ROOT / "docs/formulation.md").read_text(encoding="utf-8")))


def test_the_table_names_every_family_and_its_function() -> None:
    assert documented() == {name: add.__name__ for name, add in FAMILIES.items()}


def test_each_function_carries_its_formula() -> None:
    for name, add in FAMILIES.items():
        assert (add.__doc__ or "").startswith(f"{name}:"), add.__name__


def test_rows_of_a_built_program_bear_these_names() -> None:
    profile = {"alpha_ms": 1.0, "beta_ms": 5.0, "weights_gib": 1.0, "workspace_gib_per_item": 0.01}
    models = [
        {"id": f"m{i}", "slo_ms": 60, "demand_rps": [200.0 + i], "profiles": {"t4": profile}}
        for i in range(3)
    ]
    problem = parse_problem(
        {
            "epochs": [{"start": "2026-01-01T00:00:00Z", "hours": 1}],
            "gpu_types": [{"id": "t4", "memory_gib": 16, "price_usd_per_hour": 0.5}],
            "pools": [{"gpu_type": "t4", "zone": "a", "available": 4}],
            "models": models,
        }
    )
    rows = {name.split("__")[0] for name in guided_formulation(problem).arrays.row_names}
    assert rows <= set(documented())
    assert {"placed", "opened", "memory", "workspace", "throughput", "inventory"} <= rows
