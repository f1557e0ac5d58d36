"""The problem's parser: every fault at once, each with field, value and limit."""

from __future__ import annotations

import contextlib
import copy
import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.problem.canonical import problem_to_json
from planner.problem.parse import parse_problem
from planner.problem.problem import GpuReservation
from profiles.faults import InputInvalid
from profiles.latency import AffineCurve, TabulatedCurve
from tests.planning import batching, changed, document, documents, model, one_at_a_time

ROOT = Path(__file__).resolve().parents[4]
SCHEMA = json.loads((ROOT / "docs/reference/problem.schema.json").read_text(encoding="utf-8"))


def good() -> dict[str, Any]:
    return document(
        [
            model("resnet", [10.0, 20.0], {"a": batching()}),
            model("bert", [1.0, 2.0], {"a": one_at_a_time(), "b": one_at_a_time()}),
        ],
        pools={"a": 4, "b": 2},
    )


def faults(data: object) -> dict[str, str]:
    with pytest.raises(InputInvalid) as refused:
        parse_problem(data)
    return {fault.field: f"{fault.limit}, got {fault.value}" for fault in refused.value.faults}


def test_a_good_problem_is_read() -> None:
    problem = parse_problem(good())
    assert list(problem.models) == ["resnet", "bert"]
    assert problem.models["resnet"].profiles["a"].curve == AffineCurve(1_000.0, 5_000.0)
    assert problem.models["bert"].profiles["b"].curve == TabulatedCurve((1,), (10_000.0,))
    assert problem.policy.gpus is GpuReservation.RESERVED
    assert len(problem.digest) == 64


def test_defaults_are_filled_in() -> None:
    data = good()
    del data["policy"], data["active_plan"], data["models"][0]["profiles"]["a"]["batch_size_max"]
    del data["models"][0]["profiles"]["a"]["workspace_gib_per_item"]
    problem = parse_problem(data)
    resnet = problem.models["resnet"]
    assert (resnet.priority, resnet.arrival_cv) == (1, 1.0)
    assert resnet.profiles["a"].batch_size_max == 64
    assert resnet.profiles["a"].workspace_gib_per_item == 0
    assert problem.policy.sub_cluster_gpus_max == 64
    assert problem.policy.delays.resp_us == 2_000


def test_all_faults_are_reported_at_once() -> None:
    data = good()
    data["models"][0]["slo_ms"] = -1
    data["models"][0]["demand_rps"] = [math.nan, 1]
    data["models"][1]["profiles"] = {"A100": one_at_a_time()}
    data["pools"][0]["available"] = 2.5
    del data["gpu_types"][0]["price_usd_per_hour"]
    data["policy"]["gpu"] = "reserved"
    found = faults(data)
    assert found["models[0].slo_ms"].startswith("must be a finite number > 0")
    assert found["models[0].demand_rps[0]"].endswith("got nan")
    assert "did you mean" in found["models[1].profiles.A100"]
    assert "whole number" in found["pools[0].available"]
    assert found["gpu_types[0].price_usd_per_hour"] == "is required, got nothing"
    assert "did you mean 'gpus'" in found["policy.gpu"]
    assert len(found) == 6


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("models.0.slo_ms", True, "models[0].slo_ms"),
        ("models.0.slo_ms", 0, "models[0].slo_ms"),
        ("models.0.slo_ms", "25", "models[0].slo_ms"),
        ("models.0.slo_ms", 10**400, "models[0].slo_ms"),
        ("models.0.demand_rps", [1.0], "models[0].demand_rps"),
        ("models.0.demand_rps", [1.0, -2.0], "models[0].demand_rps[1]"),
        ("models.0.demand_rps", [1.0, math.inf], "models[0].demand_rps[1]"),
        ("models.0.demand_rps", 7, "models[0].demand_rps"),
        ("models.0.arrival_cv", -0.1, "models[0].arrival_cv"),
        ("models.0.priority", 0, "models[0].priority"),
        ("models.0.id", "bert", "models[1].id"),
        ("models.0.id", "", "models[0].id"),
        ("models.0.id", "a\nb", "models[0].id"),
        ("models.0.profiles", {}, "models[0].profiles"),
        ("models.0.profiles", [], "models[0].profiles"),
        ("models.0.profiles.a.alpha_ms", 0, "models[0].profiles.a.alpha_ms"),
        ("models.0.profiles.a.beta_ms", -1, "models[0].profiles.a.beta_ms"),
        ("models.0.profiles.a.weights_gib", -1, "models[0].profiles.a.weights_gib"),
        ("models.0.profiles.a.batch_size_max", 0, "models[0].profiles.a.batch_size_max"),
        ("models.0.profiles.a.latency_ms", [[1, 5]], "models[0].profiles.a.alpha_ms"),
        ("models.1.profiles.a.batch_size_max", 2, "models[1].profiles.a.batch_size_max"),
        ("models.1.profiles.a.latency_ms", [[1, 5], [1, 6]], "models[1].profiles.a.latency_ms[1][0]"),
        ("models.1.profiles.a.latency_ms", [[1, 5], [2, 4]], "models[1].profiles.a.latency_ms[1][1]"),
        ("models.1.profiles.a.latency_ms", [[1, 0]], "models[1].profiles.a.latency_ms[0][1]"),
        ("models.1.profiles.a.latency_ms", [[1]], "models[1].profiles.a.latency_ms[0]"),
        ("models.1.profiles.a.latency_ms", [], "models[1].profiles.a.latency_ms"),
        ("gpu_types.0.reserve_gib", 16, "gpu_types[0].reserve_gib"),
        ("gpu_types.1.id", "a", "gpu_types[1].id"),
        ("gpu_types", [], "gpu_types"),
        ("pools.1.gpu_type", "a", "pools[1]"),
        ("pools.0.gpu_type", "H100", "pools[0].gpu_type"),
        ("epochs", [], "epochs"),
        ("epochs.0.hours", 0, "epochs[0].hours"),
        ("policy.bad_rate_max", 0, "policy.bad_rate_max"),
        ("policy.churn_gib_max", -1, "policy.churn_gib_max"),
        ("policy.replan_worth_min", -1, "policy.replan_worth_min"),
        ("policy.gpus", "some", "policy.gpus"),
        ("policy.delays.ctrl_us", -1, "policy.delays.ctrl_us"),
        ("policy.sub_cluster_gpus_max", 0, "policy.sub_cluster_gpus_max"),
        ("active_plan", {}, "active_plan.status"),
    ],
)
def test_each_fault_names_its_field(path: str, value: object, field: str) -> None:
    assert field in faults(changed(good(), path, value))


@pytest.mark.parametrize("data", [None, [], 3, "problem", {}, {"models": None}])
def test_what_is_no_problem_is_refused(data: object) -> None:
    assert faults(data)


def test_a_model_that_cannot_keep_its_slo_is_no_fault() -> None:
    assert parse_problem(changed(good(), "models.0.slo_ms", 0.5)).models["resnet"].slo_ms == 0.5


@given(documents())
@settings(max_examples=40, deadline=None)
def test_a_problem_written_is_read_back(data: dict[str, Any]) -> None:
    problem = parse_problem(data)
    written = problem_to_json(problem)
    assert parse_problem(json.loads(json.dumps(written))) == problem
    jsonschema.validate(written, SCHEMA)


def test_the_digest_ignores_order_and_notices_change() -> None:
    digest = parse_problem(good()).digest
    turned = good()
    turned["models"].reverse()
    turned["gpu_types"].reverse()
    turned["pools"].reverse()
    assert parse_problem(turned).digest == digest
    assert parse_problem(changed(good(), "models.0.demand_rps", [10.0, 20.1])).digest != digest


def places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    found = [path] if path else []
    if isinstance(value, dict):
        return found + [p for key, item in value.items() for p in places(item, (*path, key))]
    if isinstance(value, list):
        return found + [p for index, item in enumerate(value) for p in places(item, (*path, index))]
    return found


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_problem_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    damaged = copy.deepcopy(good())
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(damaged)))
        holder: Any = damaged
        for step in path[:-1]:
            holder = holder[step]
        junk = st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
            ),
            max_leaves=4,
        )
        if data.draw(st.booleans()):
            holder[path[-1]] = data.draw(junk)
        else:
            del holder[path[-1]]
    with contextlib.suppress(InputInvalid):
        jsonschema.validate(problem_to_json(parse_problem(damaged)), SCHEMA)


def test_every_field_of_the_schema_is_described() -> None:
    def check(node: dict[str, Any], path: str) -> None:
        for name, child in node.get("properties", {}).items():
            assert child.get("description"), f"{path}.{name}"
            check(child, f"{path}.{name}")
        for key in ("items", "additionalProperties"):
            if isinstance(node.get(key), dict):
                assert node[key].get("description"), f"{path}.{key}"
                check(node[key], f"{path}.{key}")

    check(SCHEMA, "problem")


@pytest.mark.parametrize("name", ["problem", "problem-rules", "problem-tight"])
def test_examples_are_valid(name: str) -> None:
    data = json.loads((ROOT / f"examples/{name}.json").read_text(encoding="utf-8"))
    jsonschema.validate(data, SCHEMA)
    parse_problem(data)


RULE_FAULTS: dict[str, tuple[str, Any, str, str]] = {
    # case: path, value, field at fault, part of the limit
    "unknown type": (
        "models.0.rules",
        {"gpu_types_allowed": ["A"]},
        "models[0].rules.gpu_types_allowed[0]",
        "must be one of gpu_types",
    ),
    "unknown zone": ("models.0.rules", {"zones_allowed": ["zz"]}, "models[0].rules.zones_allowed[0]", "'z'"),
    "no type": (
        "models.0.rules",
        {"gpu_types_allowed": []},
        "models[0].rules.gpu_types_allowed",
        "at least 1",
    ),
    "twice": (
        "models.0.rules",
        {"gpu_types_excluded": ["b", "b"]},
        "models[0].rules.gpu_types_excluded[1]",
        "once",
    ),
    "not a flag": ("models.0.rules", {"dedicated": 1}, "models[0].rules.dedicated", "true or false"),
    "unknown rule": ("models.0.rules", {"dedicate": True}, "models[0].rules.dedicate", "did you mean"),
    "too many zones": (
        "models.0.rules",
        {"zones_min": 2},
        "models[0].rules.zones_min",
        "at most 1, the zones",
    ),
    "empty pin": ("models.0.rules", {"pinned_to": {}}, "models[0].rules.pinned_to", "must name a gpu_type"),
    "pin to two things": (
        "models.0.rules",
        {"pinned_to": {"sub_cluster": "s", "zone": "z"}},
        "models[0].rules.pinned_to",
        "must name a sub_cluster alone",
    ),
    "pin to nothing active": (
        "models.0.rules",
        {"pinned_to": {"sub_cluster": "s"}},
        "models[0].rules.pinned_to.sub_cluster",
        "active plan",
    ),
    "pin against a rule": (
        "models.1.rules",
        {"gpu_types_allowed": ["a"], "pinned_to": {"gpu_type": "b"}},
        "models[1].rules",
        "must leave a pool",
    ),
    "no profile left": (
        "models.0.rules",
        {"gpu_types_excluded": ["a"]},
        "models[0].rules",
        "must leave a pool",
    ),
    "unknown rival": ("policy.exclusions", [["bert", "resnett"]], "policy.exclusions[0][1]", "'resnet'"),
    "alone apart": ("policy.exclusions", [["bert"]], "policy.exclusions[0]", "at least 2"),
    "no models": ("policy.sub_cluster_models_max", 0, "policy.sub_cluster_models_max", ">= 1"),
    "soft inventory": (
        "policy.hardness",
        {"inventory": "soft"},
        "policy.hardness.inventory",
        "'fix_if_broken'",
    ),
    "unknown hardness": ("policy.hardness", {"pins": "hard"}, "policy.hardness.pins", "unknown field"),
}


@pytest.mark.parametrize("case", RULE_FAULTS)
def test_rules_that_cannot_be_kept_are_faults(case: str) -> None:
    path, value, field, limit = RULE_FAULTS[case]
    found = faults(changed(good(), path, value))
    assert list(found) == [field]
    assert limit in found[field]


def pinned_together(**policy: Any) -> dict[str, Any]:
    data = good()
    cluster = {
        "id": "s",
        "gpu_type": "a",
        "zone": "z",
        "gpus": [1, 1],
        "models": [{"id": "bert", "share": [1, 1], "batch_size": 1}],
    }
    numbers = ("objective", "bound", "gap", "fluid_bound", "physical_gap", "cost_usd_per_hour")
    lists = ("unserved", "excuses")
    data["active_plan"] = {
        "status": "feasible",
        **dict.fromkeys(numbers, 0),
        **{name: [] for name in lists},
        "sub_clusters": [cluster],
        "solver": "x",
        "seed": 0,
        "problem_digest": "x",
    }
    for one in data["models"]:
        one["rules"] = {"pinned_to": {"sub_cluster": "s"}}
    data["policy"] |= policy
    return data


def test_models_pinned_together_must_be_able_to_live_together() -> None:
    assert parse_problem(pinned_together()).models["bert"].rules.pinned_to is not None
    crowded = faults(pinned_together(sub_cluster_models_max=1))
    assert "2 models pinned to s" in crowded["policy.sub_cluster_models_max"]
    rivals = faults(pinned_together(exclusions=[["resnet", "bert"]]))
    assert "pinned to s" in rivals["policy.exclusions[0]"]
    alone = pinned_together()
    alone["models"][0]["rules"]["dedicated"] = True
    assert "dedicated" in faults(alone)["models"]


def test_rules_are_written_and_read_back_whatever_their_order() -> None:
    data = good()
    data["models"][1]["rules"] = {"gpu_types_allowed": ["b", "a"], "dedicated": True}
    data["policy"]["exclusions"] = [["resnet", "bert"]]
    data["policy"]["hardness"] = {"churn": "soft"}
    problem = parse_problem(data)
    written = problem_to_json(problem)
    jsonschema.validate(written, SCHEMA)
    assert parse_problem(written) == problem
    turned = changed(data, "policy.exclusions", [["bert", "resnet"]])
    turned["models"][1]["rules"]["gpu_types_allowed"] = ["a", "b"]
    assert parse_problem(turned).digest == problem.digest


def test_profiles_that_are_null_are_a_fault() -> None:
    assert "must be an object" in faults(changed(good(), "models.0.profiles", None))["models[0].profiles"]
