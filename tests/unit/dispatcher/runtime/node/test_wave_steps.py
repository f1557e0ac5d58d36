"""A wave is taken by letting go before loading; scripts stand for the dispatcher and its workers."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from dispatcher.contract.node_file import NodeDispatcher, NodeSubCluster
from dispatcher.contract.sub_cluster import ServedModel, SubClusterSpec
from dispatcher.runtime.node.keeper import Keeper
from dispatcher.runtime.node.wave_steps import in_passing, take_wave

SCRIPT = """
import json, signal, sys, time
spec, log = sys.argv[sys.argv.index("--spec") + 1], {log!r}
def tell(*_):
    now = json.load(open(spec))
    models = [[model["id"], len(model["latency_us"]) - 1] for model in now["models"]]
    with open(log, "a") as file:
        file.write(json.dumps([now["gpus"], models]) + "\\n")
    print(json.dumps({{"http_url": "http://127.0.0.1:1", "plan_version": now["plan_version"]}}), flush=True)
signal.signal(signal.SIGHUP, tell)
tell()
while True:
    time.sleep(0.05)
"""


def model(name: str, largest: int = 4) -> ServedModel:
    return ServedModel(name, 50_000, (0, *range(1_000, 1_000 + largest)))


def spec(*models: ServedModel, version: int = 1, gpus: int = 1) -> SubClusterSpec:
    return SubClusterSpec("sc", version, gpus, models)


def told(tmp_path: Path, *specs: SubClusterSpec | None) -> list[tuple[int, list[list[object]]]]:
    """What the dispatchers were asked to run, one after the other: GPUs, models with their largest batch."""
    script, log = tmp_path / "fermata.py", tmp_path / "log"
    script.write_text(SCRIPT.format(log=str(log)))
    part = NodeSubCluster("sc", dispatcher=NodeDispatcher("tcp://127.0.0.1:2", 8000))

    async def run() -> None:
        keeper = Keeper(part, tmp_path, (sys.executable, str(script)), silence_s_max=600)
        for each in specs:
            await take_wave(keeper, each)
            assert keeper.fault is None
            await keeper.shrink(each)
        await keeper.close()

    asyncio.run(run())
    lines = [msgspec.json.decode(line) for line in log.read_text().splitlines()]
    return [(gpus, models) for gpus, models in lines]


def test_what_leaves_is_let_go_before_anything_is_loaded(tmp_path: Path) -> None:
    first = spec(model("stays"), model("leaves"))
    second = spec(model("stays"), model("comes"), version=2, gpus=2)
    assert told(tmp_path, first, second) == [
        (1, [["stays", 4], ["leaves", 4]]),
        (1, [["stays", 4]]),
        (2, [["stays", 4], ["comes", 4]]),
    ]


def test_batches_are_cut_before_a_load_and_grow_after_it(tmp_path: Path) -> None:
    first = spec(model("cut", 4), model("grows", 2))
    second = spec(model("cut", 3), model("grows", 8), model("comes"))
    assert told(tmp_path, first, second) == [
        (1, [["cut", 4], ["grows", 2]]),
        (1, [["cut", 3], ["grows", 2]]),
        (1, [["cut", 3], ["grows", 8], ["comes", 4]]),
    ]


def test_without_a_load_there_is_nothing_between_and_the_same_again_is_not_told(tmp_path: Path) -> None:
    first, second = spec(model("stays"), model("leaves")), spec(model("stays"))
    assert told(tmp_path, first, first, second, second, None) == [
        (1, [["stays", 4], ["leaves", 4]]),
        (1, [["stays", 4]]),
    ]


def test_where_nothing_stays_the_sub_cluster_is_closed_in_between(tmp_path: Path) -> None:
    assert in_passing([spec(model("leaves"))], spec(model("comes"))) is None
    assert told(tmp_path, spec(model("leaves")), spec(model("comes"))) == [
        (1, [["leaves", 4]]),
        (1, [["comes", 4]]),
    ]


def test_after_a_change_that_was_broken_off_what_is_held_for_sure_stays() -> None:
    either = [spec(model("a", 4), model("b")), spec(model("a", 2), model("c"), gpus=2)]
    wanted = spec(model("a", 3), model("b"), model("c"))
    assert in_passing(either, wanted) == spec(model("a", 2), gpus=2)
    assert in_passing(either, spec(model("b"), model("c"))) is None


def test_a_change_that_was_broken_off_is_undone(tmp_path: Path) -> None:
    """A newer plan need not wait for one that is under way, of which the dispatcher was told already."""
    script, log = tmp_path / "fermata.py", tmp_path / "log"
    script.write_text(SCRIPT.format(log=str(log)))
    part = NodeSubCluster("sc", dispatcher=NodeDispatcher("tcp://127.0.0.1:2", 8000))
    first, second = spec(model("stays"), model("leaves")), spec(model("stays"))

    async def run() -> None:
        keeper = Keeper(part, tmp_path, (sys.executable, str(script)), silence_s_max=600)
        await take_wave(keeper, first)
        growing = asyncio.create_task(take_wave(keeper, second))
        await asyncio.sleep(0)
        growing.cancel()
        await asyncio.gather(growing, return_exceptions=True)
        await take_wave(keeper, first)
        assert keeper.served == first
        await keeper.close()

    asyncio.run(run())
    last = msgspec.json.decode(log.read_text().splitlines()[-1])
    assert last[1] == [["stays", 4], ["leaves", 4]]
