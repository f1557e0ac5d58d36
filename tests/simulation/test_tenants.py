"""Fair shares between tenants: who keeps the SLO while another floods."""

from __future__ import annotations

import numpy as np
import pytest

from dispatcher.core.delays import Delays
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.outbox import OVER_SHARE
from dispatcher.core.rules import Policy, Rules
from dispatcher.core.tenant_spec import TenantSpec
from dispatcher.simulation.arrivals import gamma_arrivals, merged
from dispatcher.simulation.loop import DROPPED, EXECUTED
from dispatcher.simulation.simulate import new_requests, run_requests

DURATION_S = 12
SETTLED_US = 3_000_000
"""From then on shares have settled."""
CAPACITY_RPS = 6_000
"""Of eight GPUs with two models at 50 ms, roughly."""


def run(
    tenants: list[TenantSpec], rates_rps: list[float], policy: Policy = Policy.ADAPTIVE, shape: float = 1.0
) -> list[tuple[float, float, float]]:
    """Each tenant's bad rate, goodput (rps) and share refused; each uses both models equally."""
    random = np.random.default_rng(4)
    latency_us = np.array([0, *(1_082 * b + 5_204 for b in range(1, 41))], dtype=np.int64)
    models = [ModelSpec(str(m), 50_000, latency_us) for m in range(2)]
    streams = [
        gamma_arrivals(random, rate / 2, shape, DURATION_S * 10**6) for rate in rates_rps for _ in range(2)
    ]
    arrival_us, stream = merged(streams)
    tenant = (stream // 2).astype(np.int32)
    requests = new_requests(models, arrival_us, (stream % 2).astype(np.int32), Delays(), tenant)
    run_requests(
        models,
        8,
        requests,
        delays=Delays(),
        rules=Rules(policy),
        measured_us=(0, DURATION_S * 10**6),
        tenants=tenants,
    )
    found = []
    for t in range(len(tenants)):
        mine = (tenant == t) & (arrival_us >= SETTLED_US)
        served = (requests.outcome[mine] == EXECUTED).sum()
        refused = (requests.outcome[mine] == DROPPED + OVER_SHARE).mean()
        seconds = DURATION_S - SETTLED_US / 1e6
        found.append((1 - served / mine.sum(), float(served / seconds), float(refused)))
    return found


@pytest.mark.parametrize("policy", [Policy.ADAPTIVE, Policy.DEFERRED, Policy.EAGER])
def test_tenant_within_its_share_keeps_its_slo_while_another_floods(policy: Policy) -> None:
    modest, flood = run([TenantSpec("modest"), TenantSpec("flood")], [1_500, 12_000], policy)
    assert modest[0] < 0.015
    assert modest[2] == 0
    assert flood[0] > 0.5
    assert modest[1] + flood[1] > 0.8 * CAPACITY_RPS


def test_without_overload_nobody_is_refused() -> None:
    shares = run([TenantSpec("a"), TenantSpec("b", weight=9)], [3_000, 500])
    assert all(refused == 0 for _, _, refused in shares)
    assert all(bad < 0.005 for bad, _, _ in shares)


def test_floods_divide_what_is_left_by_weight() -> None:
    light, heavy = run([TenantSpec("light"), TenantSpec("heavy", weight=3)], [9_000, 9_000])
    assert heavy[1] / light[1] == pytest.approx(3, rel=0.1)


def test_higher_priority_is_served_first() -> None:
    urgent, other = run([TenantSpec("urgent", priority=1), TenantSpec("other", weight=100)], [4_000, 8_000])
    assert urgent[0] < 0.015
    assert 0 < other[1] < 3_000
