"""
A digest of one run under each policy and drop rule: what became of every request, and the result.

``python -m tests.simulation.digests`` prints them as JSON, for a comparison of processes.
"""

from __future__ import annotations

import hashlib
import json

from dispatcher.core.delays import Delays
from dispatcher.core.rules import DropRule, Policy, Rules
from dispatcher.simulation import simulate
from dispatcher.simulation.result import summarise
from tests.simulation.test_simulation import affine, arrivals

DURATION_US = 2_000_000


def digests() -> dict[str, str]:
    """By ``policy/drop rule``; two models on GPUs of two speeds, now and then more than they can do."""
    return {f"{policy}/{drop}": digest(Rules(policy, drop)) for policy in Policy for drop in DropRule}


def digest(rules: Rules) -> str:
    times_us, index = arrivals(5, [2_500.0, 1_200.0], DURATION_US / 1e6, shape=0.3)
    models = [affine(25), affine(40, queue_max=50)]
    requests = simulate.new_requests(models, times_us, index, Delays())
    _, fleet = simulate.run_requests(
        models,
        4,
        requests,
        delays=Delays(),
        rules=rules,
        measured_us=(0, DURATION_US),
        gpu_speeds=[1.0, 1.0, 0.5, 1.0],
    )
    result = summarise(["a", "b"], requests, fleet, Delays().resp_us, 0.0)
    bits = hashlib.sha256()
    for column in requests:
        bits.update(column.tobytes())
    bits.update(json.dumps(result.to_json(), sort_keys=True).encode())
    return bits.hexdigest()


if __name__ == "__main__":
    print(json.dumps(digests()))
