"""
How ``adaptive`` compares with the better of ``eager`` and ``deferred``, scenario by scenario.

Goodput at the given load, under each drop rule. Where both pure policies lose less than one
request in a thousand, GPUs busy are compared with those of ``deferred`` as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bench.policies_drawn import drawn_scenario, run
from dispatcher.core.rules import DropRule, Policy, Rules

GOODPUT_RATIO_MIN = 0.98
BUSY_RATIO_MAX = 1.03
QUIET_BAD_RATE = 0.001
SHOWN = 6


@dataclass(frozen=True)
class Outcome:
    """What a policy made of a scenario."""

    goodput_rps: float
    bad_rate: float
    gpus_busy_mean: float


@dataclass(frozen=True)
class Comparison:
    """One scenario under one drop rule; outcomes by policy."""

    scenario: str
    drop: str
    outcomes: dict[str, Outcome]

    def goodput_ratio(self, policy: Policy) -> float:
        """Goodput of the policy as a share of the better of ``eager`` and ``deferred``."""
        best = max(self.outcomes[pure.value].goodput_rps for pure in (Policy.EAGER, Policy.DEFERRED))
        return self.outcomes[policy.value].goodput_rps / best if best else 1.0

    @property
    def is_quiet(self) -> bool:
        """Whether both pure policies serve nearly all, so that busy GPUs are what is left to compare."""
        pure = (self.outcomes[policy.value] for policy in (Policy.EAGER, Policy.DEFERRED))
        return all(each.bad_rate < QUIET_BAD_RATE for each in pure)

    @property
    def busy_ratio(self) -> float:
        """GPUs busy under ``adaptive`` as a share of those under ``deferred``."""
        deferred = self.outcomes[Policy.DEFERRED.value].gpus_busy_mean
        return self.outcomes[Policy.ADAPTIVE.value].gpus_busy_mean / deferred if deferred else 1.0

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"scenario": self.scenario, "drop": self.drop}
        found["adaptive_goodput_ratio"] = self.goodput_ratio(Policy.ADAPTIVE)
        found["busy_ratio"] = self.busy_ratio if self.is_quiet else None
        return {**found, **{name: asdict(outcome) for name, outcome in self.outcomes.items()}}


def compared(seeds: Iterable[int], policies: Sequence[Policy], drops: Sequence[DropRule]) -> list[Comparison]:
    """Every scenario under every rule; progress goes nowhere, a hundred scenarios take about a minute."""
    found = []
    for seed in seeds:
        scenario = drawn_scenario(seed)
        for drop in drops:
            outcomes = {}
            for policy in policies:
                result = run(scenario, Rules(policy, drop))
                outcomes[policy.value] = Outcome(result.goodput_rps, result.bad_rate, result.gpus_busy_mean)
            found.append(Comparison(scenario.name, drop.value, outcomes))
    return found


def print_summary(comparisons: Sequence[Comparison], policies: Sequence[Policy], drop: DropRule) -> None:
    """Worst, 5th percentile and mean of each policy's ratio; then where ``adaptive`` does worst."""
    here = [each for each in comparisons if each.drop == drop.value]
    heads = ("worst", "5th pct", "mean", f"under {GOODPUT_RATIO_MIN}")
    print(f"goodput / better of eager and deferred, {len(here)} scenarios, drop rule {drop.value}")
    print(f"{'policy':>12} " + " ".join(f"{head:>10}" for head in heads))
    for policy in policies:
        ratios = np.array([each.goodput_ratio(policy) for each in here])
        figures = (ratios.min(), np.percentile(ratios, 5), ratios.mean())
        under = int((ratios < GOODPUT_RATIO_MIN).sum())
        print(f"{policy.value:>12} " + " ".join(f"{figure:>10.4f}" for figure in figures) + f" {under:>10}")
    quiet = [each for each in here if each.is_quiet]
    if quiet:
        busy = np.array([each.busy_ratio for each in quiet])
        over = int((busy > BUSY_RATIO_MAX).sum())
        print(
            f"GPUs busy, adaptive / deferred, {len(quiet)} scenarios with bad rates under "
            f"{QUIET_BAD_RATE:.1%}: worst {busy.max():.4f}, 95th pct {np.percentile(busy, 95):.4f}, "
            f"mean {busy.mean():.4f}, over {BUSY_RATIO_MAX}: {over}"
        )
    _print_lines("lowest goodput of adaptive", sorted(here, key=_adaptive_ratio)[:SHOWN], policies)
    most = sorted(quiet, key=lambda each: -each.busy_ratio)[: SHOWN // 2]
    _print_lines("most GPUs busy under adaptive", most, policies)


def _adaptive_ratio(comparison: Comparison) -> float:
    return comparison.goodput_ratio(Policy.ADAPTIVE)


def _print_lines(title: str, comparisons: Sequence[Comparison], policies: Sequence[Policy]) -> None:
    print(f"{title}: goodput ratio, scenario, bad rate (GPUs busy) of each policy")
    for each in comparisons:
        cells = [
            f"{policy.value} {each.outcomes[policy.value].bad_rate:.3%}"
            f" ({each.outcomes[policy.value].gpus_busy_mean:.2f})"
            for policy in policies
        ]
        print(f"  {_adaptive_ratio(each):.4f} {each.scenario}: " + ", ".join(cells))
