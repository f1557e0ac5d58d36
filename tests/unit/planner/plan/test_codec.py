"""The plan's JSON, both ways."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.plan.codec import parse_plan, plan_to_json
from planner.plan.plan import Excuse, Placement, Plan, PlanStatus, SubCluster, Unserved
from profiles.faults import InputInvalid

SCHEMA = json.loads(
    (Path(__file__).resolve().parents[4] / "docs/reference/plan.schema.json").read_text(encoding="utf-8")
)
PLAN = Plan(
    status=PlanStatus.PARTIAL,
    objective=3.0,
    bound=2.5,
    gap=0.5 / 3,
    fluid_bound=2.0,
    physical_gap=1 / 3,
    cost_usd_per_hour=3.0,
    sub_clusters=(SubCluster("sc-01", "a", "z", (3, 2), (Placement("resnet", (1.0, 0.5), 8),)),),
    unserved=(Unserved("resnet", (0.0, 0.5)),),
    excuses=(Excuse("resnet", "inventory", "no GPU is left"), Excuse("inventory", "inventory", "3 of 3 a/z")),
    solver="auto",
    seed=7,
    problem_digest="ab" * 32,
)


def test_a_plan_written_is_read_back() -> None:
    written = json.loads(json.dumps(plan_to_json(PLAN)))
    jsonschema.validate(written, SCHEMA)
    assert parse_plan(written) == PLAN


def test_counts_that_the_model_had_planned_are_read_back() -> None:
    cluster = SubCluster("sc-01", "a", "z", (3, 2), PLAN.sub_clusters[0].placements, gpus_planned=(4, 4))
    plan = dataclasses.replace(PLAN, sub_clusters=(cluster,), objective=4.0)
    written = json.loads(json.dumps(plan_to_json(plan)))
    jsonschema.validate(written, SCHEMA)
    assert parse_plan(written) == plan
    assert "gpus_planned" not in plan_to_json(PLAN)["sub_clusters"][0], "older plans keep their digests"


def test_excuses_name_a_model_or_a_rule() -> None:
    excuses = plan_to_json(PLAN)["excuses"]
    assert [set(excuse) for excuse in excuses] == [
        {"model", "bottleneck", "text"},
        {"rule", "bottleneck", "text"},
    ]


def test_all_faults_are_reported_at_once() -> None:
    data = plan_to_json(PLAN)
    data["gap"] = math.nan
    data["status"] = "best"
    data["sub_clusters"][0]["gpus"] = [3, -1]
    data["sub_clusters"][0]["models"][0]["share"] = [1.5]
    data["colour"] = "red"
    del data["seed"]
    with pytest.raises(InputInvalid) as refused:
        parse_plan(data)
    assert {fault.field for fault in refused.value.faults} == {
        "gap",
        "status",
        "sub_clusters[0].gpus[1]",
        "sub_clusters[0].models[0].share[0]",
        "colour",
        "seed",
    }


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_damaged_plan_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    damaged: dict[str, Any] = copy.deepcopy(plan_to_json(PLAN))
    holder: Any = damaged
    for _ in range(data.draw(st.integers(0, 4))):
        inner = list(holder.values()) if isinstance(holder, dict) else holder
        inner = [value for value in inner if isinstance(value, dict | list) and value]
        if not inner:
            break
        holder = data.draw(st.sampled_from(inner))
    key = data.draw(st.sampled_from(list(holder) if isinstance(holder, dict) else list(range(len(holder)))))
    holder[key] = data.draw(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just({}) | st.just([])
    )
    with contextlib.suppress(InputInvalid):
        jsonschema.validate(plan_to_json(parse_plan(damaged)), SCHEMA)
