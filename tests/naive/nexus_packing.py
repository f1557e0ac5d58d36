"""Squishy bin packing, as ``dispatcher.core.nexus_packing`` describes it, over plain lists."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass
class Load:
    """One model; ``rate`` is in requests per microsecond, None where it is not known."""

    execution_us: list[int]
    budget_us: int
    data_us: int
    rate: float | None

    @property
    def full_batch(self) -> int:
        sizes = range(1, len(self.execution_us))
        fits = [b for b in sizes if 2 * self.execution_us[b] + b * self.data_us <= self.budget_us]
        return max(fits, default=1)

    @property
    def full_rate(self) -> float:
        return self.full_batch / self.execution_us[self.full_batch]

    @property
    def asked_rate(self) -> float:
        return self.full_rate if self.rate is None else self.rate

    def duty_us(self, rate: float) -> tuple[float, float]:
        """The duty cycle for that rate, and the share of a GPU's time it takes."""
        sizes = range(1, len(self.execution_us))
        fits = [b for b in sizes if b / rate + self.execution_us[b] + b * self.data_us <= self.budget_us]
        b = max(fits, default=1)
        longest = max(self.execution_us[b], self.budget_us - self.execution_us[b] - b * self.data_us)
        duty_us = min(b / rate, float(longest))
        return duty_us, self.execution_us[b] / duty_us

    def batch_in(self, duty_us: float, rate: float) -> int:
        return min(max(math.ceil(duty_us * rate - 1e-9), 1), len(self.execution_us) - 1)


@dataclass
class Bin:
    """One GPU: its duty cycle, and (model, rate) of each session."""

    duty_us: float
    sessions: list[tuple[int, float]] = field(default_factory=list)


def naive_packing(loads: list[Load], gpus: int) -> list[list[tuple[int, int]]]:
    """The sessions (model, largest batch) of each GPU, for the largest common factor of rates."""
    found = largest_packing(loads, gpus)
    sessions: list[list[tuple[int, int]]] = []
    for each in found:
        sessions.append(
            [
                (m, loads[m].batch_in(each.duty_us, rate) if each.duty_us else loads[m].full_batch)
                for m, rate in each.sessions
            ]
        )
    sessions += [[] for _ in range(gpus - len(sessions))]
    for m, load in enumerate(loads):
        if not any(m == served for mine in sessions[:gpus] for served, _ in mine):
            sessions[m % gpus].append((m, load.full_batch))
    return sessions


def largest_packing(loads: list[Load], gpus: int) -> list[Bin]:
    factors = [gpus * load.full_rate / load.asked_rate for load in loads if load.asked_rate > 0]
    if not factors:
        return []
    least, most = 0.0, min(factors)
    if (found := pack(loads, most, gpus)) is not None:
        return found
    for _ in range(16):
        middle = (least + most) / 2
        if pack(loads, middle, gpus) is not None:
            least = middle
        else:
            most = middle
    return pack(loads, least, gpus) or []


def pack(loads: list[Load], factor: float, gpus: int) -> list[Bin] | None:
    """The GPUs used, None where they are not enough."""
    bins: list[Bin] = []
    rests: list[tuple[int, int, float, float]] = []
    for m, load in enumerate(loads):
        rate = factor * load.asked_rate
        whole = int(rate / load.full_rate)
        bins += [Bin(0.0, [(m, load.full_rate)]) for _ in range(whole)]
        rest = rate - whole * load.full_rate
        if rest > 1e-6 * load.full_rate:
            duty_us, share = load.duty_us(rest)
            rests.append((-int(share * 1e12), m, rest, duty_us))
    shared: list[Bin] = []
    for _, m, rest, duty_us in sorted(rests):
        merged = [Bin(min(each.duty_us, duty_us), [*each.sessions, (m, rest)]) for each in shared]
        shares = [occupancy(loads, each) for each in merged]
        best = max(shares, default=0.0)
        if best > 0:
            shared[shares.index(best)] = merged[shares.index(best)]
        else:
            shared.append(Bin(duty_us, [(m, rest)]))
    return bins + shared if len(bins) + len(shared) <= gpus else None


def occupancy(loads: list[Load], each: Bin) -> float:
    """Share of the duty cycle that is executed, 0 where it does not fit."""
    busy_us = sum(loads[m].execution_us[loads[m].batch_in(each.duty_us, rate)] for m, rate in each.sessions)
    return busy_us / each.duty_us if busy_us <= each.duty_us else 0.0
