from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli.main import app
from profiles.faults import InputInvalid

SCENARIO = """
seed: 4
duration_s: 3
gpus: 2
models:
  - id: m
    slo_ms: 50
    latency_ms: {alpha: 1.0, beta: 5.0}
    arrivals: {kind: poisson, rate_rps: 200}
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "scenario.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


def test_json_holds_the_whole_result_and_the_seed_decides_it(scenario: Path) -> None:
    def outcome(*options: str) -> dict[str, object]:
        result = CliRunner().invoke(app, ["simulate", str(scenario), "--json", *options])
        assert result.exit_code == 0, result.output
        return dict(json.loads(result.stdout))

    first = outcome("--policy", "deferred")
    assert (first["policy"], first["seed"], first["bad_rate"]) == ("deferred", 4, 0.0)
    assert outcome("--policy", "deferred") == first
    assert outcome("--policy", "deferred", "--seed", "5") != first
    assert outcome("--policy", "eager")["batch_size_mean"] < first["batch_size_mean"]  # type: ignore[operator]


def test_people_get_a_table(scenario: Path) -> None:
    result = CliRunner().invoke(app, ["simulate", str(scenario)])
    assert result.exit_code == 0
    assert "goodput" in result.stdout
    assert "bad rate 0.000%" in result.stdout


def test_file_that_is_no_yaml_ends_with_status_2(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text("models: [", encoding="utf-8")
    result = CliRunner().invoke(app, ["simulate", str(path)])
    assert result.exit_code == 2
    assert "error:" in result.stderr
    assert "is not valid YAML" in result.stderr


def test_missing_file_ends_with_status_2(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["simulate", str(tmp_path / "none.yaml")]).exit_code == 2


def test_faulty_scenario_is_refused_whole(scenario: Path) -> None:
    scenario.write_text(
        SCENARIO.replace("slo_ms: 50", "slo_ms: -50").replace("gpus: 2", "gpus: .nan"), "utf-8"
    )
    result = CliRunner().invoke(app, ["simulate", str(scenario)])
    assert isinstance(result.exception, InputInvalid)
    assert [fault.field for fault in result.exception.faults] == ["models[0].slo_ms", "gpus"]
