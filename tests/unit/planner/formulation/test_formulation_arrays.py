"""Builder, slots, names and export."""

from __future__ import annotations

import numpy as np
import pytest

from planner.formulation.builder import Builder
from planner.formulation.export import export
from planner.formulation.instance import slugs
from planner.formulation.slots import Seat, choose_slots, exact_slots, guided_slots, size_classes
from planner.problem.tables import capacity_tables
from planner.solvers.portfolio import guided_formulation
from tests.planning import batching, model, one_at_a_time, problem


def test_builder_joins_rows() -> None:
    b = Builder()
    x = np.array([b.column(f"x{i}") for i in range(3)])
    y = b.column("y", upper=5.0, integer=True)
    b.row("first", [x, y], [[1.0, 0.0, 2.0], -1.0], upper=0.0)
    b.row("second", [y], [3.0], lower=1.0, upper=9.0)
    arrays = b.arrays()
    assert arrays.row_starts.tolist() == [0, 3, 4]
    assert arrays.indices.tolist() == [0, 2, 3, 3]
    assert arrays.activities(np.array([1.0, 1.0, 1.0, 2.0])).tolist() == [1.0, 6.0]
    assert arrays.violation(np.array([1.0, 1.0, 1.0, 2.0])) == 1.0
    assert arrays.violation(np.array([0.0, 0.0, 0.0, 1.0])) == 0.0


def test_slugs_are_safe_and_unique() -> None:
    assert slugs(["a/b:c", "a b-c", "__", "x" * 99]) == ["a_b_c", "a_b_c_2", "m", "x" * 40]


def test_size_classes_grow_by_a_quarter() -> None:
    assert size_classes(16) == [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15]
    assert 13 in size_classes(16, [13, 99])


def test_slots_are_exact_while_they_are_few() -> None:
    light = [model(f"m{i}", [20.0], {"a": one_at_a_time()}) for i in range(2)]
    slots, exact = choose_slots(capacity_tables(problem(light, pools={"a": 8})), ())
    assert exact
    assert [slot.gpus_min for slot in slots] == [1, 1]  # one GPU carries both


def test_slots_of_many_gpus_follow_the_incumbent() -> None:
    heavy = [model(f"m{i}", [900.0], {"a": batching(), "b": batching()}) for i in range(30)]
    tables = capacity_tables(problem(heavy, pools={"a": 60, "b": 60}, policy={"sub_cluster_gpus_max": 40}))
    slots, exact = choose_slots(tables, [Seat(0, 11)])
    assert not exact
    mine = [slot for slot in slots if slot.pool == 0]
    assert [(s.gpus_min, s.gpus_max) for s in mine] == [(10, 10), (11, 11), (11, 11), (12, 14)]
    assert {slot.gpus_min for slot in slots if slot.pool == 1} <= {2, 6, 16, 40}
    assert len(exact_slots(tables)) > len(guided_slots(tables, []))


@pytest.mark.parametrize(("form", "head"), [("lp", "\\ File written by HiGHS"), ("mps", "NAME")])
def test_export_names_rows_and_columns(form: str, head: str) -> None:
    question = problem([model("ResNet 50", [20.0], {"a": one_at_a_time()})])
    text = export(guided_formulation(question), form)
    assert text.startswith(head)
    assert "memory__k0" in text
    assert "x__ResNet_50__k0" in text


def test_export_knows_its_formats() -> None:
    question = problem([model("m", [20.0], {"a": one_at_a_time()})])
    with pytest.raises(ValueError, match="must be one of lp, mps"):
        export(guided_formulation(question), "xls")
