from __future__ import annotations

import pytest

from planner.explain.settings import Operation, Setting, apply_settings, parse_setting, parse_settings
from planner.problem.canonical import problem_digest
from planner.problem.problem import GpuReservation, PlanningProblem
from profiles.faults import InputInvalid
from tests.planning import batching, model, problem


def fleet() -> PlanningProblem:
    models = [
        model("bert", [10.0, 20.0], {"a": batching()}),
        model("resnet.v2", [5.0, 0.0], {"a": batching(), "b": batching()}),
    ]
    return problem(models, pools={"a/x": 5, "a/y": 2, "b/x": 3}, policy={"churn_gib_max": 10.0})


def changed(*texts: str) -> PlanningProblem:
    return apply_settings(fleet(), [parse_setting(text) for text in texts])


def stock(asked: PlanningProblem) -> dict[str, int]:
    return {pool.id: pool.available for pool in asked.pools}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("inventory.a.x=+3", {"a/x": 8, "a/y": 2, "b/x": 3}),
        ("inventory.a.x=-5", {"a/x": 0, "a/y": 2, "b/x": 3}),
        ("inventory.a.y=x1.5", {"a/x": 5, "a/y": 3, "b/x": 3}),
        ("inventory.b=40", {"a/x": 5, "a/y": 2, "b/x": 40}),
        ("inventory.a=+3", {"a/x": 7, "a/y": 3, "b/x": 3}),  # evenly, what is left to the first zone
        ("inventory.a=-4", {"a/x": 1, "a/y": 2, "b/x": 3}),  # one by one from where most is, x before y
        ("inventory.a=*2", {"a/x": 10, "a/y": 4, "b/x": 3}),
        ("inventory.a=8", {"a/x": 6, "a/y": 2, "b/x": 3}),
    ],
)
def test_inventory(text: str, expected: dict[str, int]) -> None:
    assert stock(changed(text)) == expected


def test_fields_of_models_policy_and_gpu_types() -> None:
    asked = changed(
        "models.bert.slo_ms=40",
        "models.resnet.v2.priority=+1",
        "policy.churn_gib_max=x1.5",
        "policy.gpus=per_epoch",
        "policy.delays.ctrl_us=7",
        "gpu_types.b.price_usd_per_hour=x2",
        "models.bert.profiles.a.weights_gib=2.5",
    )
    assert asked.models["bert"].slo_ms == 40.0
    assert asked.models["resnet.v2"].priority == 2
    assert asked.policy.churn_gib_max == 15.0
    assert asked.policy.gpus is GpuReservation.PER_EPOCH
    assert asked.policy.delays.ctrl_us == 7
    assert asked.gpu_types["b"].price_usd_per_hour == 2.0
    assert asked.models["bert"].profiles["a"].weights_gib == 2.5
    assert changed("policy.churn_gib_max=null").policy.churn_gib_max is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("models.bert.demand_rps=x0.5", (5.0, 10.0)),
        ("models.bert.demand_rps=40", (20.0, 40.0)),  # the peak
        ("models.bert.demand_rps=+10", (15.0, 30.0)),
        ("models.bert.demand_rps=[1,2]", (1.0, 2.0)),
        ("models.*.demand_rps=x2", (20.0, 40.0)),
    ],
)
def test_demand_keeps_its_shape(text: str, expected: tuple[float, ...]) -> None:
    assert changed(text).models["bert"].demand_rps == pytest.approx(expected)


def test_nothing_else_changes_and_the_digest_is_the_problems_own() -> None:
    before, after = fleet(), changed("inventory.b=3")
    assert after == before
    after = changed("inventory.b=4")
    assert after.digest == problem_digest(after) != before.digest
    assert before == fleet()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("inventory.c=+1", ["inventory.c", "'c'", "possible: a, b", "'+1'"]),
        ("inventory.a.z=+1", ["zone 'z'", "possible: x, y"]),
        ("models.brt.slo_ms=4", ["models.brt.slo_ms", "did you mean 'bert'", "'4'"]),
        ("models.bert.slo=4", ["did you mean 'slo_ms'", "possible: arrival_cv"]),
        ("models.bert.id=x", ["no field 'id'"]),
        ("models.bert=4", ["must name a field of a model"]),
        ("policy.chrun_gib_max=4", ["did you mean 'churn_gib_max'"]),
        ("policy.scheduler_rate_rps_max=+4", ["has no limit now"]),
        ("policy.gpus=+4", ["is no number"]),
        ("inventroy.a=4", ["did you mean 'inventory'"]),
        ("policy=4", ["policy.NAME"]),
        ("inventory.a=-8", ["at least 0; 7 are there"]),
        ("inventory.a=+1.5", ["whole number of GPUs"]),
        ("inventory.b=1.5", ["inventory.b", "whole number", "'1.5'"]),
        ("models.bert.slo_ms=-200", ["models.bert.slo_ms", "> 0", "-100"]),
        ("models.bert.slo_ms=soon", ["models.bert.slo_ms", "finite number", "'soon'"]),
        ("models.bert.slo_ms=NaN", ["models.bert.slo_ms", "finite number"]),
        ("models.bert.demand_rps=[1]", ["models.bert.demand_rps", "one rate for each of 2 epochs"]),
        ("nonsense", ["PATH=VALUE"]),
        ("=4", ["PATH=VALUE"]),
    ],
)
def test_faults_name_path_value_and_what_is_possible(text: str, parts: list[str]) -> None:
    with pytest.raises(InputInvalid) as caught:
        changed(text)
    assert len(caught.value.faults) == 1
    for part in parts:
        assert part in str(caught.value.faults[0])


def test_every_fault_is_reported_at_once() -> None:
    with pytest.raises(InputInvalid) as caught:
        changed("models.brt.slo_ms=4", "inventory.c=1", "policy.gpus=per_epoch")
    assert [fault.field for fault in caught.value.faults] == ["models.brt.slo_ms", "inventory.c"]
    with pytest.raises(InputInvalid) as caught:
        parse_settings(["a", "b=1", "c="])
    assert [fault.value for fault in caught.value.faults] == ["'a'", "'c='"]


@pytest.mark.parametrize(
    "setting",
    [
        Setting("inventory.a.x", Operation.ADD, 3),
        Setting("models.m.slo_ms", Operation.REPLACE, 10.22),
        Setting("models.*.demand_rps", Operation.MULTIPLY, 0.62),
        Setting("policy.churn_gib_max", Operation.REPLACE, None),
        Setting("policy.gpus", Operation.REPLACE, "per_epoch"),
    ],
)
def test_settings_are_read_as_they_are_written(setting: Setting) -> None:
    assert parse_setting(str(setting)) == setting
