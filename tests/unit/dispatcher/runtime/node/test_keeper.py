"""What a node asks of the processes that it keeps; a script stands for ``fermata``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from api.rest.schemas.nodes import NodeSubClusterBody
from dispatcher.contract.node_file import NodeDispatcher, NodeSubCluster
from dispatcher.contract.sub_cluster import ServedModel, SubClusterSpec
from dispatcher.contract.tls_files import TlsFiles
from dispatcher.runtime.node.keeper import Keeper

SCRIPT = """
import json, sys, time
json.dump(sys.argv[1:], open({said!r}, "w"))
print(json.dumps({{"http_url": "https://127.0.0.1:1", "plan_version": 1}}), flush=True)
time.sleep(600)
"""
SPEC = SubClusterSpec("sc", 1, 1, (ServedModel("m", 50_000, (0, 1_000)),))


def test_a_dispatcher_gets_the_doors_of_its_node(tmp_path: Path) -> None:
    said = tmp_path / "said.json"
    script = tmp_path / "fermata.py"
    script.write_text(SCRIPT.format(said=str(said)))
    doors = NodeDispatcher(
        "tcp://127.0.0.1:2", 8000, grpc_port=8001, native_port=8002, tls=TlsFiles("/c", "/k", "/ca")
    )

    changes: list[int] = []

    async def run() -> None:
        part = NodeSubCluster("sc", dispatcher=doors)
        keeper = Keeper(
            part,
            tmp_path,
            (sys.executable, str(script)),
            silence_s_max=600,
            on_change=lambda: changes.append(1),
        )
        await keeper.grow(SPEC)
        assert keeper.fault is None
        keeper.waits_for = ("another",)
        NodeSubClusterBody.model_validate(keeper.status())  # as the planner takes it
        assert changes == [1]
        await keeper.close()

    asyncio.run(run())
    words = msgspec.json.decode(said.read_bytes(), type=list[str])
    assert words[0] == "dispatcher"
    for option, value in (
        ("--http-port", "8000"),
        ("--grpc-port", "8001"),
        ("--native-port", "8002"),
        ("--tls-certificate", "/c"),
        ("--tls-key", "/k"),
        ("--tls-client-ca", "/ca"),
    ):
        assert words[words.index(option) + 1] == value


WORKER = """
import json, pathlib, sys, time
print(json.dumps({{"alive": True}}), flush=True)
if not pathlib.Path({there!r}).exists():
    print(json.dumps({{"gpu": 0, "fault": "model m: no file /m.onnx"}}), flush=True)
    sys.exit(2)
print(json.dumps({{"gpu": 0, "pid": 1, "models": ["m"], "loads": []}}), flush=True)
time.sleep(600)
"""


def test_a_worker_whose_model_cannot_be_loaded_says_so_at_once_and_is_tried_again(tmp_path: Path) -> None:
    there, script = tmp_path / "there", tmp_path / "fermata.py"
    script.write_text(WORKER.format(there=str(there)))

    async def run() -> None:
        news = asyncio.Event()
        part = NodeSubCluster("sc", devices=("0",), worker_endpoint="tcp://127.0.0.1:2")
        keeper = Keeper(part, tmp_path, (sys.executable, str(script)), silence_s_max=600, on_change=news.set)
        await keeper.grow(SPEC)
        await news.wait()
        (gpu,) = keeper.status()["gpus"]
        assert (gpu["fault"], gpu["starts"], gpu["models"]) == ("model m: no file /m.onnx", 1, [])
        NodeSubClusterBody.model_validate(keeper.status())
        there.touch()
        while not (gpu := keeper.status()["gpus"][0])["models"]:
            news.clear()
            await news.wait()
        assert gpu["fault"] is None
        await keeper.close()

    asyncio.run(run())
