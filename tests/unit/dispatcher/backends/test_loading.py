from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from dispatcher.backends.loading import load_measured, resident_bytes
from dispatcher.backends.mlp import INPUT, OUTPUT, write_mlp
from dispatcher.contract.sub_cluster import ModelBackend, ServedModel, Tensor
from tests.tidy.tree import ROOT

WIDTH = 1_024
LAYERS = 8
WEIGHT_BYTES = LAYERS * WIDTH * WIDTH * 4


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells no resident memory")
def test_the_memory_of_a_loaded_network_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "mlp.onnx"
    write_mlp(path, width=WIDTH, layers=LAYERS, seed=1)
    model = ServedModel(
        "mlp",
        1_000_000,
        (0, 1_000),
        (Tensor(INPUT, "FP32", (WIDTH,)),),
        (Tensor(OUTPUT, "FP32", (WIDTH,)),),
        ModelBackend("onnx", str(path)),
    )
    (tmp_path / "model.json").write_bytes(msgspec.json.encode(model))
    script = (
        "import sys, msgspec, pathlib; from dispatcher.backends.loading import load_measured;"
        "from dispatcher.contract.sub_cluster import ServedModel;"
        "content = pathlib.Path(sys.argv[1]).read_bytes();"
        "found = load_measured(msgspec.json.decode(content, type=ServedModel));"
        "print(found.load_us, found.memory_bytes)"
    )  # in a process of its own, as a worker is: what was freed in this one would be used again
    command = [sys.executable, "-c", script, str(tmp_path / "model.json")]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    load_us, memory_bytes = (int(each) for each in said)
    assert load_us > 0
    assert WEIGHT_BYTES <= memory_bytes < 10 * WEIGHT_BYTES


def test_a_system_without_the_file_tells_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dispatcher.backends.loading.STATM", Path("/nowhere"))
    assert resident_bytes() is None
    assert load_measured(ServedModel("m", 1_000, (0, 1))).memory_bytes is None
