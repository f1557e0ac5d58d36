"""Real networks through the real PyTorch; nothing here runs where it is not installed."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from dispatcher.backends.backend import BackendError, load_backend  # noqa: E402
from dispatcher.backends.loading import load_measured  # noqa: E402
from dispatcher.backends.measure_torch import measure_torch  # noqa: E402
from dispatcher.backends.torch_file import TYPE_BY_DATATYPE, Form, form_of, load_network  # noqa: E402
from dispatcher.contract import wire  # noqa: E402
from dispatcher.contract.datatypes import NUMPY_BY_DATATYPE  # noqa: E402
from dispatcher.contract.sub_cluster import ModelBackend, ServedModel, Tensor  # noqa: E402
from profiles.memory import Precision  # noqa: E402
from tests import torch_models as made  # noqa: E402
from tests.tidy.tree import ROOT  # noqa: E402


def close(found: Any, wanted: Any) -> None:
    np.testing.assert_allclose(found, wanted.detach().numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", ["exported", "fixed", "scripted", "traced"])
def test_a_convolutional_network_answers_as_pytorch_does(tmp_path: Path, form: str) -> None:
    network, example = made.convolutional(), made.image()
    path = {
        "exported": lambda: made.exported(tmp_path / "m.pt2", network, (example,)),
        "fixed": lambda: made.exported(tmp_path / "m.pt2", network, (example,), fixed=True),
        "scripted": lambda: made.scripted(tmp_path / "m.pt", network),
        "traced": lambda: made.traced(tmp_path / "m.pt", network, (example,)),
    }[form]()
    backend = load_backend(made.served_image(path))
    for batch in range(1, made.EXAMPLE_BATCH + 1):  # a fixed batch is filled up and cut back
        pictures = made.image(batch)
        (found,) = backend.execute([pictures.numpy()])
        close(found, network(pictures))


@pytest.mark.parametrize("form", ["exported", "by keyword", "traced"])
def test_inputs_and_outputs_go_by_their_names(tmp_path: Path, form: str) -> None:
    network, (tokens, scale) = made.encoder(), made.tokens_and_scale()
    path = {
        "exported": lambda: made.exported(tmp_path / "m.pt2", network, (tokens, scale)),
        "by keyword": lambda: made.exported(tmp_path / "m.pt2", network, (tokens,), {"scale": scale}),
        "traced": lambda: made.traced(tmp_path / "m.pt", network, (tokens, scale)),
    }[form]()
    backend = load_backend(made.served_text(path))
    for batch in (1, 3):
        tokens, scale = made.tokens_and_scale(batch)
        pooled, hidden = backend.execute([scale.numpy(), tokens.numpy()])
        wanted = network(tokens, scale)
        close(pooled, wanted["pooled"])
        close(hidden, wanted["hidden"])


@pytest.mark.parametrize("form", ["exported", "traced"])
def test_a_batch_that_raises_says_why_in_one_line_and_the_next_is_answered(tmp_path: Path, form: str) -> None:
    inputs = made.tokens_and_scale()
    path = tmp_path / "m"
    made.exported(
        path := path.with_suffix(".pt2"), made.encoder(), inputs
    ) if form == "exported" else made.traced(path, made.encoder(), inputs)
    backend = load_backend(made.served_text(path))
    tokens, scale = (each.numpy() for each in inputs)
    with pytest.raises(BackendError) as caught:
        backend.execute([scale, tokens + made.VOCABULARY])
    assert str(caught.value).endswith("index out of range in self")
    assert "\n" not in str(caught.value)
    backend.execute([scale, tokens])


@pytest.mark.parametrize(("width", "outside"), [("half", "FP16"), ("bfloat16", "FP32"), ("double", "FP64")])
def test_networks_of_other_precisions(tmp_path: Path, width: str, outside: str) -> None:
    network = getattr(torch.nn.Linear(3, 2), width)()
    rows = torch.rand(2, 3)
    own = getattr(rows, width)()
    path = made.exported(tmp_path / "m.pt2", network, (own,))
    tensors = (Tensor("input", outside, (3,)),), (Tensor("y", outside, (2,)),)
    backend = load_backend(ServedModel("m", 1_000, (0, 10, 10), *tensors, ModelBackend("torch", str(path))))
    given = rows.numpy().astype(NUMPY_BY_DATATYPE[outside])
    (found,) = backend.execute([given])
    wanted = network(torch.from_numpy(given).to(own.dtype))
    np.testing.assert_array_equal(
        found, wanted.to(getattr(torch, TYPE_BY_DATATYPE[outside])).detach().numpy()
    )


class Same(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.clone()


@pytest.mark.parametrize("datatype", TYPE_BY_DATATYPE)
def test_every_datatype_goes_in_and_comes_out(tmp_path: Path, datatype: str) -> None:
    tensor = Tensor("x", datatype, (3,))
    path = made.scripted(tmp_path / "m.pt", Same())
    backend = load_backend(
        ServedModel("m", 1_000, (0, 10, 10), (tensor,), (tensor,), ModelBackend("torch", str(path)))
    )
    given = np.array([[0, 1, 100], [1, 0, 3]]).astype(NUMPY_BY_DATATYPE[datatype])
    given.flags.writeable = False  # as a frame is
    (found,) = backend.execute([given])
    np.testing.assert_array_equal(found, given)
    assert found.dtype == given.dtype


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"inputs": (Tensor("picture", "FP32", made.IMAGE),)},
            r"inputs are \['image'\], declared are \['picture'\]",
        ),
        (
            {"inputs": (Tensor("image", "INT64", made.IMAGE),)},
            "float32 in the file and needs FP32, declared is INT64",
        ),
        ({"inputs": (Tensor("image", "FP32", (3, 9, 8)),)}, r"\['batch', 3, 8, 8\] in the file, declared"),
        ({"outputs": (Tensor("logits", "FP32", (6,)),)}, r"output logits must be FP32 \[1, 6\], got"),
        ({"latency_us": (0, *[10] * 40)}, r"fails on a batch of 40: .*size\(\)\[0\] <= 32"),
    ],
)
def test_a_file_that_is_not_as_declared_is_refused_when_it_is_loaded(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    path = made.exported(tmp_path / "m.pt2", made.convolutional(), (made.image(),))
    with pytest.raises(BackendError, match=words):
        load_backend(made.served_image(path, **changes))


def test_wrong_names_are_refused_for_torchscript_too(tmp_path: Path) -> None:
    path = made.scripted(tmp_path / "m.pt", made.convolutional())
    with pytest.raises(BackendError, match=r"m\.pt: the file's inputs are \['image'\]"):
        load_backend(made.served_image(path, inputs=(Tensor("x", "FP32", made.IMAGE),)))


def test_a_fixed_batch_that_is_too_small_is_refused(tmp_path: Path) -> None:
    path = made.exported(tmp_path / "m.pt2", made.convolutional(), (made.image(),), fixed=True)
    with pytest.raises(BackendError, match="at most 4 requests at once, batches have up to 8"):
        load_backend(made.served_image(path, batch_max=8))


def test_a_program_exported_while_training_is_refused(tmp_path: Path) -> None:
    path = made.exported(tmp_path / "m.pt2", made.convolutional().train(), (made.image(),))
    with pytest.raises(BackendError, match=r"exported while training \(batch_norm, dropout\); call eval"):
        load_backend(made.served_image(path))


def test_files_that_cannot_be_served_are_named_with_the_reason(tmp_path: Path) -> None:
    network = made.convolutional()
    weights, pickled, garbage, cut = (
        tmp_path / f"{name}.pt2" for name in ("weights", "pickled", "garbage", "cut")
    )
    torch.save(network.state_dict(), weights)
    torch.save(network, pickled)
    garbage.write_bytes(b"not a network")
    whole = made.exported(tmp_path / "whole.pt2", network, (made.image(),)).read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    spoilt = tmp_path / "spoilt.pt2"
    spoilt.write_bytes(whole.replace(b'"graph_module"', b"#" * 14))
    for path, words in (
        (weights, "weights alone"),
        (pickled, r"torch\.export\.save"),
        (garbage, "not written by PyTorch"),
        (cut, "cut short"),
        (spoilt, "cannot load .* as an exported program: "),
    ):
        with pytest.raises(BackendError, match=words) as caught:
            load_backend(made.served_image(path))
        assert str(path) in str(caught.value)


def test_the_form_is_told_by_content(tmp_path: Path) -> None:
    network = made.convolutional()
    assert form_of(made.scripted(tmp_path / "any.pt2", network)) is Form.SCRIPT
    moved = made.exported(tmp_path / "m.pt2", network, (made.image(),)).rename(tmp_path / "m.bin")
    assert form_of(moved) is Form.EXPORTED
    load_backend(made.served_image(moved))


class Making(torch.nn.Module):
    """Makes a tensor of its own, on the device that it was exported on."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight + torch.arange(3, device=x.device)


def test_tensors_that_a_program_makes_follow_it_to_its_device(tmp_path: Path) -> None:
    path = made.exported(tmp_path / "m.pt2", Making(), (torch.ones(2, 3),))
    network = load_network(torch, path, torch.device("meta"))
    answer = network.call({"x": torch.ones(2, 3, device="meta")})
    assert answer.device.type == "meta"
    assert all(weight.device.type == "meta" for weight in network.weights)


def test_each_thread_that_computes_has_one_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        loaded: list[Any] = []
        path = made.scripted(tmp_path / "m.pt", made.convolutional())
        loader = threading.Thread(target=lambda: loaded.append(load_measured(made.served_image(path))))
        loader.start()
        loader.join()
        loaded[0].backend.execute([made.image().numpy()])
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("form", ["exported", "traced"])
def test_a_network_is_measured_at_every_batch_size(tmp_path: Path, form: str) -> None:
    inputs = made.tokens_and_scale()
    before = torch.get_num_threads()
    try:
        if form == "exported":
            path = made.exported(tmp_path / "text.pt2", made.encoder(), inputs)
            told: tuple[Tensor, ...] = ()
        else:
            path = made.traced(tmp_path / "text.pt", made.encoder(), inputs)
            told = made.served_text(path).inputs
            with pytest.raises(BackendError, match="input must be told, as in tokens:"):
                measure_torch(path, [1])
        found = measure_torch(path, [4, 1, 2], inputs=told, repeats=3)
    finally:
        torch.set_num_threads(before)
    profile = found.profile()
    assert [size for size, _ in profile.points] == [1, 2, 4]
    assert all(us > 0 for _, us in profile.points)
    weights = sum(each.nbytes for each in made.encoder().parameters())
    assert weights <= found.weights_gib * 2**30 < 1.5 * weights
    assert found.workspace_gib_per_item * 2**30 > made.TOKENS * made.WIDTH * 4
    assert "PyTorch" in found.engine
    assert found.precision is Precision.FP32


class Hungry(torch.nn.Module):
    """Takes the more memory the larger its input is."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.empty([int(x.max().item()) * 1_073_741_824], dtype=torch.float64)[:1].sum() * 0


def test_a_batch_that_finds_no_memory_fails_and_says_how_much_it_was(tmp_path: Path) -> None:
    path = made.scripted(tmp_path / "m.pt", Hungry())
    tensor = Tensor("x", "FP32", (1,))
    backend = load_backend(
        ServedModel("m", 1_000, (0, 10, 10), (tensor,), (tensor,), ModelBackend("torch", str(path)))
    )
    with pytest.raises(
        BackendError, match=r"out of memory for a batch of 2 \(x \[2, 1\] FP32: .* allocate \d+ bytes"
    ):
        backend.execute([np.full((2, 1), 2**20, dtype=np.float32)])
    backend.execute([np.zeros((2, 1), dtype=np.float32)])


class Turned(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.transpose(1, 2)


def test_outputs_that_do_not_lie_in_order_are_sent_in_order(tmp_path: Path) -> None:
    given = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    path = made.exported(tmp_path / "m.pt2", Turned(), (torch.from_numpy(given),))
    tensors = (Tensor("x", "FP32", (2, 3)),), (Tensor("y", "FP32", (3, 2)),)
    backend = load_backend(ServedModel("m", 1_000, (0, 10, 10), *tensors, ModelBackend("torch", str(path))))
    (found,) = backend.execute([given])
    assert bytes(wire.frame(found)) == given.transpose(0, 2, 1).tobytes()


def test_a_package_compiled_ahead_of_time_is_named_as_what_it_is(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.pt2", "w") as archive:
        archive.writestr("m/archive_format", "pt2")
        archive.writestr("m/data/aotinductor/model/m.wrapper.so", b"")
    with pytest.raises(BackendError, match="compiled by AOTInductor; an exported program"):
        form_of(tmp_path / "m.pt2")


class Optional(torch.nn.Module):
    def forward(self, x: torch.Tensor, bias: torch.Tensor | None = None, times: int = 2) -> torch.Tensor:
        return x * times if bias is None else x * times + bias


@pytest.mark.parametrize("with_bias", [False, True])
def test_what_a_network_does_without_need_not_be_declared(tmp_path: Path, with_bias: bool) -> None:
    path = made.scripted(tmp_path / "m.pt", Optional())
    x, bias = Tensor("x", "FP32", (1,)), Tensor("bias", "FP32", (1,))
    inputs = (bias, x) if with_bias else (x,)
    backend = load_backend(
        ServedModel("m", 1_000, (0, 10, 10), inputs, (x,), ModelBackend("torch", str(path)))
    )
    ones = np.ones((2, 1), dtype=np.float32)
    (found,) = backend.execute([ones] * len(inputs))
    assert found.ravel().tolist() == [2.0 + with_bias] * 2


class Pair(NamedTuple):
    minus: torch.Tensor
    plus: torch.Tensor


class Both(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> Pair:
        return Pair(-x, x + 1)


class InOrder(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x + 1, -x


@pytest.mark.parametrize(
    ("network", "form"), [(Both, "scripted"), (InOrder, "scripted"), (InOrder, "exported")]
)
def test_several_outputs_by_name_or_in_the_declared_order(tmp_path: Path, network: Any, form: str) -> None:
    if form == "exported":
        path = made.exported(tmp_path / "m.pt2", network(), (torch.ones(2, 1),))
    else:
        path = made.scripted(tmp_path / "m.pt", network())
    x, plus, minus = (Tensor(name, "FP32", (1,)) for name in ("x", "plus", "minus"))
    backend = load_backend(
        ServedModel("m", 1_000, (0, 10, 10), (x,), (plus, minus), ModelBackend("torch", str(path)))
    )
    found = backend.execute([np.ones((2, 1), dtype=np.float32)])
    assert [each.ravel().tolist() for each in found] == [[2.0, 2.0], [-1.0, -1.0]]


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells no resident memory")
def test_the_first_network_of_a_process_does_not_count_what_pytorch_itself_takes(tmp_path: Path) -> None:
    width, layers = 1_024, 4
    network = torch.nn.Sequential(*(torch.nn.Linear(width, width) for _ in range(layers))).eval()
    path = made.exported(tmp_path / "m.pt2", network, (torch.ones(2, width),))
    x, y = (Tensor(name, "FP32", (width,)) for name in ("input", "y"))
    model = ServedModel("m", 1_000, (0, 10), (x,), (y,), ModelBackend("torch", str(path)))
    (tmp_path / "model.json").write_bytes(msgspec.json.encode(model))
    script = (
        "import sys, msgspec, pathlib; from dispatcher.backends.loading import load_measured;"
        "from dispatcher.contract.sub_cluster import ServedModel;"
        "content = pathlib.Path(sys.argv[1]).read_bytes();"
        "print(load_measured(msgspec.json.decode(content, type=ServedModel)).memory_bytes)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "model.json")]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    weights = layers * width * width * 4
    assert weights <= int(said.splitlines()[-1]) < 4 * weights


def test_an_unloaded_network_leaves_no_weights_behind(tmp_path: Path) -> None:
    path = made.exported(tmp_path / "m.pt2", made.convolutional(), (made.image(),))
    network = load_network(torch, path, torch.device("cpu"))
    network.call({"image": made.image()})
    weights = [weakref.ref(weight) for weight in network.weights]
    del network
    gc.collect()
    assert weights
    assert all(weight() is None for weight in weights)
