"""The shipped factors are those of the stored study."""

from __future__ import annotations

import numpy as np
import pytest

from bench.capacity_model.__main__ import read_study
from bench.capacity_model.fit import Factors, fit, sample_of
from bench.capacity_model.report import tables
from bench.capacity_model.study import Loaded, draw, usable_share_of
from planner.problem.usable_share import usable_share
from planner.problem.usable_share_fit import LINEAR, QUADRATIC


def test_the_shipped_factors_come_from_the_stored_study() -> None:
    sample = sample_of(read_study())
    assert len(sample.share) == 2_000
    assert fit(sample) == Factors(LINEAR, QUADRATIC)
    held = sample.held_out
    passed = Factors(LINEAR, QUADRATIC).planned(sample)[held] <= sample.share[held] + 0.005
    assert 0.6 < passed.mean() < 0.9
    assert tables(sample, Factors(LINEAR, QUADRATIC)).count("\n") > 25


def test_the_factors_are_applied_as_they_were_fitted() -> None:
    x = 2.0 / np.sqrt(4 * 9.0)
    assert usable_share(4, 2.0, 9.0) == pytest.approx(1 / (1 + LINEAR * x + QUADRATIC * x**2))


@pytest.mark.parametrize("number", [5, 14])
def test_a_case_measured_anew_has_the_stored_share(number: int) -> None:
    stored = {case.number: share for case, share in read_study()}
    # The adaptive policy was bettered since the study was made; that moves a case by a per cent or so.
    assert usable_share_of(draw(number)) == pytest.approx(stored[number], abs=0.03)


def test_rates_are_scaled_to_the_share_asked_for() -> None:
    loaded = Loaded(draw(1))
    rates = loaded.rates_rps(0.5)
    parts = zip(loaded.laws, rates, loaded.batch_sizes, strict=True)
    load = sum(float(law.load_gpus(rate, size)) for law, rate, size in parts)
    assert load == pytest.approx(0.5 * loaded.case.gpus, rel=1e-6)
