"""
What each tenant keeps while another floods: bad rate and goodput, with one queue for all and with shares.

Two models on eight GPUs, SLO 50 ms, curves of Chen et al. 2023 (arXiv 2308.07470), Poisson arrivals,
default delays; capacity is about 6,000 requests/s. Run as

    python -m bench.tenants --json tenants.json
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.report import write_json
from dispatcher.core.delays import Delays
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.rules import Rules
from dispatcher.core.tenant_spec import EVERYONE, TenantSpec
from dispatcher.simulation.arrivals import gamma_arrivals, merged
from dispatcher.simulation.loop import EXECUTED
from dispatcher.simulation.simulate import new_requests, run_requests

ALPHA_US, BETA_US, SLO_US, BATCH_SIZE_MAX = 1_082, 5_204, 50_000, 40
MODELS, GPUS = 2, 8
DURATION_US, SETTLED_US = 20_000_000, 3_000_000


@dataclass(frozen=True)
class Case:
    """Tenants and what they offer."""

    name: str
    tenants: tuple[TenantSpec, ...]
    rates_rps: tuple[float, ...]


@dataclass(frozen=True)
class Share:
    """One tenant of a case, by the requests that arrived after the first three seconds."""

    case: str
    tenant: str
    are_shared: bool
    offered_rps: float
    goodput_rps: float
    bad_rate: float


CASES = (
    Case("one floods", (TenantSpec("modest"), TenantSpec("flood")), (1_500, 12_000)),
    Case("weights 1 : 3", (TenantSpec("light"), TenantSpec("heavy", weight=3)), (9_000, 9_000)),
    Case("priority", (TenantSpec("urgent", priority=1), TenantSpec("other")), (4_000, 8_000)),
    Case("no overload", (TenantSpec("a"), TenantSpec("b")), (3_000, 2_000)),
)


def shares(case: Case, *, are_shared: bool) -> list[Share]:
    """One run; every tenant uses both models equally."""
    random = np.random.default_rng(4)
    latency_us = np.array(
        [0, *(ALPHA_US * b + BETA_US for b in range(1, BATCH_SIZE_MAX + 1))], dtype=np.int64
    )
    models = [ModelSpec(str(m), SLO_US, latency_us) for m in range(MODELS)]
    arrival_us, stream = merged(
        [
            gamma_arrivals(random, rate_rps / MODELS, 1.0, DURATION_US)
            for rate_rps in case.rates_rps
            for _ in models
        ]
    )
    tenant = (stream // MODELS).astype(np.int32)
    told = tenant if are_shared else None
    requests = new_requests(models, arrival_us, (stream % MODELS).astype(np.int32), Delays(), told)
    run_requests(
        models,
        GPUS,
        requests,
        delays=Delays(),
        rules=Rules(),
        measured_us=(0, DURATION_US),
        tenants=case.tenants if are_shared else EVERYONE,
    )
    seconds = (DURATION_US - SETTLED_US) / 1e6
    found = []
    for t, spec in enumerate(case.tenants):
        mine = (tenant == t) & (arrival_us >= SETTLED_US)
        served = int((requests.outcome[mine] == EXECUTED).sum())
        arrived = int(mine.sum())
        rates = (arrived / seconds, served / seconds, 1 - served / arrived)
        found.append(Share(case.name, spec.tenant_id, are_shared, *rates))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    print(f"{'case':>14} {'tenant':>8} {'offered':>9} {'shared':>7} {'goodput rps':>12} {'bad rate':>9}")
    rows = [
        share
        for case in CASES
        for are_shared in (False, True)
        for share in shares(case, are_shared=are_shared)
    ]
    for row in rows:
        print(
            f"{row.case:>14} {row.tenant:>8} {row.offered_rps:>9,.0f} {'yes' if row.are_shared else 'no':>7} "
            f"{row.goodput_rps:>12,.0f} {row.bad_rate:>9.2%}"
        )
    write_json(arguments.json, shares=[asdict(row) for row in rows])


if __name__ == "__main__":
    main()
