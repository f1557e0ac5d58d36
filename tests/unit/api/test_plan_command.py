"""``fermata plan``: what it prints, what it refuses, how it ends."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner, Result

from api.cli.plan import app
from planner.plan.codec import plan_to_json
from planner.plan.reprice import reprice
from planner.plan.verify import gap
from planner.problem.fluid import fluid_bound_usd_per_hour
from planner.problem.parse import parse_problem
from profiles.faults import InputInvalid
from tests.planning import document, model, one_at_a_time
from tests.rollouts import by_hand, sub_cluster

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "docs/reference/plan.schema.json").read_text(encoding="utf-8"))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def problem_file(tmp_path: Path) -> Path:
    path = tmp_path / "problem.json"
    models = [model(name, [40.0, 20.0], {"a": one_at_a_time()}, slo_ms=80.0) for name in ("p", "q")]
    path.write_text(json.dumps(document(models, pools={"a": 4})), encoding="utf-8")
    return path


@pytest.fixture
def scarce_file(tmp_path: Path) -> Path:
    path = tmp_path / "scarce.json"
    path.write_text(
        json.dumps(document([model("p", [400.0], {"a": one_at_a_time()})], pools={"a": 1})), encoding="utf-8"
    )
    return path


@pytest.fixture
def plan_file(problem_file: Path, tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    assert run("solve", problem_file, "--output", path).exit_code == 0
    return path


def changed(path: Path, **fields: Any) -> Path:
    data = json.loads(path.read_text(encoding="utf-8")) | fields
    target = path.with_name("changed.json")
    target.write_text(json.dumps(data), encoding="utf-8")
    return target


def test_solve_prints_exactly_the_plan_as_json(problem_file: Path) -> None:
    result = run("solve", problem_file, "--json", "--solver", "highs")
    assert result.exit_code == 0
    jsonschema.validate(json.loads(result.stdout), SCHEMA)


def test_solve_prints_a_table(problem_file: Path) -> None:
    result = run("solve", problem_file, "--solver", "cp-sat")
    assert result.exit_code == 0
    for part in ("sub-cluster", "sc-01", "USD/h", "optimal"):
        assert part in result.stdout, part


def test_a_pipeline_is_planned_and_its_division_shown() -> None:
    result = run("solve", Path("examples/problem-pipeline.json"), "--solver", "greedy")
    assert result.exit_code == 0
    for part in ("pipeline photo-search: 120 ms divided: HRNet_W18_C", "BERT_base_seq32"):
        assert part in result.stdout, part


def test_unserved_demand_ends_with_three_and_still_prints(scarce_file: Path) -> None:
    result = run("solve", scarce_file, "--json")
    assert result.exit_code == 3
    plan = json.loads(result.stdout)
    assert plan["status"] == "partial"
    assert plan["excuses"][0]["bottleneck"] == "inventory"
    assert "unserved:" in run("solve", scarce_file).stdout


def test_no_plan_in_time_ends_with_four(problem_file: Path) -> None:
    result = run("solve", problem_file, "--time-limit-s", "1e-9")
    assert result.exit_code == 4
    assert result.stdout == ""
    assert result.stderr.startswith("error: no plan within 1e-09 s\nhint:")


def test_bad_input_ends_with_two(tmp_path: Path, problem_file: Path) -> None:
    missing = run("solve", tmp_path / "nowhere.json")
    assert missing.exit_code == 2
    assert "nowhere.json: No such file" in missing.stderr
    cut = tmp_path / "cut.json"
    cut.write_text(problem_file.read_text(encoding="utf-8")[:100], encoding="utf-8")
    truncated = run("solve", cut)
    assert truncated.exit_code == 2
    assert "cut.json is not valid JSON" in truncated.stderr
    assert "line 1, column" in truncated.stderr
    for limit in ("nan", "0", "-1", "inf"):
        assert run("solve", problem_file, "--time-limit-s", limit).exit_code == 2
    assert run("solve", problem_file, "--solver", "gurobi").exit_code == 2


def test_faults_reach_the_frame_that_prints_them(tmp_path: Path) -> None:
    path = tmp_path / "faulty.json"
    data = document([model("p", [float("nan")], {"a": one_at_a_time()}, slo_ms=-1)])
    path.write_text(json.dumps(data), encoding="utf-8")
    result = run("solve", path)
    assert isinstance(result.exception, InputInvalid)
    assert {f.field for f in result.exception.faults} == {"models[0].slo_ms", "models[0].demand_rps[0]"}


def test_verify_accepts_the_plan_and_names_what_a_changed_one_breaks(
    problem_file: Path, plan_file: Path
) -> None:
    assert run("verify", problem_file, plan_file).exit_code == 0
    result = run("verify", problem_file, changed(plan_file, cost_usd_per_hour=0.5), "--json")
    assert result.exit_code == 5
    data = json.loads(result.stdout)
    assert data["valid"] is False
    assert [v["constraint"] for v in data["violations"]] == ["claims"]


def test_certify_simulates_the_plan(problem_file: Path, plan_file: Path) -> None:
    result = run("certify", problem_file, plan_file, "--seeds", "3", "--duration-s", "20", "--json")
    data = json.loads(result.stdout)
    assert result.exit_code == (0 if data["passed"] else 1)
    assert data["sub_clusters"][0]["evidence"]
    count = len(data["sub_clusters"])
    assert f"{count} of {count} sub-clusters certified" in result.stderr
    broken = run("certify", problem_file, changed(plan_file, cost_usd_per_hour=0.5))
    assert broken.exit_code == 5
    assert "breaks 1 rule(s)" in broken.stderr


def test_diff_tells_what_moves(problem_file: Path, plan_file: Path) -> None:
    result = run("diff", problem_file, plan_file, plan_file)
    assert result.exit_code == 0
    assert "nothing moves" in result.stdout
    emptied = changed(plan_file, sub_clusters=[], cost_usd_per_hour=0.0)
    data = json.loads(run("diff", problem_file, emptied, plan_file, "--json").stdout)
    assert [move["model"] for move in data["moves"]] == ["p", "q"]


@pytest.mark.parametrize(("form", "head"), [("lp", "\\ File"), ("mps", "NAME")])
def test_export_prints_the_program(problem_file: Path, form: str, head: str) -> None:
    assert run("export", problem_file, "--format", form).stdout.startswith(head)
    data = json.loads(run("export", problem_file, "--format", form, "--json").stdout)
    assert data["format"] == form


@pytest.fixture
def crossing(tmp_path: Path) -> Callable[[int], list[Path]]:
    """Problem, before and after as files: two light models change places beside two heavy ones."""

    def write(gpus: int) -> list[Path]:
        weights = {"p": 10.0, "q": 10.0, "r": 5.0, "s": 4.0}
        models = [model(m, [20.0], {"a": one_at_a_time(weights_gib=w)}) for m, w in weights.items()]
        data = document(models, pools={"a": gpus})
        homes = [{"one": "pr", "two": "qs"}, {"one": "ps", "two": "qr"}]
        question = parse_problem(data)
        plans = [
            by_hand(*(sub_cluster(name, 1, **dict.fromkeys(own, 1.0)) for name, own in home.items()))
            for home in homes
        ]
        stated = [reprice(question, dataclasses.replace(p, problem_digest=question.digest)) for p in plans]
        bound = fluid_bound_usd_per_hour(question, {})
        stated = [
            dataclasses.replace(p, fluid_bound=bound, physical_gap=gap(p.objective, bound)) for p in stated
        ]
        files = []
        for name, content in zip(
            ("crossing", "before", "after"), (data, *map(plan_to_json, stated)), strict=True
        ):
            files.append(tmp_path / f"{name}.json")
            files[-1].write_text(json.dumps(content), encoding="utf-8")
        return files

    return write


def test_rollout_prints_waves(crossing: Callable[[int], list[Path]]) -> None:
    result = run("rollout", *crossing(3))
    assert result.exit_code == 0, result.output
    for part in ("spare-01", "load s on the 1 GPU(s) of one", "13.00 GiB to load", "no model is served less"):
        assert part in result.stdout, part


def test_rollout_states_its_loss(crossing: Callable[[int], list[Path]]) -> None:
    files = crossing(2)
    result = run("rollout", *files)
    assert result.exit_code == 0
    assert "temporary loss: 220.0 requests" in result.stdout
    data = json.loads(run("rollout", *files, "--json", "--load-gib-per-s", "1e9").stdout)
    assert data["lost_requests"] == pytest.approx(40.0)  # two waves that begin by starting a process


def test_rollout_without_loss_is_refused_by_name(crossing: Callable[[int], list[Path]]) -> None:
    result = run("rollout", *crossing(2), "--no-loss", "--json")
    assert result.exit_code == 3
    assert "needs 1 spare GPU in a/z to hold" in json.loads(result.stdout)["refused"][-1]


def test_rollout_names_a_bad_epoch_and_a_bad_plan(crossing: Callable[[int], list[Path]]) -> None:
    question, before, after = crossing(2)
    assert run("rollout", question, before, after, "--epoch", 4).exit_code == 2
    assert run("rollout", question, before, changed(after, objective=7.0)).exit_code == 5
