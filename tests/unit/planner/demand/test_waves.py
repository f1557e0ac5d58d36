"""Waves within the hour: told from what arrivals explain, from chance, and from what is not known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dispatcher.simulation.arrivals import gamma_arrivals
from planner.demand.observed_series import ObservedSeries
from planner.demand.waves import waves

HOURS = 24
MINUTES = HOURS * 60


def by_minute(counts: np.ndarray, coverage: float = 1.0, source_s: float = 60.0) -> ObservedSeries:
    counts = np.atleast_2d(np.asarray(counts, dtype=np.float64))
    same = np.ones_like(counts)
    return ObservedSeries(
        models=tuple(f"m{i}" for i in range(len(counts))),
        starts_us=np.arange(counts.shape[1], dtype=np.int64) * 60_000_000,
        resolution_s=60,
        arrived=counts,
        coverage=same * coverage,
        arrival_cv=same,
        bad=same * 0,
        source_resolution_s=same * source_s,
    )


def drawn(rate_rps: float, arrival_cv: float, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    times_us = gamma_arrivals(random, rate_rps, 1 / arrival_cv**2, MINUTES * 60_000_000)
    return np.bincount(times_us // 60_000_000, minlength=MINUTES)[:MINUTES]


@pytest.mark.parametrize(("rate_rps", "arrival_cv"), [(20.0, 1.0), (20.0, 4.0), (0.5, 4.0), (0.01, 1.0)])
def test_arrivals_as_the_certificate_draws_them_have_no_wave(rate_rps: float, arrival_cv: float) -> None:
    counts = np.stack([drawn(rate_rps, arrival_cv, seed) for seed in range(8)])
    found = waves(by_minute(counts), np.full(8, arrival_cv))
    assert (found < 0.02).all(), found
    assert (found == 0).sum() >= 6, found


def test_load_that_swells_for_minutes_has_one() -> None:
    minute = np.arange(MINUTES)
    rate = 600 * (1 + 0.5 * np.sin(2 * math.pi * minute / 20))
    counts = np.random.default_rng(1).poisson(rate)
    (found,) = waves(by_minute(counts), np.ones(1))
    assert found == pytest.approx(0.5 / math.sqrt(2), rel=0.1)


def test_a_steady_climb_over_the_day_is_hardly_one() -> None:
    rate = np.linspace(600, 1_200, MINUTES)
    (found,) = waves(by_minute(rate), np.ones(1))
    assert found < 0.02


@pytest.mark.parametrize(("coverage", "source_s"), [(0.5, 60.0), (1.0, 600.0)])
def test_minutes_that_are_not_known_whole_say_nothing(coverage: float, source_s: float) -> None:
    assert np.isnan(waves(by_minute(drawn(20.0, 1.0, 1), coverage, source_s), np.ones(1))).all()


def test_few_minutes_and_gaps_say_nothing_and_no_load_has_no_wave() -> None:
    counts = np.full((2, MINUTES), np.nan)
    counts[0, :90] = 60.0
    counts[1] = 0.0
    found = waves(by_minute(counts), np.ones(2))
    assert np.isnan(found[0])
    assert found[1] == 0
