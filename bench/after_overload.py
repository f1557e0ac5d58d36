"""
What an overload costs after its end: the pool's hold factor has fallen, and rises with each request started.

Models share GPUs at 60 % of what these could do, but for ten seconds at 150 %. Then, window by window, the
GPUs busy and the bad rate, beside the same arrivals under the policy ``deferred``, whose hold factor is
always 1, and beside ``eager``. Run as

    python -m bench.after_overload
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.report import write_json
from dispatcher.core.delays import Delays
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.policies import HOLD_GAINED_PER_REQUEST_PPM
from dispatcher.core.rules import Policy, Rules
from dispatcher.core.state import hold_factor
from dispatcher.simulation.loop import EXECUTED, Requests
from dispatcher.simulation.simulate import new_requests, run_requests
from dispatcher.simulation.varying import varying_arrivals

US = 1_000_000
BEFORE_S, OVERLOAD_S, AFTER_S = 10, 10, 120
NORMAL, OVERLOADED = 0.6, 1.5
ENDS_S = (1, 2, 5, 10, 20, 40, 60, 90, 120)
"""Of the windows after the overload."""


@dataclass(frozen=True)
class Pool:
    """Models alike that share GPUs evenly; a batch of b takes ``alpha_us b + beta_us``."""

    name: str
    models: int
    gpus: int
    slo_us: int
    alpha_us: int
    beta_us: int

    @property
    def capacity_rps(self) -> float:
        """With the largest batches that deferral allows: (1 + models / GPUs) l(b) <= SLO, or one more SLO."""
        budget_us = self.slo_us * self.gpus / (self.gpus + self.models)
        b = max(1, int((budget_us - self.beta_us) // self.alpha_us))
        return self.gpus * b / (self.alpha_us * b + self.beta_us) * US


POOLS = (
    Pool("10 x 16, 50 ms", 10, 16, 50_000, 1_053, 5_072),
    Pool("8 x 4, 500 ms", 8, 4, 500_000, 10_000, 40_000),
    Pool("4 x 2, 2 s", 4, 2, 2_000_000, 40_000, 200_000),
)


def arrivals(pool: Pool, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Instants and models of all requests."""
    load = np.full(BEFORE_S + OVERLOAD_S + AFTER_S, NORMAL)
    load[BEFORE_S : BEFORE_S + OVERLOAD_S] = OVERLOADED
    each_rps = load * pool.capacity_rps / pool.models
    random = np.random.default_rng([9, seed])
    came = [varying_arrivals(random, each_rps, np.ones(len(load)), US) for _ in range(pool.models)]
    model = np.repeat(np.arange(pool.models, dtype=np.int32), [len(each) for each in came])
    at_us = np.concatenate(came)
    order = np.argsort(at_us, kind="stable")
    return at_us[order], model[order]


def windows(requests: Requests, gpus: int) -> list[dict[str, float]]:
    """Share of the GPUs' time busy and of requests bad, in each window after the overload."""
    executed = requests.outcome == EXECUTED
    batches = np.unique(
        np.stack([each[executed] for each in (requests.gpu, requests.start_us, requests.finish_us)]), axis=1
    )
    good = executed & (requests.finish_us <= requests.deadline_us)
    ends_us = np.array(ENDS_S) * US + (BEFORE_S + OVERLOAD_S) * US
    found = []
    for start_us, end_us in zip([ends_us[0] - ENDS_S[0] * US, *ends_us[:-1]], ends_us, strict=True):
        overlap = np.minimum(batches[2], end_us) - np.maximum(batches[1], start_us)
        busy = float(np.maximum(0, overlap).sum()) / (gpus * (end_us - start_us))
        came = (requests.arrival_us >= start_us) & (requests.arrival_us < end_us)
        found.append({"busy": busy, "bad": 1 - float(good[came].mean())})
    return found


def measured(pool: Pool, policy: Policy) -> tuple[list[dict[str, float]], float]:
    """The windows, and the hold factor at the end."""
    batches = np.arange(0, 65, dtype=np.int64)
    table = np.where(batches > 0, pool.alpha_us * batches + pool.beta_us, 0)
    specs = [ModelSpec(f"m{m}", pool.slo_us, table, 10_000) for m in range(pool.models)]
    delays = Delays()
    requests = new_requests(specs, *arrivals(pool, 1), delays)
    whole_us = (0, (BEFORE_S + OVERLOAD_S + AFTER_S) * US)
    state, _ = run_requests(
        specs, pool.gpus, requests, delays=delays, rules=Rules(policy), measured_us=whole_us
    )
    return windows(requests, pool.gpus), hold_factor(state)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found = {}
    print(f"hold factor gained: {HOLD_GAINED_PER_REQUEST_PPM / 1e6:g} a request started")
    print(f"{'':<30}" + "".join(f"{f'to {end} s':>16}" for end in ENDS_S))
    for pool in POOLS:
        for policy in (Policy.ADAPTIVE, Policy.DEFERRED, Policy.EAGER):
            rows, hold = measured(pool, policy)
            found[f"{pool.name}, {policy.value}"] = {"windows": rows, "hold_factor": hold}
            shown = [f"{row['busy']:.1%}, {row['bad']:.2%}" for row in rows]
            cells = "".join(f"{each:>16}" for each in shown)
            print(
                f"{f'{pool.name}, {pool.capacity_rps * NORMAL:.0f}/s {policy.value}':<34}{cells}", flush=True
            )
    write_json(arguments.json, after_overload=found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
