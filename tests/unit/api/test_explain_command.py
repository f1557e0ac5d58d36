from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from api.cli.main import app
from profiles.faults import InputInvalid
from tests.planning import document, model, one_at_a_time


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["plan", *(str(argument) for argument in arguments)])


@pytest.fixture
def problem_file(tmp_path: Path) -> Path:
    models = [model(name, [40.0, 20.0], {"a": one_at_a_time()}, slo_ms=80.0) for name in ("p", "q")]
    path = tmp_path / "problem.json"
    path.write_text(json.dumps(document(models, pools={"a": 4})), encoding="utf-8")
    return path


@pytest.fixture
def scarce_file(tmp_path: Path) -> Path:
    models = [
        model("p", [160.0], {"a": one_at_a_time(10.0)}),
        model("late", [1.0], {"a": one_at_a_time(10.0)}, slo_ms=14.0),
    ]
    path = tmp_path / "scarce.json"
    path.write_text(json.dumps(document(models, pools={"a": 2})), encoding="utf-8")
    return path


@pytest.fixture
def plan_file(problem_file: Path, tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    assert run("solve", problem_file, "--output", path).exit_code == 0
    return path


def test_explain_a_plan(problem_file: Path, plan_file: Path) -> None:
    result = run("explain", problem_file, plan_file, "--time-limit-s", "4", "--json")
    assert result.exit_code == 0, result.stderr
    data = json.loads(result.stdout)
    assert data["shortfall"] is None
    assert data["regret"] is None
    assert {one["rule"] for one in data["bindings"]} >= {"inventory", "throughput", "memory"}
    assert [one["setting"] for one in data["gpus"]] == ["inventory.a.z=+1"]
    assert {one["name"] for one in data["rules"]} == {"without GPUs reserved for the horizon"}
    for one in (*data["gpus"], *data["rules"]):
        assert one["saving_least_usd_per_hour"] <= one["saving_found_usd_per_hour"] + 1e-9
        assert one["saving_found_usd_per_hour"] <= one["saving_most_usd_per_hour"] + 1e-9
    table = run("explain", problem_file, plan_file, "--time-limit-s", "4").stdout
    for part in ("throughput", "one more a in z", "proven at most"):
        assert part in table, part


def test_explain_what_cannot_be_served(scarce_file: Path) -> None:
    result = run("explain", scarce_file, "--time-limit-s", "10", "--json")
    assert result.exit_code == 3
    shortfall = json.loads(result.stdout)["shortfall"]
    (late,) = shortfall["hopeless"]
    assert late["model"] == "late"
    assert late["types"][0]["missing_ms"] == 1.0
    assert [rule["name"] for rule in shortfall["clash"]["rules"]] == ["inventory of a/z", "SLO of p"]
    ways = {tuple(way["settings"]) for way in shortfall["relaxations"]}
    assert ("models.late.slo_ms=15.0", "inventory.a.z=+1") in ways
    for way in sorted(ways)[:2]:
        sets = [part for setting in way for part in ("--set", setting)]
        asked = run("what-if", scarce_file, *sets, "--time-limit-s", "6", "--json")
        assert asked.exit_code == 0, way
        assert json.loads(asked.stdout)["after"]["unserved_rps"] == 0
    table = run("explain", scarce_file, "--time-limit-s", "10")
    assert table.exit_code == 3
    assert "late can never keep its SLO of 14 ms" in table.stdout
    assert "these clash (proven): inventory of a/z" in table.stdout


def test_a_partly_infeasible_problem_points_to_explain(scarce_file: Path) -> None:
    result = run("solve", scarce_file, "--time-limit-s", "3")
    assert result.exit_code == 3
    assert f"fermata plan explain {scarce_file}" in result.stderr.replace("\n", "")


def test_regret_against_another_plan(problem_file: Path, plan_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    assert run("solve", problem_file, "--solver", "greedy", "--output", other).exit_code == 0
    arguments = ("--against", other, "--worlds", "50", "--demand-cv", "0.5", "--time-limit-s", "2")
    result = run("explain", problem_file, plan_file, *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    regret = json.loads(result.stdout)["regret"]
    assert regret["worlds"] == 50
    assert len(regret["plans"]) == 2
    assert regret["plans"][0]["unserved_rps"]["worst"] > 0
    assert "regret" in run("explain", problem_file, plan_file, *arguments).stdout


def test_what_if_side_by_side(problem_file: Path, plan_file: Path) -> None:
    changes = ("--set", "gpu_types.a.price_usd_per_hour=x2", "--set", "inventory.a=+3")
    result = run("what-if", problem_file, *changes, "--plan", plan_file, "--time-limit-s", "6", "--json")
    assert result.exit_code == 0, result.stderr
    data = json.loads(result.stdout)
    assert data["settings"] == ["gpu_types.a.price_usd_per_hour=x2", "inventory.a=+3"]
    assert data["after"]["cost_usd_per_hour"] == pytest.approx(2 * data["before"]["cost_usd_per_hour"])
    assert data["verdict"] == "proven dearer"
    assert data["before"]["gpus"] == data["after"]["gpus"]
    table = run("what-if", problem_file, *changes, "--time-limit-s", "6").stdout
    for part in ("as it is", "with the change", "proven dearer", "no model moves"):
        assert part in table, part


def test_what_if_with_unserved_demand_ends_with_three(problem_file: Path) -> None:
    result = run("what-if", problem_file, "--set", "inventory.a=1", "--time-limit-s", "4")
    assert result.exit_code == 3
    assert "not comparable" in result.stdout


def test_bad_changes_reach_the_frame_that_prints_them(problem_file: Path) -> None:
    result = run("what-if", problem_file, "--set", "inventory.b=1", "--set", "models.pp.slo_ms=1")
    assert isinstance(result.exception, InputInvalid)
    assert [fault.field for fault in result.exception.faults] == ["inventory.b", "models.pp.slo_ms"]


def test_bad_arguments_end_with_two(problem_file: Path, plan_file: Path) -> None:
    unknown = run("explain", problem_file, plan_file, "--model", "pp")
    assert unknown.exit_code == 2
    assert "did you mean 'p'" in unknown.stderr
    assert run("explain", problem_file, "--time-limit-s", "nan").exit_code == 2
    assert run("what-if", problem_file).exit_code == 2
    broken = json.loads(plan_file.read_text(encoding="utf-8")) | {"cost_usd_per_hour": 0.5}
    plan_file.write_text(json.dumps(broken), encoding="utf-8")
    assert run("explain", problem_file, plan_file).exit_code == 5
