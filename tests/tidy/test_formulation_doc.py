"""docs/formulation.md names exactly the rows, columns, stages and functions of a built formulation."""

from __future__ import annotations

import re

from planner.formulation.families import FAMILIES
from planner.formulation.formulation import Formulation, build
from planner.formulation.instance import build_instance
from planner.formulation.slots import choose_slots
from planner.problem.tables import capacity_tables
from tests.planning import model, one_at_a_time, problem
from tests.tidy.tree import ROOT

TEXT = (ROOT / "docs/formulation.md").read_text(encoding="utf-8")


def full() -> Formulation:
    """A formulation with every family: an active plan, a dispatcher's rate, SLOs out of reach, every rule."""
    cluster = {
        "id": "old",
        "gpu_type": "a",
        "zone": "z",
        "gpus": [1],
        "models": [{"id": "p", "share": [1], "batch_size": 1}],
    }
    beyond = cluster | {"id": "beyond", "zone": "y", "gpus": [3]}
    numbers = ("objective", "bound", "gap", "fluid_bound", "physical_gap", "cost_usd_per_hour")
    active = {
        "status": "feasible",
        **dict.fromkeys(numbers, 0),
        **{
            "sub_clusters": [cluster, beyond],
            "unserved": [],
            "excuses": [],
            "solver": "x",
            "seed": 0,
            "problem_digest": "x",
        },
    }
    slow = {"a": one_at_a_time(10.0, workspace_gib=1.0), "b": one_at_a_time(90.0)}
    models = [model(name, [9.0], slow, slo_ms=50.0) for name in ("p", "q", "r")]
    models[1]["rules"] = {"gpu_types_excluded": ["b"], "dedicated": True}
    models[2]["rules"] = {"zones_min": 2}
    soft = dict.fromkeys(("spread", "exclusions", "models_max", "churn"), "soft")
    rules = {
        "churn_gib_max": 9.0,
        "scheduler_rate_rps_max": 99.0,
        "sub_cluster_models_max": 2,
        "exclusions": [["p", "q"]],
        "hardness": soft | {"inventory": "fix_if_broken"},
        "balance": True,
    }
    pools = {"a": 40, "b": 40, "a/y": 1}
    question = problem(models, pools=pools, policy=rules, active_plan=active)
    tables = capacity_tables(question)
    slots, _ = choose_slots(tables, ())
    slots = [*slots, slots[-1]]  # two alike
    return build(build_instance(tables, slots, split=[0], elastic=[1]))


def section(title: str) -> list[list[str]]:
    """The cells of a section's table, code marks taken off."""
    body = TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in body.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_rows_of_a_built_formulation_are_those_of_the_table() -> None:
    built = {name.split("__")[0] for name in full().arrays.row_names}
    assert built == {name for row in section("Rows") for name in code(row[0])}


def test_functions_are_those_of_the_table() -> None:
    documented = {code(row[0])[0]: code(row[2])[0] for row in section("Rows")}
    assert documented == {name: add.__name__ for name, add in FAMILIES.items()}


def test_each_function_states_its_formula_and_row_name() -> None:
    for name, add in FAMILIES.items():
        assert (add.__doc__ or "").startswith(f"{name}: :math:`"), name


def test_columns_and_stages_are_those_of_the_tables() -> None:
    formulation = full()
    columns = {name.split("__")[0] + "__" for name in formulation.arrays.column_names}
    assert columns == {code(row[1])[0] for row in section("Variables")}
    stages = {re.sub(r"_\d+$", "_1", stage.name) for stage in formulation.stages}
    assert stages == {code(row[0])[0] for row in section("Objective")}
