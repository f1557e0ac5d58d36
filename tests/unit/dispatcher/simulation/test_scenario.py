from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from dispatcher.core.delays import Delays
from dispatcher.simulation import parse
from dispatcher.simulation.parse import parse_scenario
from dispatcher.simulation.scenario import ArrivalKind
from profiles.faults import InputInvalid

ROOT = Path(__file__).resolve().parents[4]
SCHEMA = json.loads(Path(parse.__file__).with_name("scenario.schema.json").read_text(encoding="utf-8"))

SMALL: dict[str, Any] = {
    "duration_s": 10,
    "gpus": 2,
    "models": [
        {
            "id": "m",
            "slo_ms": 25,
            "latency_ms": {"alpha": 1.082, "beta": 5.204},
            "arrivals": {"kind": "poisson", "rate_rps": 100},
        }
    ],
}


def changed(path: str, value: object) -> dict[str, Any]:
    """SMALL with one value put at a dotted path; a value of ... is taken out."""
    document: Any = copy.deepcopy(SMALL)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place = document
    for part in parents:
        place = place[part]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return dict(document)


def faults(document: object) -> list[str]:
    with pytest.raises(InputInvalid) as refused:
        parse_scenario(document)
    return [str(fault) for fault in refused.value.faults]


def test_defaults() -> None:
    scenario = parse_scenario(SMALL)
    assert (scenario.seed, scenario.warmup_us, scenario.duration_us) == (0, 0, 10_000_000)
    assert scenario.delays == Delays()
    assert scenario.gpu_speeds == [1.0, 1.0]
    model = scenario.models[0]
    assert model.queue_max == 10_000
    assert model.batch_size_max == 18  # l(18) = 24.68 ms, l(19) = 25.762 ms
    assert model.spec().latency_us[:3].tolist() == [0, 6_286, 7_368]


def test_table_gives_its_last_size() -> None:
    scenario = parse_scenario(changed("models.0.latency_ms", [[1, 2], [4, 5]]))
    assert scenario.models[0].spec().latency_us.tolist() == [0, 2_000, 3_000, 4_000, 5_000]


def test_groups_of_gpus_in_order() -> None:
    scenario = parse_scenario(changed("gpus", [{"type": "a", "count": 1, "speed": 2}, {"count": 2}]))
    assert scenario.gpu_speeds == [2.0, 1.0, 1.0]
    assert scenario.gpu_count == 3


def test_trace_lies_beside_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("0.5\n1.25\n\n2\n")
    (tmp_path / "table.csv").write_text("id, arrival_s\na,0.5\nb,1.25\nc,2\n")
    for name in ("plain.txt", "table.csv"):
        document = changed("models.0.arrivals", {"kind": "trace", "file": name})
        arrivals = parse_scenario(document, folder=tmp_path).models[0].arrivals
        assert arrivals.kind is ArrivalKind.TRACE
        assert arrivals.trace_us is not None
        assert arrivals.trace_us.tolist() == [500_000, 1_250_000, 2_000_000]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1\n0.5\n", "must hold times that never fall; 0.5 comes after 1"),
        (b"1\nsoon\n", "line 2: must be a time in seconds from 0 to 1000000000, got 'soon'"),
        (b"nan\n", "line 1: must be a time"),
        (b"-1\n", "line 1: must be a time"),
        (b"id,arrival_s\na\n", "line 2: must be a time in seconds"),
        (b"\xff\xfe", "must be a file that can be read (it is not UTF-8 text)"),
        (None, "must be a file that can be read (No such file or directory)"),
    ],
)
def test_trace_that_is_none_is_a_fault_of_the_scenario(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "t").write_bytes(content)
    with pytest.raises(InputInvalid) as refused:
        parse_scenario(changed("models.0.arrivals", {"kind": "trace", "file": "t"}), folder=tmp_path)
    (fault,) = refused.value.faults
    assert fault.field == "models[0].arrivals.file"
    assert message in fault.limit


REFUSED_BY_THE_SCHEMA = [
    ("duration_s", 0, "duration_s: must be a finite number > 0 and <= 86400, got 0"),
    ("duration_s", "10", "duration_s: must be a finite number > 0"),
    ("duration_s", True, "duration_s: must be a finite number > 0"),
    ("duration_s", ..., "duration_s: is required"),
    ("warmup_s", -1, "warmup_s: must be a finite number >= 0"),
    ("seed", -1, "seed: must be a whole number >= 0"),
    ("seed", 1.5, "seed: must be a whole number >= 0"),
    ("delays", {"data_us": -5}, "delays.data_us: must be a whole number >= 0 and <= 60000000, got -5"),
    ("delays", [], "delays: must be an object"),
    ("gpus", 0, "gpus: must be a whole number >= 1"),
    ("gpus", [], "gpus: must be a list of at least one element"),
    ("gpus", [{"count": 1, "speed": 0}], "gpus[0].speed: must be a finite number >= 0.001"),
    ("gpus", [{"speed": 1}], "gpus[0].count: is required"),
    ("tenants", [], "tenants: must be a list of at least one element"),
    ("tenants", [{"weight": 2}], "tenants[0].id: is required"),
    ("tenants", [{"id": "a", "weight": 0}], "tenants[0].weight: must be a whole number >= 1"),
    ("tenants", [{"id": "a", "priority": -1}], "tenants[0].priority: must be a whole number >= 0"),
    ("models.0.tenants", {}, "models[0].tenants: must be an object of at least one tenant's share"),
    ("models.0.tenants", {"everyone": 0}, "models[0].tenants.everyone: must be a finite number > 0"),
    ("models", [], "models: must be a list of at least one element"),
    ("models.0", 3, "models[0]: must be an object"),
    ("models.0.id", "", "models[0].id: must be a text of 1 to 200"),
    ("models.0.slo_ms", -25, "models[0].slo_ms: must be a finite number > 0 and <= 3.6e+06, got -25"),
    ("models.0.slo", 25, "models[0].slo: unknown field; known are id, slo_ms"),
    ("models.0.latency_ms", None, "models[0].latency_ms: must be an object"),
    ("models.0.latency_ms", [], "models[0].latency_ms: must be a list of at least one element"),
    ("models.0.latency_ms", [[1]], "models[0].latency_ms[0]: must be [batch size, milliseconds]"),
    ("models.0.latency_ms", [[0, 1]], "models[0].latency_ms[0][0]: must be a whole number >= 1"),
    ("models.0.latency_ms", {"alpha": 0, "beta": 1}, "latency_ms.alpha: must be a finite number > 0"),
    ("models.0.batch_size_max", 0, "models[0].batch_size_max: must be a whole number >= 1"),
    ("models.0.queue_max", 0, "models[0].queue_max: must be a whole number >= 1"),
    ("models.0.arrivals", {"kind": "pareto"}, "arrivals.kind: must be one of poisson, const, gamma, trace"),
    ("models.0.arrivals", {"rate_rps": 1}, "models[0].arrivals.kind: is required"),
    ("models.0.arrivals", {"kind": "gamma", "rate_rps": 1}, "models[0].arrivals.shape: is required"),
    ("models.0.arrivals", {"kind": "const", "rate_rps": 1, "shape": 1}, "arrivals.shape: unknown field"),
    ("models.0.arrivals", {"kind": "trace"}, "models[0].arrivals.file: is required"),
    ("models.0.arrivals", {"kind": "poisson", "rate_rps": -1}, "rate_rps: must be a finite number >= 0"),
    ("models.0.arrivals", None, "models[0].arrivals: must be an object"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "message"), REFUSED_BY_THE_SCHEMA)
def test_fault_names_field_limit_and_value_and_the_schema_agrees(
    path: str, value: object, message: str
) -> None:
    document = changed(path, value)
    assert any(message in fault for fault in faults(document)), faults(document)
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(document)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("tenants", [{"id": "a"}, {"id": "a"}], "tenants[1].id: must not name two tenants"),
        ("models.0.tenants", {"b": 1}, "models[0].tenants.b: must be a tenant of the scenario"),
        ("warmup_s", 10, "warmup_s: must be less than duration_s, 10"),
        ("models.0.arrivals.rate_rps", 9e6, "must make at most 50000000 requests"),
        (
            "models.0.slo_ms",
            math.nan,
            "models[0].slo_ms: must be a finite number > 0 and <= 3.6e+06, got nan",
        ),
        ("models.0.slo_ms", math.inf, "got inf"),
        ("models.0.slo_ms", 10**400, "models[0].slo_ms: must be a finite number"),
        ("models.0.batch_size_max", math.inf, "models[0].batch_size_max: must be a whole number"),
        ("models.0.latency_ms", [[2, 1], [2, 3]], "[1][0]: must be larger than the size before it, 2, got 2"),
        (
            "models.0.latency_ms",
            [[1, 4], [2, 3]],
            "[1][1]: must not be less than the latency before it, 4, got 3",
        ),
    ],
)
def test_what_a_schema_cannot_say_is_refused_too(path: str, value: object, message: str) -> None:
    assert any(message in fault for fault in faults(changed(path, value))), faults(changed(path, value))


def test_batches_end_with_the_table() -> None:
    document = changed("models.0.latency_ms", [[1, 2], [4, 5]])
    document["models"][0]["batch_size_max"] = 5
    (fault,) = faults(document)
    assert "models[0].batch_size_max: must be at most 4, the last size of latency_ms, got 5" in fault


def test_two_models_of_one_name_are_a_fault() -> None:
    document = changed("models", SMALL["models"] * 2)
    assert faults(document) == ["models[1].id: must not name two models, got 'm'"]


def test_all_faults_at_once() -> None:
    document = changed("models.0.slo_ms", -1)
    document["models"][0]["arrivals"]["rate_rps"] = math.nan
    document["gpus"] = 0
    document["speed"] = 3
    assert len(faults(document)) == 4


@pytest.mark.parametrize("document", [None, 3, "x", [], [1]])
def test_what_is_no_object_is_no_scenario(document: object) -> None:
    assert "scenario: must be an object" in faults(document)[0]


@pytest.mark.parametrize("name", ["scenario.yaml", "scenario-mixed.yaml"])
def test_examples_are_scenarios_and_keep_the_schema(name: str) -> None:
    document = yaml.safe_load((ROOT / "examples" / name).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert parse_scenario(document, folder=ROOT / "examples").models


def test_schema_is_one_and_the_docs_show_it() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert json.loads((ROOT / "docs/reference/scenario.schema.json").read_text(encoding="utf-8")) == SCHEMA
