"""``fermata profile``: what it prints, what it refuses, how it ends."""

from __future__ import annotations

import importlib.util
import json
import zipfile
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from api.cli.profile import app
from dispatcher.backends.mlp import write_mlp
from profiles.faults import InputInvalid


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_show_tells_curve_memory_engine_and_source() -> None:
    result = run("show", "ResNet50", "--gpu-type", "T4")
    assert result.exit_code == 0
    for part in ("on T4", "0.6356 b", "GiB of weights", "TensorRT", "PaddleClas", "Apache-2.0"):
        assert part in result.stdout, part
    assert "V100" not in result.stdout


def test_show_as_json_is_what_a_problem_takes() -> None:
    data = json.loads(run("show", "BERT_base_seq128", "--json").stdout)
    assert set(data["profiles"]) == {"A10", "A100-80GB", "T4", "V100"}
    assert data["profiles"]["T4"]["batch_size_max"] == 64
    assert data["profiles"]["T4"]["provenance"]["kind"] == "published"


def test_show_lists_all_models_or_those_on_a_type() -> None:
    everything = json.loads(run("show", "--json").stdout)
    assert len(everything["models"]) == 233
    assert {g["id"] for g in everything["gpu_types"]} == {"A10", "A100-80GB", "T4", "V100"}
    result = run("show", "--gpu-type", "A10")
    assert len(result.stdout.splitlines()) == 8
    assert "8 models shown" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("resnet",), 2, "did you mean ResNet50"),
        (("zzz",), 2, "unknown model 'zzz'"),
        (("--gpu-type", "t4"), 2, "did you mean T4"),
        (("AlexNet", "--gpu-type", "A10"), 1, "it has one on T4, V100"),
    ],
)
def test_show_of_what_is_not_there(arguments: tuple[str, ...], code: int, says: str) -> None:
    result = run("show", *arguments)
    assert result.exit_code == code
    assert says in result.stderr
    assert result.stdout == ""


def test_fit_prints_alpha_beta_and_error(tmp_path: Path) -> None:
    file = write(tmp_path / "line.csv", "batch,latency_ms\n1,3\n2,5\n4,9\n8,17\n")
    result = run("fit", file)
    assert result.exit_code == 0
    assert "alpha  2 ms a request" in result.stdout
    assert "beta   1 ms a batch" in result.stdout
    data = json.loads(run("fit", file, "--json").stdout)
    assert (data["accepted"], data["alpha_ms"], data["beta_ms"], data["mape"]) == (True, 2.0, 1.0, 0.0)


def test_fit_refuses_steps_says_why_and_what_to_do(tmp_path: Path) -> None:
    file = write(tmp_path / "steps.csv", "batch,latency_ms\n1,2\n2,2\n4,2\n5,9\n8,9\n")
    result = run("fit", file, "--json")
    assert result.exit_code == 1
    assert "5.0% on the mean is allowed" in result.stderr
    assert '"latency_ms": [[1, 2.0], [2, 2.0], [4, 2.0], [5, 9.0], [8, 9.0]]' in result.stderr
    data = json.loads(result.stdout)
    assert data["accepted"] is False
    assert data["mape"] > 0.05
    assert data["reasons"]
    assert run("fit", file).stdout == ""


def test_fit_of_noise_offers_no_table(tmp_path: Path) -> None:
    result = run("fit", write(tmp_path / "noise.csv", "batch,latency_ms\n1,9\n2,2\n4,7\n8,1\n"))
    assert result.exit_code == 1
    assert "measure again with more repeats" in result.stderr


def test_fit_reports_bad_lines_all_at_once(tmp_path: Path) -> None:
    result = run("fit", write(tmp_path / "bad.csv", "batch,latency_ms\n1,nan\nx,2\n8,-9\n"))
    assert isinstance(result.exception, InputInvalid)  # the command's frame ends with 2 and prints these
    assert [fault.field for fault in result.exception.faults] == [
        "line 2, latency_ms",
        "line 3, batch",
        "line 4, latency_ms",
    ]


def test_fit_of_two_sizes_or_no_file_is_bad_input(tmp_path: Path) -> None:
    result = run("fit", write(tmp_path / "two.csv", "batch,latency_ms\n1,2\n2,3\n"))
    assert isinstance(result.exception, InputInvalid)
    assert run("fit", tmp_path / "none.csv").exit_code == 2


def test_measure_writes_a_profile_and_prints_the_same(tmp_path: Path) -> None:
    write_mlp(tmp_path / "mlp.onnx", width=16, layers=1, seed=1)
    output = tmp_path / "profile.json"
    result = run(
        "measure",
        tmp_path / "mlp.onnx",
        "--batch-sizes",
        "1,2,4",
        "--repeats",
        3,
        "--output",
        output,
        "--json",
    )
    assert result.exit_code == 0
    data = json.loads(result.stdout)
    assert json.loads(output.read_text(encoding="utf-8")) == data
    assert data["batch_size_max"] == 4
    assert data["provenance"]["kind"] == "measured"
    assert [size for size, _ in data["provenance"]["points_ms"]] == [1, 2, 4]
    human = run("measure", tmp_path / "mlp.onnx", "--batch-sizes", "1,2", "--repeats", 1)
    assert "batch     2" in human.stdout
    assert "measuring" in human.stderr


@pytest.mark.parametrize("sizes", ["", "1,,2", "x", "1;2", "-1", "1.5"])
def test_measure_refuses_batch_sizes_that_are_none(tmp_path: Path, sizes: str) -> None:
    result = run("measure", tmp_path / "mlp.onnx", "--batch-sizes", sizes)
    assert result.exit_code == 2
    assert "--batch-sizes" in result.stderr


def test_measure_refuses_a_file_that_is_no_model(tmp_path: Path) -> None:
    assert run("measure", tmp_path / "none.onnx").exit_code == 2
    result = run("measure", write(tmp_path / "text.onnx", "no model"))
    assert result.exit_code == 2
    assert "no ONNX model" in result.stderr
    assert run("measure", tmp_path / "text.onnx", "--statistic", "mean").exit_code == 2


def test_every_command_has_an_example() -> None:
    group = typer.main.get_command(app)
    assert all("Example:" in command.help for command in group.commands.values())  # type: ignore[attr-defined]


@pytest.mark.parametrize("told", ["x", "x:FP32", "x:FP3:4", "x:FP32:0", ":FP32:3", "x:BYTES:1", "x:FP32:3x4"])
def test_measure_refuses_an_input_that_is_not_told_well(tmp_path: Path, told: str) -> None:
    archive = tmp_path / "m.pt"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("m/constants.pkl", b"")
    result = run("measure", archive, "--input", told)
    assert result.exit_code == 2
    assert f"must be NAME:DATATYPE:SHAPE without the batch, got {told!r}" in " ".join(result.stderr.split())


def test_measure_takes_no_inputs_for_onnx(tmp_path: Path) -> None:
    path = tmp_path / "mlp.onnx"
    write_mlp(path, width=8, layers=1, seed=1)
    result = run("measure", path, "--input", "x:FP32:8")
    assert result.exit_code == 2
    assert "an ONNX file says what it takes" in result.stderr


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="PyTorch is installed")
def test_measuring_a_pytorch_file_without_pytorch_says_so(tmp_path: Path) -> None:
    archive = tmp_path / "m.pt"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("m/constants.pkl", b"")
    result = run("measure", archive)
    assert result.exit_code == 2
    assert "PyTorch is not installed on this node" in result.stderr
