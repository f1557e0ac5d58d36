from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bench.peers.__main__ import main
from bench.peers.drawing import draw
from bench.peers.measure import BAD_RATE_MAX, Run, largest_rate
from bench.peers.running import SERVERS, STARTS
from bench.peers.scenarios import SCENARIOS, Scenario

CAPACITY_RPS = 400.0


def run(rate_rps: float, bad_rate: float) -> Run:
    return Run(rate_rps, 1_000, bad_rate, {}, rate_rps, 50.0, 90.0, 0.4, 8.0, True, 0.5)


@pytest.mark.parametrize("limit_rps", [0.0, 119.0, 150.0, 199.0, 301.0, 1_000.0])
def test_the_largest_rate_lies_between_the_last_good_and_the_first_bad(limit_rps: float) -> None:
    found, runs = largest_rate(lambda rate: run(rate, 0.0 if rate <= limit_rps else 0.5), CAPACITY_RPS)
    good = [each.rate_rps for each in runs if each.bad_rate <= BAD_RATE_MAX]
    bad = [each.rate_rps for each in runs if each.bad_rate > BAD_RATE_MAX]
    assert found == max(good, default=0.0) <= limit_rps
    if bad:
        assert min(bad) - found <= 0.08 * CAPACITY_RPS
    else:
        assert found == CAPACITY_RPS


def test_scenarios_offer_what_they_say() -> None:
    for scenario in SCENARIOS.values():
        due = scenario.arrivals(200.0, 50.0, seed=3)
        assert len(due) == pytest.approx(10_000, rel=0.1)
        assert {model for _, model in due} == set(scenario.model_names)
        full_ms = scenario.alpha_ms * scenario.batch_size_max + scenario.beta_ms
        assert full_ms < scenario.slo_ms
        assert scenario.capacity_rps == pytest.approx(4 * 16 / full_ms * 1e3)


def test_only_missing_rows_are_measured_and_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[str, str, float | None]] = []

    def measure_one(name: str, scenario: Scenario, _: object, equal_rps: float | None) -> dict[str, Any]:
        asked.append((name, scenario.name, equal_rps))
        return {"server": name, "equal_load": {"rate_rps": 7.0}}

    monkeypatch.setattr("bench.peers.__main__.measure_one", measure_one)
    stored = tmp_path / "peers.json"
    done = {"fermata": {"equal_load": {"rate_rps": 180.0}}, "ray": {"failed": "it never answered"}}
    stored.write_text(json.dumps({"seconds": 6.0, "seed": 1, "servers": {"hot": done}}))
    command = ["peers", "run", "--servers", "fermata,ray", "--scenarios", "hot,many", "--missing"]
    monkeypatch.setattr("sys.argv", [*command, "--json", str(stored)])
    main()
    assert asked == [("ray", "hot", 180.0), ("fermata", "many", None), ("ray", "many", 7.0)]
    servers = json.loads(stored.read_text())["servers"]
    assert servers["hot"]["fermata"] == done["fermata"]
    assert set(servers["hot"]) == set(servers["many"]) == {"fermata", "ray"}
    assert "failed" not in servers["hot"]["ray"]
    monkeypatch.setattr("sys.argv", [*command, "--json", str(stored), "--seconds", "3"])
    with pytest.raises(SystemExit, match=r"--seconds: must be 6, as of what .*, got 3"):
        main()


WORK = """
from emulated_gpu import EmulatedGpu
gpu = EmulatedGpu.claim("m3")
print(gpu.gpu, flush=True)
for _ in range(5):
    gpu.execute(2)
"""


def test_processes_that_share_a_gpu_wait_for_each_other_and_its_time_adds_up(tmp_path: Path) -> None:
    environment = os.environ | {"PEER_FOLDER": str(tmp_path), "PEER_GPUS": "2", "PYTHONPATH": str(SERVERS)}
    environment |= {"PEER_ALPHA_MS": "5", "PEER_BETA_MS": "10"}
    began_s = time.monotonic()
    command = [sys.executable, "-c", WORK]
    processes = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    claimed = sorted(int(process.communicate(timeout=60)[0]) for process in processes)
    taken_s = time.monotonic() - began_s
    assert claimed == [0, 0, 1, 1]
    assert all(process.returncode == 0 for process in processes)
    for gpu in (0, 1):
        busy_s, batches, requests = struct.unpack("<dqq", (tmp_path / f"gpu-{gpu}").read_bytes())
        assert (batches, requests) == (10, 20)
        assert 0.2 <= busy_s <= taken_s


def test_every_server_can_be_started_by_name_and_results_can_be_drawn(tmp_path: Path) -> None:
    assert set(STARTS) == {"fermata", "triton", "mosec", "litserve", "ray", "bentoml"}
    one = {"largest_rate_rps": 100.0, "equal_load": {"gpu_busy_share": 0.4, "rate_rps": 50.0}}
    servers = {name: {"server": name, **one} for name in ("fermata", "mosec")}
    servers["ray"] = {"server": "ray", "failed": "no answer"}
    facts = {name: {"title": name, "capacity_rps": 381.0} for name in ("hot", "many")}
    draw({"scenarios": facts, "servers": dict.fromkeys(facts, servers)}, tmp_path / "peers.png")
    assert (tmp_path / "peers.png").read_bytes().startswith(b"\x89PNG")
