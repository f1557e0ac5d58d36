"""l(b) = b + 2 ms, SLO 10 ms, no delays, unless said otherwise: a whole GPU runs batches of 3."""

from __future__ import annotations

import numpy as np

from dispatcher.core.events import BatchFinished, DropReason, DropRequest, GpuLost, StartBatch
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.nexus_packing import pack_rates
from dispatcher.core.rules import DropRule, Policy, Rules
from dispatcher.core.state import State
from dispatcher.simulation.simulate import new_requests, run_requests
from tests.unit.dispatcher.core.commands import arrived, scheduler, starts
from tests.unit.dispatcher.core.core_states import NO_DELAYS, model, state

NEXUS = Rules(Policy.NEXUS)


def stepped(slo_ms: int, at_4_ms: int, at_8_ms: int, at_16_ms: int) -> ModelSpec:
    """A curve of three steps: batches of up to 4, up to 8, up to 16."""
    table_ms = [0] + 4 * [at_4_ms] + 4 * [at_8_ms] + 8 * [at_16_ms]
    return ModelSpec("m", slo_ms * 1_000, np.array(table_ms, dtype=np.int64) * 1_000)


def packed(models: list[ModelSpec], rates_rps: list[float], gpus: int) -> State:
    found = state(*models, speeds=[1.0] * gpus, rules=NEXUS)
    found.nexus.model["rate"] = np.array(rates_rps) / 1e6
    for m, spec in enumerate(models):
        full = max(b for b in range(1, 17) if 2 * spec.latency_us[b] <= spec.slo_us)
        found.nexus.model["full_batch"][m] = full
        found.nexus.model["full_rate"][m] = full / spec.latency_us[full]
    return found


def models_of(found: State, i: int) -> list[int]:
    """The models of the i-th GPU."""
    s, mine = int(found.nexus.packed[i]["first"]), []
    while s != -1:
        mine.append(int(found.nexus.session[s]["model"]))
        s = int(found.nexus.session[s]["next"])
    return mine


def test_rests_share_the_gpu_that_they_fill_best() -> None:
    """
    64, 32 and 32 requests a second ask for batches of 8, 4 and 4 every 125 ms: shares .6, .39, .48 of a GPU.

    The third is packed before the second; 75 + 60 ms do not fit into 125 ms. The second fits beside
    the first (75 + 49 ms, .992 full) and beside the third (60 + 49 ms, .872 full).
    """
    models = [stepped(210, 75, 75, 100), stepped(230, 49, 90, 125), stepped(230, 60, 95, 125)]
    found = packed(models, [64, 32, 32], gpus=3)
    assert pack_rates(found, 0, 1.0, 3) == 2
    assert [models_of(found, i) for i in range(2)] == [[0, 1], [2]]
    assert np.allclose(found.nexus.packed["duty_us"][:2], 125_000)


def test_whole_gpus_are_filled_first() -> None:
    """A whole GPU serves 16 / 100 ms = 160 a second: two of them, and 80 a second are left for a third."""
    found = packed([stepped(210, 50, 75, 100)], [400], gpus=4)
    assert pack_rates(found, 0, 1.0, 4) == 3
    assert np.allclose(found.nexus.packed["duty_us"][:3], [0, 0, 100_000])  # 8 every 100 ms
    assert found.nexus.session["batch"][:2].tolist() == [16, 16]


def test_more_than_the_gpus_can_carry_is_said() -> None:
    found = packed([stepped(210, 50, 75, 100)], [400], gpus=2)
    assert pack_rates(found, 0, 1.0, 2) == 3
    assert pack_rates(found, 0, 0.8, 2) == 2


def test_requests_go_only_to_their_models_gpus_in_batches_of_the_session() -> None:
    core = scheduler(NEXUS, 2, model(), model())  # no rates known: a GPU for each
    assert starts(core.step(0, [arrived(1, range(7), 30_000)])) == [(1, [0, 1, 2], 0, 5_000)]
    assert starts(core.step(1, [arrived(0, range(7, 8), 30_000)])) == [(0, [7], 1, 3_001)]
    assert starts(core.step(3_001, [BatchFinished(0, 1)])) == []  # three wait for the other GPU
    assert starts(core.step(5_000, [BatchFinished(1, 0)])) == [(1, [3, 4, 5], 5_000, 10_000)]
    core.validate()


def test_early_drop_gives_up_the_head_that_keeps_the_sessions_batch_from_being_in_time() -> None:
    for drop, served in ((None, [4, 5, 6]), (DropRule.HOPELESS, [3, 4])):
        core = scheduler(Rules(Policy.NEXUS, drop), 1)
        core.step(0, [arrived(0, range(3), 30_000)])
        core.step(1, [arrived(0, range(3, 4), 9_500), arrived(0, range(4, 7), 10_500)])
        commands = core.step(5_000, [BatchFinished(0, 0)])  # three end at 10 ms, two at 9 ms
        assert starts(commands)[0][1] == served
        assert (DropRequest(3, DropReason.WINDOW) in commands) == (drop is None)


def test_a_gpu_runs_its_sessions_in_turn() -> None:
    core = scheduler(NEXUS, 1, model(), model())
    commands = core.step(0, [arrived(0, range(9), 90_000), arrived(1, range(9, 18), 90_000)])
    order = []
    while started := [each for each in commands if isinstance(each, StartBatch)]:
        assert len(started) == 1
        order.append(started[0].model_index)
        commands = core.step(started[0].finish_us, [BatchFinished(0, started[0].batch_id)])
    assert order[:6] in ([0, 1, 0, 1, 0, 1], [1, 0, 1, 0, 1, 0])


def test_a_lost_gpu_leaves_its_models_to_the_others() -> None:
    core = scheduler(NEXUS, 2, model(), model())
    core.step(0, [arrived(1, range(1), 30_000)])
    commands = core.step(1, [GpuLost(1), arrived(1, range(1), 30_000)])
    assert starts(commands) == [(0, [0], 1, 3_001)]
    core.validate()


def test_without_gpus_requests_are_dropped_when_their_last_chance_has_passed() -> None:
    core = scheduler(NEXUS, 1)
    core.step(0, [GpuLost(0)])
    core.step(1, [arrived(0, range(1), 10_000)])
    assert core.step(7_001, []) == [DropRequest(0, DropReason.DEADLINE_UNREACHABLE)]


def test_measured_rates_move_gpus_between_models() -> None:
    """
    Two models at 900 and 300 requests a second on four GPUs, of which each serves 600 a second alone.

    Twice the rates just fit: three whole GPUs and one. Until 5 s have been measured each has two.
    """
    times = [np.arange(7_000_000 // gap_us) * gap_us for gap_us in (1_111, 3_333)]
    arrival_us = np.concatenate(times)
    order = np.argsort(arrival_us, kind="stable")
    index = np.repeat([0, 1], [len(each) for each in times])[order].astype(np.int32)
    models = [model(), model()]
    requests = new_requests(models, arrival_us[order], index, NO_DELAYS)
    run_requests(models, 4, requests, delays=NO_DELAYS, rules=NEXUS, measured_us=(0, 7_000_000))

    def gpus_of(m: int, from_us: int, to_us: int) -> set[int]:
        during = (requests.model_index == m) & (requests.start_us > from_us) & (requests.start_us < to_us)
        return set(requests.gpu[during].tolist())

    assert (gpus_of(0, 100_000, 5_000_000), gpus_of(1, 100_000, 5_000_000)) == ({0, 1}, {2, 3})
    first, second = gpus_of(0, 5_100_000, 7_000_000), gpus_of(1, 5_100_000, 7_000_000)
    assert (len(first), len(second), first & second) == (3, 1, set())
