from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli.main import app

# Batches of one in 10 ms on one GPU: 100 rps; 1 % bad is reached at 100 / 0.99.
SCENARIO = """
duration_s: 40
warmup_s: 5
delays: {ctrl_us: 0, data_us: 0, resp_us: 0}
gpus: 1
models:
  - id: m
    slo_ms: 30
    batch_size_max: 1
    latency_ms: {alpha: 1.0, beta: 9.0}
    arrivals: {kind: const, rate_rps: 40}
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "scenario.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


def test_json_holds_the_goodput_and_how_it_was_found(scenario: Path) -> None:
    result = CliRunner().invoke(app, ["goodput", str(scenario), "--json", "--policy", "eager", "--seed", "3"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["policy"], found["drop"], found["seed"]) == ("eager", "window", 3)
    assert found["goodput_rps"] == pytest.approx(100, rel=0.01)
    assert found["scale"] == pytest.approx(100 / 0.99 / 40, rel=0.01)
    assert found["offered_rps"] == pytest.approx(40 * found["scale"], rel=0.01)
    assert found["worst_model_bad_rate"] <= 0.01
    assert found["worst_model"] == "m"
    assert found["reason"] is None
    assert found["simulations"] > 5


def test_people_get_a_sentence(scenario: Path) -> None:
    result = CliRunner().invoke(app, ["goodput", str(scenario), "--precision", "0.05"])
    assert result.exit_code == 0
    assert "times the scenario's rates" in result.stdout


def test_slo_that_no_batch_keeps_gives_nothing_and_status_3(scenario: Path) -> None:
    scenario.write_text(SCENARIO.replace("slo_ms: 30", "slo_ms: 8"), encoding="utf-8")
    result = CliRunner().invoke(app, ["goodput", str(scenario), "--json"])
    assert result.exit_code == 3
    found = json.loads(result.stdout)
    assert (found["goodput_rps"], found["scale"]) == (0, 0)
    assert "the bad rate of m is 100.00%, more than 1.00%" in found["reason"]


def test_scenario_without_requests_is_refused(scenario: Path) -> None:
    scenario.write_text(SCENARIO.replace("rate_rps: 40", "rate_rps: 0"), encoding="utf-8")
    result = CliRunner().invoke(app, ["goodput", str(scenario)])
    assert result.exit_code == 2
    assert "no model has requests" in result.stderr
