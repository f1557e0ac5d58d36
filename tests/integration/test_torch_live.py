"""Real PyTorch networks behind the real doors, by the clients that people have; only where PyTorch is."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from dispatcher.contract.sub_cluster import SubClusterSpec  # noqa: E402
from dispatcher.core.rules import Policy, Rules  # noqa: E402
from dispatcher.native_client import NativeClient  # noqa: E402
from tests import torch_models as made  # noqa: E402
from tests.integration.live_processes import PATIENCE_S, Live, live  # noqa: E402

TOGETHER = 11


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("torch")


@pytest.fixture(scope="module")
def shared(folder: Path) -> Iterator[Live]:
    pictures, texts = made.convolutional(), made.encoder()
    free = made.exported(folder / "free.pt2", pictures, (made.image(),))
    fixed = made.exported(folder / "fixed.pt2", pictures, (made.image(),), fixed=True)
    script = made.scripted(folder / "script.pt", pictures)
    tokens, scale = made.tokens_and_scale()
    text = made.exported(folder / "text.pt2", texts, (tokens,), {"scale": scale})
    traced = made.traced(folder / "traced.pt", texts, (tokens, scale))
    models = (
        made.served_image(free),
        made.served_image(fixed),
        made.served_image(script, sizes=(2, 4)),
        made.served_text(text),
        made.served_text(traced),
    )
    with live(folder) as processes:
        spec = SubClusterSpec("torch", 1, 1, models, Rules(Policy.EAGER))
        processes.start_dispatcher(spec, "--native-port", "0")
        processes.start_worker(0)
        processes.until_gpus_ready(1)
        yield processes


def client_of(shared: Live, module: ModuleType) -> Any:
    if module is tritonclient.grpc:
        return module.InferenceServerClient(shared.grpc_address)
    return module.InferenceServerClient(urlsplit(shared.url).netloc, network_timeout=PATIENCE_S)


def ask(shared: Live, module: ModuleType, model: str, **tensors: Any) -> Any:
    given = []
    for name, tensor in tensors.items():
        made_input = module.InferInput(name, list(tensor.shape), "INT64" if name == "tokens" else "FP32")
        made_input.set_data_from_numpy(tensor.numpy())
        given.append(made_input)
    client = client_of(shared, module)
    try:
        return client.infer(model, given)
    finally:
        client.close()


@pytest.mark.parametrize("module", [tritonclient.http, tritonclient.grpc], ids=["http", "grpc"])
def test_answers_are_those_of_pytorch(shared: Live, module: ModuleType) -> None:
    picture, (tokens, scale) = made.image(1), made.tokens_and_scale(1)
    for model in ("free", "fixed", "script"):
        logits = ask(shared, module, model, image=picture).as_numpy("logits")
        np.testing.assert_allclose(logits, made.convolutional()(picture).detach(), rtol=1e-4, atol=1e-5)
    wanted = made.encoder()(tokens, scale)
    for model in ("text", "traced"):
        answer = ask(shared, module, model, tokens=tokens, scale=scale)
        for name, tensor in wanted.items():
            np.testing.assert_allclose(answer.as_numpy(name), tensor.detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("model", ["free", "fixed", "script"])
def test_requests_that_share_a_batch_get_each_its_own_answer(shared: Live, model: str) -> None:
    pictures = made.image(TOGETHER)
    endpoint = json.loads((shared.folder / "ready.json").read_text())["native_endpoint"]

    async def run() -> Any:
        async with NativeClient(endpoint) as client:
            return await client.infer(model, {"image": pictures.numpy()})

    before = shared.metric("fermata_batch_size_count", model=model)
    answered = asyncio.run(run())
    assert answered.completed.all()
    wanted = made.convolutional()(pictures).detach()
    np.testing.assert_allclose(answered.outputs["logits"], wanted, rtol=1e-4, atol=1e-5)
    assert shared.metric("fermata_batch_size_count", model=model) - before < TOGETHER
    assert shared.metric("fermata_execution_seconds_sum", model=model) > 0


def test_a_network_that_raises_fails_its_batch_alone(shared: Live) -> None:
    tokens, scale = made.tokens_and_scale(1)
    for model in ("text", "traced"):
        with pytest.raises(InferenceServerException, match="index out of range in self"):
            ask(shared, tritonclient.http, model, tokens=tokens + made.VOCABULARY, scale=scale)
        ask(shared, tritonclient.http, model, tokens=tokens, scale=scale)
    assert shared.metric("fermata_gpus_ready") == 1


def test_what_each_model_took_is_said_when_it_is_loaded(shared: Live) -> None:
    said = [json.loads(line) for each in shared.folder.glob("*-worker.out") for line in each.open()]
    loads = {load["model"]: load for line in said for load in line["loads"]}
    assert set(loads) == {"free", "fixed", "script", "text", "traced"}
    assert all(load["load_us"] > 0 and load["memory_bytes"] >= 0 for load in loads.values())


def test_fermata_up_says_which_model_cannot_be_loaded_and_why(shared: Live, tmp_path: Path) -> None:
    described = {
        "name": "wrong",
        "slo_ms": 1_000,
        "latency_ms": {"alpha": 1, "beta": 1},
        "backend": {"kind": "torch", "path": str(shared.folder / "script.pt")},
        "inputs": [{"name": "x", "datatype": "FP32", "shape": list(made.IMAGE)}],
        "outputs": [{"name": "logits", "datatype": "FP32", "shape": [made.CLASSES]}],
    }
    config = tmp_path / "up.json"
    config.write_text(json.dumps({"gpus": 1, "models": [described]}))
    command = [sys.executable, "-m", "api.cli.main", "up", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    words = " ".join(done.stderr.split())
    assert "model wrong: " in words
    assert "the file's inputs are ['image'], declared are ['x']" in words
