r"""
Squishy bin packing: which GPUs serve which models under the policy ``nexus``.

Source: Shen et al. 2019, "Nexus: A GPU Cluster Engine for Accelerating DNN-Based Video Analysis",
SOSP, section 6.1 and algorithm 1.

Symbols   :math:`\ell(b)` execution time of a batch of b, r the rate of a model's requests, S its SLO less
          the fixed delays, :math:`\delta` transfer time of one request.
Whole     A GPU that runs one model alone executes batches of B back to back, the largest with
          :math:`2 \ell(B) + B \delta \le S`: a request waits for one batch at most. It serves
          :math:`B / \ell(B)`, and the model gets as many such GPUs as its rate fills.
Rest      What is left of each model's rate asks for a batch b every duty cycle :math:`D = b / r`, the
          largest b with :math:`D + \ell(b) + b \delta \le S`. Models that ask for most of a GPU's
          time are packed first, each onto the GPU that it fills best: sessions on one GPU
          share the shortest duty cycle of them, in which each executes :math:`\lceil D r \rceil`, and
          all of them together must fit into it. Where no GPU fits, a new one is begun.

The paper asks how few GPUs carry the rates. Here the GPUs are given, and rates that are measured
are exceeded half of the time: so all rates are multiplied by the largest factor for which the
packing still needs no more GPUs than there are, found by halving. What the GPUs could do
beyond the rates is thus shared in proportion, and in overload each model is cut alike.

A model without rate, or one in a sub-cluster whose models cannot be packed at any rate, gets a session of
the batch B on one GPU: the model's index modulo the number of GPUs. GPUs of unequal speed are all
taken for the slowest of them, for the paper packs equal GPUs.
"""

from __future__ import annotations

import math

from dispatcher.core.compiled import called, kernel
from dispatcher.core.heaps import is_empty, put, remove, top_item
from dispatcher.core.rates import BUCKET_US, rate_per_us
from dispatcher.core.state import NEVER, State

HALVINGS = 16
OCCUPANCY_KEY = 1e12
"""Occupancies are ordered as whole numbers of this part of one."""
REST_LEAST = 1e-6
"""A smaller share of a GPU than this is nothing."""
ROUNDING = 1e-9


@called
def pack(state: State, now_us: int, knows_rates: bool) -> int:
    """Give every GPU here its sessions, anew; the number of GPUs that have some."""
    gpus = _list_gpus(state)
    _forget_sessions(state)
    if gpus == 0:
        return 0
    speed = _slowest(state, gpus)
    _take_rates(state, speed, now_us, knows_rates)
    packed = _pack_largest_load(state, speed, gpus)
    sessions = 0
    for i in range(packed):
        sessions += _hand_out(state, i)
    for m in range(len(state.model)):
        if state.nexus.model[m].sessions == 0:
            _new_session(state, sessions, m, state.nexus.model[m].full_batch, 0.0)
            _append_to_gpu(state, sessions, state.nexus.packed[m % gpus].gpu)
            sessions += 1
    return packed


@kernel
def _list_gpus(state: State) -> int:
    """Write down which GPU is the i-th here; how many there are."""
    here = 0
    for g in range(state.totals[0].gpus):
        if state.gpu[g].is_here == 1:
            state.nexus.packed[here].gpu = g
            here += 1
    return here


@kernel
def _forget_sessions(state: State) -> None:
    for g in range(state.totals[0].gpus):
        gpu = state.nexus.gpu[g]
        gpu.cursor = NEVER
        gpu.last = NEVER
        gpu.sessions = 0
        gpu.lead_us = state.totals[0].ctrl_us
        gpu.is_open = 0
    for m in range(len(state.model)):
        model = state.nexus.model[m]
        model.sessions = 0
        model.open_first = NEVER
        model.open_last = NEVER


@kernel
def _slowest(state: State, gpus: int) -> int:
    """Row of ``State.latency_us`` of the slowest GPU here."""
    row = 0
    for i in range(gpus):
        row = max(row, state.gpu[state.nexus.packed[i].gpu].speed)
    return int(row)


@kernel
def _take_rates(state: State, speed: int, now_us: int, knows_rates: bool) -> None:
    """Set each model's rate, or an equal share of GPU time where rates are not known, and its full batch."""
    for m in range(len(state.model)):
        model = state.model[m]
        curve = state.latency_us[speed, model.curve : model.curve + model.batch_max + 1]
        b = 1
        while b < model.batch_max and 2 * curve[b + 1] + (b + 1) * state.totals[0].data_us <= model.budget_us:
            b += 1
        packed = state.nexus.model[m]
        packed.full_batch = b
        packed.full_rate = b / curve[b]
        packed.rate = rate_per_us(state, m, now_us) if knows_rates else packed.full_rate


@kernel
def _pack_largest_load(state: State, speed: int, gpus: int) -> int:
    """Pack the rates times the largest factor that the GPUs can carry; the GPUs used."""
    most = 0.0
    for m in range(len(state.model)):
        model = state.nexus.model[m]
        if model.rate > 0:
            alone = gpus * model.full_rate / model.rate
            if most == 0 or alone < most:
                most = alone
    if most == 0:
        return 0
    packed = pack_rates(state, speed, most, gpus)
    if packed <= gpus:
        return packed
    least = 0.0
    for _ in range(HALVINGS):
        middle = (least + most) / 2
        if pack_rates(state, speed, middle, gpus) <= gpus:
            least = middle
        else:
            most = middle
    return pack_rates(state, speed, least, gpus)


@called
def pack_rates(state: State, speed: int, factor: float, gpus: int) -> int:
    """Pack the models' rates times the factor; the GPUs needed, ``gpus + 1`` if more than there are."""
    nexus = state.nexus
    while not is_empty(nexus.order):
        remove(nexus.order, top_item(nexus.order))
    packed = 0
    sessions = 0
    for m in range(len(state.model)):
        model = nexus.model[m]
        model.sessions = 0
        rate = factor * model.rate
        whole = int(rate / model.full_rate)
        if packed + whole > gpus:
            return gpus + 1
        for _ in range(whole):
            _new_session(state, sessions, m, model.full_batch, model.full_rate)
            _begin(state, packed, sessions, 0.0)
            sessions += 1
            packed += 1
        rest = rate - whole * model.full_rate
        if rest > REST_LEAST * model.full_rate:
            model.rest_rate = rest
            put(nexus.order, m, -int(_shape_rest(state, m, speed) * OCCUPANCY_KEY))
    whole_gpus = packed
    while not is_empty(nexus.order):
        m = top_item(nexus.order)
        remove(nexus.order, m)
        i = _best_gpu(state, m, speed, whole_gpus, packed)
        _new_session(state, sessions, m, 0, nexus.model[m].rest_rate)
        if i == NEVER:
            if packed == gpus:
                return gpus + 1
            _begin(state, packed, sessions, nexus.model[m].rest_duty_us)
            packed += 1
        else:
            nexus.session[nexus.packed[i].last].next = sessions
            nexus.packed[i].last = sessions
            nexus.packed[i].duty_us = min(nexus.packed[i].duty_us, nexus.model[m].rest_duty_us)
        sessions += 1
    return packed


@kernel
def _new_session(state: State, s: int, m: int, batch: int, rate: float) -> None:
    session = state.nexus.session[s]
    session.model = m
    session.batch = batch
    session.rate = rate
    session.next = NEVER
    state.nexus.model[m].sessions += 1


@kernel
def _begin(state: State, i: int, s: int, duty_us: float) -> None:
    """The i-th GPU has this session first; a duty cycle of 0 stands for a model alone."""
    state.nexus.packed[i].first = s
    state.nexus.packed[i].last = s
    state.nexus.packed[i].duty_us = duty_us


@called
def _shape_rest(state: State, m: int, speed: int) -> float:
    """Set the duty cycle of what is left of the model's rate; the share of a GPU that it takes."""
    model = state.model[m]
    rate = state.nexus.model[m].rest_rate
    data_us = state.totals[0].data_us
    b = 1
    while b < model.batch_max:
        execution = state.latency_us[speed, model.curve + b + 1]
        if (b + 1) / rate + execution + (b + 1) * data_us > model.budget_us:
            break
        b += 1
    execution = state.latency_us[speed, model.curve + b]
    duty_us = min(b / rate, float(max(execution, model.budget_us - execution - b * data_us)))
    state.nexus.model[m].rest_duty_us = duty_us
    return float(execution / duty_us)


@called
def _best_gpu(state: State, m: int, speed: int, first: int, end: int) -> int:
    """Of the GPUs from ``first`` up to ``end`` the one that the model's rest fills best; NEVER if none is."""
    best = NEVER
    most = 0.0
    model = state.nexus.model[m]
    for i in range(first, end):
        duty_us = min(state.nexus.packed[i].duty_us, model.rest_duty_us)
        busy_us = _execution_in_us(state, m, speed, duty_us, model.rest_rate)
        s = state.nexus.packed[i].first
        while s != NEVER and busy_us <= duty_us:
            session = state.nexus.session[s]
            busy_us += _execution_in_us(state, session.model, speed, duty_us, session.rate)
            s = session.next
        if busy_us <= duty_us and busy_us / duty_us > most:
            most = busy_us / duty_us
            best = i
    return best


@kernel
def _batch_in(state: State, m: int, duty_us: float, rate: float) -> int:
    """The requests of one duty cycle."""
    return int(min(max(math.ceil(duty_us * rate - ROUNDING), 1), state.model[m].batch_max))


@kernel
def _execution_in_us(state: State, m: int, speed: int, duty_us: float, rate: float) -> int:
    """Execution time of the requests of one duty cycle."""
    return int(state.latency_us[speed, state.model[m].curve + _batch_in(state, m, duty_us, rate)])


@kernel
def _hand_out(state: State, i: int) -> int:
    """Give the i-th GPU here the sessions packed for it; how many they are."""
    packed = state.nexus.packed[i]
    count = 0
    s = packed.first
    while s != NEVER:
        session = state.nexus.session[s]
        after = session.next
        if packed.duty_us > 0:
            session.batch = _batch_in(state, session.model, packed.duty_us, session.rate)
        _append_to_gpu(state, s, packed.gpu)
        count += 1
        s = after
    return count


@kernel
def _append_to_gpu(state: State, s: int, g: int) -> None:
    """Close the ring of the GPU's sessions behind this one."""
    gpu = state.nexus.gpu[g]
    session = state.nexus.session[s]
    session.gpu = g
    session.open_before = NEVER
    session.open_after = NEVER
    if gpu.sessions == 0:
        gpu.cursor = s
    else:
        state.nexus.session[gpu.last].next = s
    session.next = gpu.cursor
    gpu.last = s
    gpu.sessions += 1
    lead_us = state.totals[0].ctrl_us + session.batch * state.totals[0].data_us
    gpu.lead_us = max(gpu.lead_us, lead_us)


@kernel
def heard_for_us(state: State, now_us: int) -> int:
    """How long ago some model was first heard of, in whole buckets of the meter; NEVER if none was."""
    longest_us = NEVER
    for m in range(len(state.model)):
        first = state.model[m].first_bucket
        if first != NEVER:
            longest_us = max(longest_us, (now_us // BUCKET_US - first) * BUCKET_US)
    return int(longest_us)
