"""A device that two sub-clusters name has one worker at a time; scripts stand for all processes."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from dispatcher.contract.node_file import NodeSubCluster
from dispatcher.contract.sub_cluster import ServedModel, SubClusterSpec
from dispatcher.runtime.node.devices import Devices
from dispatcher.runtime.node.keeper import Keeper

SLEEPER = "import time\nprint('{}', flush=True)\ntime.sleep(600)\n"
MODEL = ServedModel("m", 50_000, (0, 1_000))


def test_one_at_a_time_and_who_waits_is_told() -> None:
    freed: list[int] = []
    devices = Devices(lambda: freed.append(1))
    assert devices.take("0")
    assert devices.take("1")
    assert not devices.take("0")
    devices.free(["1"])
    assert freed == []
    devices.free(["0"])
    assert freed == [1]
    assert devices.take("0")
    devices.free(["0"])
    assert freed == [1]


def test_a_gpu_changes_its_sub_cluster_when_the_worker_before_has_ended(tmp_path: Path) -> None:
    script = tmp_path / "fermata.py"
    script.write_text(SLEEPER)

    async def run() -> None:
        freed: list[int] = []
        devices = Devices(lambda: freed.append(1))
        giving, taking = (
            Keeper(part, tmp_path, (sys.executable, str(script)), silence_s_max=600, devices=devices)
            for part in (
                NodeSubCluster("giving", ("0", "1"), worker_endpoint="tcp://127.0.0.1:2"),
                NodeSubCluster("taking", ("1",), worker_endpoint="tcp://127.0.0.1:3"),
            )
        )
        await giving.grow(SubClusterSpec("giving", 1, 2, (MODEL,)))
        wanted = SubClusterSpec("taking", 1, 1, (MODEL,))
        await taking.grow(wanted)
        (waiting,) = taking.status()["gpus"]
        assert (waiting["state"], waiting["starts"], waiting["pid"]) == ("starting", 0, None)
        fewer = SubClusterSpec("giving", 2, 1, (MODEL,))
        await giving.grow(fewer)
        await giving.shrink(fewer)
        assert freed == [1]
        await taking.grow(wanted)
        while taking.status()["gpus"][0]["state"] != "running":  # noqa: ASYNC110 (a test may poll)
            await asyncio.sleep(0.01)
        assert [gpu["device"] for gpu in giving.status()["gpus"]] == ["0"]
        await asyncio.gather(giving.close(), taking.close())
        assert devices.take("0")
        assert devices.take("1")

    asyncio.run(run())
