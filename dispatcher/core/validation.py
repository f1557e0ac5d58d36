"""What must be true of the scheduler's state between two steps."""

from __future__ import annotations

from dispatcher.core.heaps import ABSENT, check_heap
from dispatcher.core.pace import JUDGED_EVERY, PPM, WEIGHT_MAX
from dispatcher.core.policies import HOLD_DEBT_MAX_PPM
from dispatcher.core.state import HOLD_WHOLE_PPM, NEVER, State


def check_state(state: State, now_us: int | None) -> None:
    """Assert the invariants; slow, for tests and simulation."""
    for heap in (state.holding, state.waiting, state.idle, state.busy):
        check_heap(heap)
    totals = state.totals[0]
    assert totals["last_touched"] == NEVER, "a touched model was not settled"
    assert -HOLD_DEBT_MAX_PPM <= totals["hold_ppm"] <= HOLD_WHOLE_PPM
    seen: set[int] = set()
    for m in range(len(state.model)):
        seen_before = len(seen)
        seen.update(_check_model(state, m, now_us))
        assert len(seen) - seen_before == state.model["count"][m], "a request waits twice"
    for g in range(totals["gpus"]):
        _check_gpu(state, g)
    assert state.model["sent"].sum() == state.gpu["batches"][: totals["gpus"]].sum(), "a batch got lost"
    if state.pace is not None:
        _check_pace(state)
    if state.nexus is not None:
        for g in range(totals["gpus"]):
            _check_nexus_gpu(state, g)
    elif state.idle["slot"][0]:
        assert not state.waiting["slot"][0], "a candidate is due and a GPU idle"


def _check_model(state: State, m: int, now_us: int | None) -> list[int]:
    """The ids of the requests that wait."""
    model = state.model[m]
    assert 0 <= model["hold_ppm"] <= HOLD_WHOLE_PPM
    assert 0 <= model["count"] <= model["queue_max"], f"model {m}: {model['count']} requests wait"
    first = int(model["queue"] + model["head"])
    waiting = state.queue[first : first + int(model["count"])].tolist()
    assert waiting == sorted(waiting), f"model {m}: its queue is out of order"
    is_holding = state.holding["slot"][m + 1] != ABSENT
    is_waiting = state.waiting["slot"][m + 1] != ABSENT
    if not waiting:
        assert not is_holding, f"model {m}: nothing to hold"
        assert not is_waiting, f"model {m}: nothing to wait for"
        return []
    if state.shepherd is None:
        assert is_holding != is_waiting, f"model {m}: its candidate is neither held nor waiting, or both"
    else:
        assert is_holding, f"model {m}: nothing will see its batch grow late"
        assert is_waiting, f"model {m}: no GPU will find its batch"
    assert 1 <= model["batch"] <= min(len(waiting), model["batch_max"])
    if now_us is not None:
        assert model["latest_us"] >= now_us, f"model {m}: its window ended at {model['latest_us']}"
    return [request_id for _, request_id in waiting]


def _check_gpu(state: State, g: int) -> None:
    gpu = state.gpu[g]
    is_idle = state.idle["slot"][g + 1] != ABSENT
    is_open = state.busy["slot"][g + 1] != ABSENT
    if not gpu["is_here"]:
        assert not is_idle, f"GPU {g} is lost and idle"
        assert not is_open, f"GPU {g} is lost and busy"
        return
    if gpu["is_leaving"]:
        assert 1 <= gpu["batches"] <= 2, f"GPU {g} holds nothing and is still leaving"
        assert not is_idle, f"GPU {g} is leaving and idle"
        assert not is_open, f"GPU {g} is leaving and open for work"
        return
    assert is_idle == (gpu["batches"] == 0), f"GPU {g} holds {gpu['batches']} batches"
    assert is_open == (gpu["batches"] == 1), f"GPU {g} holds {gpu['batches']} batches"
    if state.shepherd is not None:
        is_running = state.shepherd.running["slot"][g + 1] != ABSENT
        assert is_running == (gpu["batches"] == 1), f"GPU {g} could be preempted and is not known to be"


def _check_nexus_gpu(state: State, g: int) -> None:
    """A GPU that could take a batch is open, or will be; an open one is in the list of each of its models."""
    gpu, is_opening = state.nexus.gpu[g], state.nexus.opening["slot"][g + 1] != ABSENT
    if not state.gpu[g]["is_here"]:
        assert not is_opening, f"GPU {g} is lost and opening"
        return
    can_take_one = state.gpu[g]["batches"] < 2
    assert (int(is_opening) + int(gpu["is_open"])) == int(can_take_one), f"GPU {g} is open twice, or never"
    s = int(gpu["cursor"])
    for _ in range(gpu["sessions"]):
        session = state.nexus.session[s]
        assert session["gpu"] == g, f"session {s} is in the ring of GPU {g}, not of its own"
        if gpu["is_open"]:
            assert not state.model[session["model"]]["count"], f"GPU {g} is open and a request waits for it"
            assert s in _open_sessions(state, int(session["model"])), f"GPU {g} is not found by its model"
        s = int(session["next"])
    assert s == gpu["cursor"], f"the sessions of GPU {g} are no ring"


def _check_pace(state: State) -> None:
    """The table is the profile at the paces in force, and weights are counted right."""
    record, weight = state.pace.record, state.pace.weight
    assert (weight >= 0).all(), "a negative weight"
    assert (weight.sum(axis=2) == record["total"]).all(), "weights do not add up"
    assert (record["total"] <= WEIGHT_MAX).all(), "old samples are kept for ever"
    assert (record["unjudged"] < JUDGED_EVERY).all(), "samples wait to be judged"
    for speed in range(len(state.latency_us)):
        for m, model in enumerate(state.model):
            part = slice(int(model["curve"]), int(model["curve"] + model["batch_max"]) + 1)
            edge_ppm = int(state.pace.edge_ppm[record["bin"][speed, m]])
            expected_us = -(-state.pace.profile_us[speed, part] * edge_ppm // PPM)
            assert (state.latency_us[speed, part] == expected_us).all(), f"model {m}: not its pace"
    held = state.gpu["batches"][: len(state.pace.gpu)]
    assert (state.pace.gpu["profile_us"][held > 0] > 0).all(), "a batch of unknown profile"


def _open_sessions(state: State, m: int) -> list[int]:
    found = []
    s = int(state.nexus.model[m]["open_first"])
    while s != NEVER:
        found.append(s)
        s = int(state.nexus.session[s]["open_after"])
    return found
