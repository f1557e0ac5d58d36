from __future__ import annotations

import json
import sys
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

TENANTS = """gpus: 2
warmup_s: 1
tenants:
  - {id: modest, weight: 2}
  - {id: crawler}
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
        found = dict(json.loads(result.stdout))
        assert found.pop("simulated_requests_per_wall_second") > 0
        return found

    first = outcome("--policy", "deferred")
    assert (first["policy"], first["seed"], first["bad_rate"]) == ("deferred", 4, 0.0)
    assert outcome("--policy", "deferred") == first
    assert outcome("--policy", "deferred", "--seed", "5") != first
    assert outcome("--policy", "eager")["batch_size_mean"] < first["batch_size_mean"]  # type: ignore[operator]


KEYS = {
    "offered_rps",
    "goodput_rps",
    "bad_rate",
    "dropped",
    "rejected",
    "late",
    "batch_size_mean",
    "gpus_busy_mean",
    "gpus_touched",
    "latency_ms",
}


def test_the_whole_is_the_sum_of_its_models(scenario: Path) -> None:
    second = (
        "  - {id: n, slo_ms: 20, latency_ms: {alpha: 2, beta: 5}, arrivals: {kind: poisson, rate_rps: 900}}"
    )
    scenario.write_text(SCENARIO + second + "\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["simulate", str(scenario), "--json"])
    whole = json.loads(result.stdout)
    models = whole["models"]
    assert set(whole) >= KEYS | {"worst_model_bad_rate", "policy", "drop", "seed", "hold_factor"}
    assert all(set(model) >= KEYS for model in models)
    assert whole["dropped"] > 0, "the case overloads its GPUs"
    for name in ("arrived", "dropped", "rejected", "late"):
        assert whole[name] == sum(model[name] for model in models)
    for name in ("offered_rps", "goodput_rps", "gpus_busy_mean"):
        assert whole[name] == pytest.approx(sum(model[name] for model in models))
    assert whole["worst_model_bad_rate"] == max(model["bad_rate"] for model in models)
    assert whole["bad_rate"] == pytest.approx(1 - whole["goodput_rps"] / whole["offered_rps"])
    for each in (whole, *models):
        assert 0 < each["latency_ms"]["p50"] <= each["latency_ms"]["p90"] <= each["latency_ms"]["p99"]
    assert whole["latency_ms"]["p99"] <= 50


def test_cold_start_says_what_it_is_doing(scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dispatcher.compilation.are_compiled", lambda kernels: False)
    result = CliRunner().invoke(app, ["simulate", str(scenario), "--json"])
    assert "compiling the scheduler, once per version" in result.stderr
    assert json.loads(result.stdout)["seed"] == 4
    monkeypatch.setattr("dispatcher.compilation.are_compiled", lambda kernels: True)
    assert CliRunner().invoke(app, ["simulate", str(scenario), "--json"]).stderr == ""


def test_plot_to_an_unknown_kind_of_file_is_refused(scenario: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["simulate", str(scenario), "--plot", str(tmp_path / "run.svg")])
    assert result.exit_code == 2
    assert "--plot must end in .html or .png" in result.stderr
    assert "run.svg" in result.stderr


def test_plot_into_no_folder_or_behind_the_end_is_refused(scenario: Path, tmp_path: Path) -> None:
    nowhere = CliRunner().invoke(
        app, ["simulate", str(scenario), "--plot", str(tmp_path / "no" / "run.html")]
    )
    assert (nowhere.exit_code, "there is no folder" in nowhere.stderr) == (2, True)
    options = ["--plot", str(tmp_path / "run.html"), "--plot-from-s", "3"]
    behind = CliRunner().invoke(app, ["simulate", str(scenario), *options])
    assert behind.exit_code == 2
    assert "--plot-from-s must be less than the scenario's duration_s, 3, got 3" in behind.stderr


@pytest.mark.parametrize("ending", ["html", "png"])
def test_plot_is_written_and_the_result_still_printed(scenario: Path, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"run.{ending}"
    result = CliRunner().invoke(app, ["simulate", str(scenario), "--json", "--plot", str(path)])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["seed"] == 4
    assert path.stat().st_size > 10_000


def test_image_without_matplotlib_says_what_to_do(
    scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = CliRunner().invoke(app, ["simulate", str(scenario), "--plot", str(tmp_path / "run.png")])
    assert result.exit_code == 1
    assert "needs matplotlib" in result.stderr
    assert ".html" in result.stderr


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


def test_tenants_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    flood = SCENARIO.replace("rate_rps: 200", "rate_rps: 4000").replace("gpus: 2", TENANTS)
    path.write_text(flood + "    tenants: {modest: 1, crawler: 9}\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["simulate", str(path), "--json"])
    assert result.exit_code == 0, result.output
    modest, crawler = json.loads(result.stdout)["tenants"]
    assert (modest["tenant_id"], modest["rejected_over_share"]) == ("modest", 0)
    assert crawler["rejected_over_share"] > 0
    assert modest["bad_rate"] < 0.1 < crawler["bad_rate"]
    assert modest["offered_rps"] == pytest.approx(400, rel=0.1)
    assert "crawler" in CliRunner().invoke(app, ["simulate", str(path)]).stdout
