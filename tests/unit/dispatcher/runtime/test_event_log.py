from __future__ import annotations

from pathlib import Path

from dispatcher.contract.sub_cluster import ServedModel, SubClusterSpec
from dispatcher.core.events import PreemptBatch
from dispatcher.core.rules import Policy, Rules
from dispatcher.runtime.event_log import EventRecorder, read_event_log, replay
from tests.unit.dispatcher.core.commands import arrived, scheduler
from tests.unit.dispatcher.core.core_states import model


def test_a_preempted_batch_is_recorded_and_replayed(tmp_path: Path) -> None:
    rules = Rules(Policy.SHEPHERD)
    spec = SubClusterSpec("sc", 1, 1, (ServedModel("m", 10_000, (0, 3_000, 4_000)),), rules)
    steps = [(0, [arrived(0, range(1), 20_000)]), (1_000, [arrived(1, range(1, 5), 20_000)])]
    path = tmp_path / "log"
    recorder = EventRecorder(path.open("wb"), spec)  # type: ignore[arg-type]
    core = scheduler(rules, 1, model(), model())
    for now_us, events in steps:
        recorder.record(now_us, events, core.step(now_us, events))
    recorder.close()
    again, recorded = read_event_log(path)
    kept = list(recorded)
    assert again == spec
    assert kept[1].commands[0] == PreemptBatch(0, 0)
    assert replay(iter(kept), scheduler(rules, 1, model(), model()).step) is None
