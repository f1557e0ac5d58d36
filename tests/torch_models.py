"""Small real PyTorch networks for tests, in files of every form; only where PyTorch is installed."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from dispatcher.contract.sub_cluster import ModelBackend, ServedModel, Tensor

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

VOCABULARY = 50
TOKENS = 6
WIDTH = 16
IMAGE = (3, 8, 8)
CLASSES = 5
BATCH_MAX = 32
EXAMPLE_BATCH = 4


class Convolutional(torch.nn.Module):
    """A picture in, logits out; batch normalization and dropout are quiet outside of training."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3, padding=1),
            torch.nn.BatchNorm2d(8),
            torch.nn.ReLU(),
            torch.nn.AdaptiveAvgPool2d(2),
            torch.nn.Flatten(),
            torch.nn.Dropout(0.5),
            torch.nn.Linear(32, CLASSES),
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.layers(image)


class Encoder(torch.nn.Module):
    """Two layers of a transformer: two inputs, two outputs by name; a token beyond the vocabulary raises."""

    def __init__(self) -> None:
        super().__init__()
        layer = torch.nn.TransformerEncoderLayer(WIDTH, 2, 2 * WIDTH, batch_first=True)
        self.embedding = torch.nn.Embedding(VOCABULARY, WIDTH)
        self.encoder = torch.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, tokens: torch.Tensor, scale: torch.Tensor) -> dict[str, torch.Tensor]:
        hidden = self.encoder(self.embedding(tokens))
        return {"hidden": hidden, "pooled": hidden.mean(1) * scale}


def convolutional() -> Any:
    torch.manual_seed(1)
    return Convolutional().eval()


def encoder() -> Any:
    torch.manual_seed(2)
    return Encoder().eval()


def image(batch: int = EXAMPLE_BATCH) -> Any:
    return torch.rand((batch, *IMAGE), generator=torch.Generator().manual_seed(batch))


def tokens_and_scale(batch: int = EXAMPLE_BATCH) -> tuple[Any, Any]:
    drawn = torch.Generator().manual_seed(batch)
    tokens = torch.randint(0, VOCABULARY, (batch, TOKENS), generator=drawn)
    return tokens, torch.rand((batch, 1), generator=drawn)


def exported(
    path: Path,
    network: Any,
    inputs: tuple[Any, ...],
    named: dict[str, Any] | None = None,
    *,
    fixed: bool = False,
) -> Path:
    """``network`` as an exported program; the batch is free unless ``fixed``."""
    batch = torch.export.Dim("batch", min=1, max=BATCH_MAX)
    shapes: Any = tuple({0: batch} for _ in inputs)
    if named:
        names = list(torch.export.export(network, inputs, named).graph_signature.user_inputs)
        shapes = {name: {0: batch} for name in names}
    program = torch.export.export(network, inputs, named or {}, dynamic_shapes=None if fixed else shapes)
    torch.export.save(program, path)
    return path


def scripted(path: Path, network: Any) -> Path:
    with warnings.catch_warnings(action="ignore"):
        torch.jit.script(network).save(str(path))
    return path


def traced(path: Path, network: Any, inputs: tuple[Any, ...]) -> Path:
    with warnings.catch_warnings(action="ignore"):
        torch.jit.trace(network, inputs, strict=False, check_trace=False).save(str(path))
    return path


def served_image(
    path: Path, batch_max: int = EXAMPLE_BATCH, sizes: tuple[int, ...] = (), **changes: Any
) -> ServedModel:
    fields: dict[str, Any] = {
        "id": path.stem,
        "slo_us": 60_000_000,
        "latency_us": (0, *range(1_000, 1_000 + batch_max)),
        "inputs": (Tensor("image", "FP32", IMAGE),),
        "outputs": (Tensor("logits", "FP32", (CLASSES,)),),
        "backend": ModelBackend("torch", str(path), sizes),
    }
    return ServedModel(**fields | changes)


def served_text(path: Path, batch_max: int = EXAMPLE_BATCH) -> ServedModel:
    """Inputs and outputs are declared in another order than the file's."""
    return served_image(
        path,
        batch_max,
        inputs=(Tensor("scale", "FP32", (1,)), Tensor("tokens", "INT64", (TOKENS,))),
        outputs=(Tensor("pooled", "FP32", (WIDTH,)), Tensor("hidden", "FP32", (TOKENS, WIDTH))),
    )
