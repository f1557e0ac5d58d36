"""
Simulate one sub-cluster in one epoch until the evidence decides.

The evidence is looked at after 1, 2, 4, 8, ... replications. A test that is repeated until it succeeds
errs more often than each of its looks; so the error allowed is spent in equal parts over all looks
that there may be (Bonferroni).

A sub-cluster passes when its pooled bad rate is shown to lie within the limit and no model's own is shown to
lie above ``MODEL_FACTOR`` times it: rare models of a busy sub-cluster fare worse than the pool, and the pool
hides them. A model with few requests cannot prove anything, so for single models the burden of proof is
turned round; while one looks worse than that there is another look, as far as the budget goes.
Among many models some will look bad by chance, so a check shares its error among them; a search, which
can add a GPU, judges each at the full level.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dispatcher.core.delays import Delays
from dispatcher.core.model_spec import ModelSpec
from planner.certify.certificate import EpochEvidence, Verdict
from planner.certify.counting import Counts, simulated_counts
from planner.certify.interval import (
    CONFIDENCE,
    RateInterval,
    bad_rate_bounds,
    bad_rate_interval,
    model_confidence,
)
from planner.certify.traffic import Traffic

REPLICATIONS_MIN, REPLICATIONS_MAX = 2, 32
MODEL_FACTOR = 2.0  # of the limit: how much worse than the pool a single model may fare
SUSPECT_REQUESTS = 50


@dataclass(frozen=True, slots=True)
class Budget:
    """
    How much is simulated for one epoch; ``duration_s`` None takes as long as enough requests need.

    With ``replications_max`` 0 nothing is, and every verdict is undecided.
    """

    replications_min: int = REPLICATIONS_MIN
    replications_max: int = REPLICATIONS_MAX
    duration_s: float | None = None

    @property
    def looks(self) -> tuple[int, ...]:
        """Replications after which the evidence is looked at."""
        powers = (1 << k for k in range(self.replications_max.bit_length()))
        return (*(n for n in powers if n < self.replications_max), self.replications_max)


@dataclass(slots=True)
class _Tally:
    """The stretches of all replications so far."""

    runs: list[Counts] = field(default_factory=list)

    @property
    def bad(self) -> NDArray[np.int64]:
        return np.concatenate([run.bad for run in self.runs], axis=1)

    @property
    def arrived(self) -> NDArray[np.int64]:
        return np.concatenate([run.arrived for run in self.runs], axis=1)


def judge(
    models: list[ModelSpec],
    gpus: int,
    epoch: int,
    traffic: Traffic,
    *,
    delays: Delays,
    bad_rate_max: float,
    budget: Budget,
    error_is_shared: bool = True,
) -> EpochEvidence:
    """
    Replications of one epoch until they decide, or the budget ends.

    ``error_is_shared`` False refuses a model sooner: each is judged as if there were no other.
    """
    if budget.replications_max == 0:
        return _evidence(models, gpus, epoch, traffic, _Tally(), RateInterval(0, 0, 1), Verdict.UNDECIDED, ())
    if traffic.total_rps <= 0:
        return _evidence(models, gpus, epoch, traffic, _Tally(), RateInterval(0, 0, 0), Verdict.PASSED, ())
    tally, looks = _Tally(), budget.looks
    spent = 1 - (1 - CONFIDENCE) / len(looks)
    for look in looks:
        while len(tally.runs) < look:
            arrival_us, index = traffic.arrivals(len(tally.runs))
            tally.runs.append(
                simulated_counts(
                    models, gpus, arrival_us, index, delays=delays, measured_us=traffic.measured_us
                )
            )
        bad, arrived = tally.bad, tally.arrived
        interval = bad_rate_interval(bad.sum(axis=0), arrived.sum(axis=0), spent)
        level = model_confidence(spent, len(models)) if error_is_shared else spent
        low, _ = bad_rate_bounds(bad, arrived, level)
        over = tuple(sorted(models[m].model_id for m in np.flatnonzero(low > MODEL_FACTOR * bad_rate_max)))
        settled = look == looks[-1] or not _suspects(bad, arrived, bad_rate_max)
        verdict = Verdict.UNDECIDED
        if over or interval.low > bad_rate_max:
            verdict = Verdict.FAILED
        elif interval.high <= bad_rate_max and look >= budget.replications_min and settled:
            verdict = Verdict.PASSED
        if verdict is not Verdict.UNDECIDED:
            break
    return _evidence(models, gpus, epoch, traffic, tally, interval, verdict, over)


def _suspects(bad: NDArray[np.int64], arrived: NDArray[np.int64], bad_rate_max: float) -> bool:
    """Whether some model looks worse than it may, so that one look more is worth its time."""
    total = arrived.sum(axis=1)
    looks_bad = bad.sum(axis=1) > MODEL_FACTOR * bad_rate_max * total
    return bool((looks_bad & (total >= SUSPECT_REQUESTS)).any())


def _evidence(
    models: list[ModelSpec],
    gpus: int,
    epoch: int,
    traffic: Traffic,
    tally: _Tally,
    interval: RateInterval,
    verdict: Verdict,
    over: tuple[str, ...],
) -> EpochEvidence:
    runs = tally.runs
    arrived = tally.arrived.sum(axis=1) if runs else np.zeros(len(models), dtype=np.int64)
    rates = tally.bad.sum(axis=1) / np.maximum(1, arrived) if runs else np.zeros(len(models))
    worst = int(np.argmax(rates)) if rates.any() else None
    batches = sum(run.batches for run in runs)
    return EpochEvidence(
        epoch=epoch,
        gpus=gpus,
        rate_rps=traffic.total_rps,
        replications=len(runs),
        requests=int(arrived.sum()),
        bad_rate=interval.rate,
        bad_rate_low=interval.low,
        bad_rate_high=interval.high,
        verdict=verdict,
        worst_model="" if worst is None else models[worst].model_id,
        worst_model_bad_rate=0.0 if worst is None else float(rates[worst]),
        models_over=over,
        gpu_busy_share=float(np.mean([run.gpu_busy_share for run in runs])) if runs else 0.0,
        batch_size_mean=sum(run.requests_in_batches for run in runs) / batches if batches else 0.0,
    )
