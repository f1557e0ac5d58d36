"""
The faults: one line of the table each.

``old`` must occur exactly once in the file of ``dispatcher/core``, or in one other file of it if
the code has moved; where the core has changed so that it does not, the test says so, and the
fault wants a new anchor.
"""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """In ``file`` of the core, ``old`` becomes ``new``."""

    file: str
    old: str
    new: str
    breaks: str


FAULTS = (
    # What a batch takes, and which requests are in it
    Fault("candidate", "max(arrived_us, gpu_free_us) +", "arrived_us +", "a busy GPU counts as free"),
    Fault("candidate", "+ b * state.totals[0].data_us", "+ state.totals[0].data_us", "one transfer a batch"),
    Fault("candidate", "deadline_us < instant_us", "deadline_us <= instant_us", "just in time is too late"),
    Fault(
        "candidate",
        "<= head_due_us:\n            low = b",
        "< head_due_us:\n            low = b",
        "grows one short",
    ),
    Fault("candidate", ", batch_max, target_batch(state, m, now_us))", ", batch_max)", "no target size"),
    Fault(
        "candidate", "rest = min(count - k, batch_max)", "rest = 1", "heads are set aside for a batch of one"
    ),
    Fault(
        "candidate",
        "drop_heads(state, m, lost,",
        "drop_heads(state, m, aside,",
        "heads set aside are all lost",
    ),
    Fault("candidate", "< alone_us else WINDOW", "< FAR_US else WINDOW", "one reason for every drop"),
    Fault("candidate", "        count -= hopeless\n", "", "counts requests that it has dropped"),
    Fault("candidate", "speed, b) - lead_us(state, b)", "speed, b)", "the window forgets the transfer"),
    # GPUs
    Fault("gpus", "max(gpu.next_ready_us, now_us)", "now_us", "a batch runs before its inputs are there"),
    Fault(
        "gpus",
        "remove(state.idle, g)\n    remove(state.busy, g)",
        "remove(state.idle, g)",
        "a lost GPU gets work",
    ),
    Fault(
        "gpus",
        "        put(state.idle, g, g)",
        "        put(state.idle, g, now_us)",
        "longest idle GPU first",
    ),
    Fault(
        "gpus",
        "        remove(state.busy, g)\n        gpu.batches = 2",
        "        gpu.batches = 2",
        "three batches",
    ),
    Fault("gpus", "    gpu.start_us = start_us\n", "", "forgets when a batch began"),
    Fault(
        "gpus",
        "gpu.next_execution_us = execution_us",
        "gpu.next_execution_us = 1",
        "the second batch counts as short",
    ),
    # Matching
    Fault(
        "matching",
        "put(state.waiting, m, state.model[m].latest_us)",
        "put(state.waiting, m, m)",
        "the first model first",
    ),
    Fault(
        "matching",
        "state.model[m].latest_us < now_us",
        "state.model[m].latest_us + 50 < now_us",
        "windows end late",
    ),
    Fault("matching", "totals.batches += 1", "totals.batches += 0", "two batches of one id"),
    Fault(
        "matching",
        "int(max(gpu.start_us, gpu.free_us",
        "int(max(0, gpu.free_us",
        "sent too far ahead",
    ),
    Fault("matching", "opening_us(state) <= now_us", "opening_us(state) < now_us", "a GPU opens too late"),
    Fault("matching", "min(top_key(state.waiting), FAR_US - 1) + 1", "FAR_US", "no timer at a window's end"),
    Fault(
        "matching",
        "top_key(state.holding) <= now_us",
        "top_key(state.holding) < now_us",
        "due candidates lie",
    ),
    Fault("matching", "if b < model.batch_max and ", "if ", "holds a batch that cannot grow"),
    Fault("matching", "remove_heads(state, m, b)", "is_empty(state.idle)", "requests are started twice"),
    # When a candidate is due
    Fault(
        "policies",
        "return int(min(model.due_us - model.patience_us, model.latest_us))",
        "return int(model.latest_us)",
        "no timeout",
    ),
    Fault(
        "policies",
        "return now_us\n    if policy == LATEST",
        "return frontrun_us\n    if policy == LATEST",
        "eager waits",
    ),
    Fault("matching", "outbox.counts[0].drops - drops_before", "0", "losses go unnoticed"),
    Fault(
        "matching", "            return int(speed)\n", "            return 0\n", "counts on the fastest GPU"
    ),
    Fault("matching", "if b == 0 or 2 * b <", "if b == 0 or b <", "slow GPUs are refused small batches"),
    Fault("policies", "idle * idle >= state", "idle * idle < state", "holds where GPUs are plenty"),
    Fault(
        "policies",
        "max(-HOLD_DEBT_MAX_PPM, totals",
        "max(0, totals",
        "losses beyond the last hold are forgotten",
    ),
    Fault("policies", "totals.hold_ppm + count *", "totals.hold_ppm - count *", "a hit counts as a miss"),
    Fault(
        "policies", "state.model[m].hold_ppm))", "HOLD_WHOLE_PPM))", "no model has a hold factor of its own"
    ),
    Fault(
        "policies", "model.hold_ppm - count *", "model.hold_ppm - 0 *", "a model's own losses cost nothing"
    ),
    Fault("gpus", "    state.model[m].sent += 1\n", "", "forgets its own batches"),
    Fault("gpus", "        state.gpu[g].is_leaving = 1\n", "        pass\n", "a leaving GPU stays"),
    Fault(
        "advance",
        "deadline_us):\n        touch(state, m)\n",
        "deadline_us):\n        pass\n",
        "an arrival changes nothing",
    ),
    Fault("advance", "    write_drop(outbox, request_id, reason)\n", "", "a refused request hears nothing"),
    Fault("admission", "record.saved_ns < cost_ns", "record.saved_ns < 0", "nobody is over the share"),
    Fault("admission", "priority = max(priority,", "priority = min(priority,", "the least urgent first"),
    Fault("admission", "record.demand_ns <= part_ns", "record.demand_ns < 0", "unused shares are lost"),
    Fault("admission", "totals.lost * 100 > ", "totals.lost * 100 < ", "capacity follows the wrong sign"),
    Fault("admission", "+ 1] > deadline_us", "+ 1] > deadline_us + 20_000", "lets in what no GPU can do"),
    # Measured times
    Fault("pace", "took_us = now_us - state.gpu[g].start_us", "took_us = now_us", "measures from instant 0"),
    Fault(
        "pace",
        "    pace.gpu[g].profile_us = pace.gpu[g].next_profile_us\n",
        "",
        "compares with the profile of the batch before",
    ),
    Fault(
        "pace", "+ PPM - 1) // PPM, total - SAMPLE_WEIGHT)", "+ PPM - 1) // PPM, total)", "outliers decide"
    ),
    Fault("pace", "<= edge_ppm[k] * profile_us", "< edge_ppm[k] * profile_us", "exact times count as slow"),
    Fault(
        "pace",
        "pace.profile_us[speed, entry] * pace",
        "state.latency_us[speed, entry] * pace",
        "paces pile up",
    ),
    Fault("pace", "record.unjudged = 0\n    is", "is", "judged at each sample from the first 16 on"),
    Fault("pace", "came_us[m] = NOTHING_CAME", "came_us[m] += 0", "forgets although batches are sent"),
    Fault("pace", "if is_measured and state.latency_us", "if state.latency_us", "counts on GPUs never seen"),
    Fault("advance", "if has_new_times or (", "if (", "a candidate keeps the old times"),
    # Queues, rates, heaps
    Fault("queues", "and request_id < entry", "and request_id > entry", "ties out of order"),
    Fault("queues", "model.count >= model.queue_max", "model.count > model.queue_max", "one too many waits"),
    Fault(
        "queues",
        "for i in range(model.count):",
        "for i in range(model.count - 1):",
        "the last is lost in moving",
    ),
    Fault("rates", "        model.arrivals -= state.rate[m, place]\n", "", "the rate never forgets"),
    Fault("rates", "bucket % RATE_PLACES] += 1", "bucket % RATE_PLACES] = 1", "one arrival a bucket"),
    Fault(
        "rates",
        "span_us = min(bucket - model.first_bucket, RATE_BUCKETS)",
        "span_us = (bucket - model.first_bucket)",
        "span too long",
    ),
    Fault(
        "rates",
        "model.target_bucket = bucket\n        _advance(state, m, bucket)",
        "model.target_bucket = bucket",
        "a stale rate",
    ),
    Fault("heaps", "and item < heap[slot].item", "and item > heap[slot].item", "ties the other way"),
    Fault(
        "heaps",
        "if slot > 1 and _is_above(heap, key, moved, slot // 2):",
        "if slot < 1:",
        "the moved item does not rise",
    ),
    Fault(
        "heaps",
        "if below < last and _is_above(",
        "if below < last and not _is_above(",
        "sinks past the larger child",
    ),
    Fault(
        "heaps",
        "        _rise(heap, slot, key, item)\n    else",
        "        _lay(heap, slot, key, item)\n    else",
        "stays too deep",
    ),
    # One instant; the outbox; the state at the start
    Fault(
        "advance",
        "if not settle(state, now_us, outbox):\n        return OUTBOX_FULL",
        "settle(state, now_us, outbox)",
        "half settled",
    ),
    Fault(
        "outbox",
        "counts.drops + drops <= len(outbox.drop)",
        "counts.drops <= len(outbox.drop)",
        "writes past the end",
    ),
    Fault(
        "state",
        "spec.slo_us - delays.resp_us - int(",
        "spec.slo_us - int(",
        "patience forgets the response delay",
    ),
    Fault("state", "np.ceil(curves - 1e-6)", "np.floor(curves)", "times are rounded down"),
)
