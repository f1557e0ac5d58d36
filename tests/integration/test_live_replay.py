"""What the scheduler did live, it does again: an event log replays to the same commands."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from dispatcher.contract.sub_cluster import ServedModel, SubClusterSpec, Tenant
from dispatcher.core.rules import Policy, Rules
from dispatcher.frontend.load_client import DrivenModel, drive, infer_body
from dispatcher.runtime.dispatcher_daemon import scheduler_for
from dispatcher.runtime.event_log import EventLogInvalid, read_event_log, replay
from tests.integration.live_processes import BODY, PATIENCE_S, emulated, live

BURST = 300
"""Of 30 ms, where one GPU serves 16 in 12 ms: most of them are dropped."""


def test_a_live_run_replays_to_identical_commands(tmp_path: Path) -> None:
    """Steady load, a GPU that is lost half way, and at the end more at once than can be in time."""
    log = tmp_path / "events.jsonl"
    models = (emulated("a", 60_000), emulated("b", 40_000), emulated("c", 30_000))
    with live(tmp_path) as processes:
        dispatcher = processes.start_dispatcher(
            SubClusterSpec("sc", 1, 2, models, Rules(Policy.ADAPTIVE)), "--event-log", str(log)
        )
        workers = [processes.start_worker(gpu) for gpu in (0, 1)]
        processes.until_gpus_ready(2)
        random = np.random.default_rng(1)
        arrivals = [(float(at_s), "abc"[int(which)]) for at_s, which in random.random((600, 2)) * (2.0, 3.0)]
        arrivals += [(2.0, "c")] * BURST
        driven = {model.id: DrivenModel(model.id, 1_000, BODY) for model in models}

        async def drive_and_kill() -> int:
            asyncio.get_running_loop().call_later(1.0, os.kill, workers[0].pid, signal.SIGKILL)
            return (await drive(processes.url, arrivals, driven)).sent

        sent = asyncio.run(drive_and_kill())
        dispatcher.terminate()
        assert dispatcher.wait(PATIENCE_S) == 0, processes.talk()
    spec, steps = read_event_log(log)
    assert replay(steps, scheduler_for(spec).step) is None
    text = log.read_text()
    for happening in ("gpu_added", "gpu_lost", "batch_finished", "start_batch", "drop_request", "set_timer"):
        assert f'"{happening}"' in text
    arrived = {
        request_id
        for line in text.splitlines()[1:]
        for event in json.loads(line)["events"]
        if event["type"] == "requests_arrived"
        for request_id in event["request_id"]
    }
    assert len(arrived) == sent


def test_who_floods_is_held_to_its_share_and_the_other_is_served(tmp_path: Path) -> None:
    """One GPU serves about 65 a second; one tenant asks for three times that, the other for a quarter."""
    log = tmp_path / "events.jsonl"
    model = ServedModel("m", 1_200_000, (0, *(80_000 + 10_000 * size for size in range(1, 17))))
    spec = SubClusterSpec("sc", 1, 1, (model,), tenants=(Tenant("flooding"), Tenant("modest")))
    bodies = {
        tenant.id: infer_body([("input", "FP32", (4,), (1, 2, 3, 4))], tenant.id) for tenant in spec.tenants
    }
    with live(tmp_path) as processes:
        dispatcher = processes.start_dispatcher(spec, "--event-log", str(log))
        processes.start_worker(0)
        processes.until_gpus_ready(1)
        arrivals = [
            (at_s, name)
            for name, count in (("flooding", 1_200), ("modest", 100))
            for at_s in np.linspace(0, 6, count)
        ]
        driven = {name: DrivenModel("m", 4_000, body) for name, body in bodies.items()}
        result = asyncio.run(drive(processes.url, arrivals, driven))
        flooding, modest = result.models
        assert flooding.bad_rate > 0.5, processes.talk()
        assert modest.bad_rate < flooding.bad_rate - 0.2, (modest, flooding, processes.talk())
        refused = processes.metric("fermata_tenant_requests_total", tenant="flooding", outcome="rejected")
        assert refused > processes.metric(
            "fermata_tenant_requests_total", tenant="modest", outcome="rejected"
        )
        assert processes.metric("fermata_tenant_requests_total") == result.sent
        dispatcher.terminate()
        assert dispatcher.wait(PATIENCE_S) == 0, processes.talk()
    recorded, steps = read_event_log(log)
    assert recorded.tenants == spec.tenants
    assert replay(steps, scheduler_for(recorded).step) is None
    assert '"over_share"' in log.read_text()


def test_a_changed_log_is_told_from_the_replay(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    head = {"format": "fermata-event-log", "version": 2}
    spec = {
        "id": "sc",
        "plan_version": 1,
        "gpus": 1,
        "rules": {"policy": "eager"},
        "models": [{"id": "m", "slo_us": 100_000, "latency_us": [0, 1_000]}],
    }
    step = {
        "now_us": 10,
        "events": [
            {"type": "requests_arrived", "model_index": [0], "request_id": [4], "deadline_us": [90_000]}
        ],
        "commands": [],
    }
    log.write_text(
        "\n".join(json.dumps(line) for line in (head | {"spec": spec}, step)) + '\n{"now_us": 12, "ev'
    )
    read, steps = read_event_log(log)
    divergence = replay(steps, scheduler_for(read).step)
    assert divergence is not None
    assert divergence.step == 0
    assert "start_batch" in divergence.replayed


@pytest.mark.parametrize("text", ["", "{}\n", '{"format": "other", "version": 1, "spec": {}}\n', "x\n"])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    log = tmp_path / "events.jsonl"
    log.write_text(text)
    with pytest.raises(EventLogInvalid):
        read_event_log(log)
