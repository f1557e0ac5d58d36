"""Execution times drawn for each batch."""

from __future__ import annotations

import numpy as np
import pytest

from dispatcher.core.rules import Policy, Rules
from dispatcher.simulation.execution import EXACT, Execution, factors_ppm
from dispatcher.simulation.parse import parse_scenario
from dispatcher.simulation.simulate import simulate
from profiles.faults import InputInvalid

SCENARIO = {
    "duration_s": 5,
    "gpus": 4,
    "models": [
        {
            "id": "m",
            "slo_ms": 40,
            "latency_ms": {"alpha": 1, "beta": 5},
            "arrivals": {"kind": "poisson", "rate_rps": 1_500},
        }
    ],
}


def test_exact_times_need_no_drawing() -> None:
    assert factors_ppm(EXACT, 3).tolist() == [1_000_000]
    assert factors_ppm(Execution(0.0, 1.3), 3).tolist() == [1_300_000]


@pytest.mark.parametrize(("cv", "factor"), [(0.1, 1.0), (0.3, 1.3)])
def test_factors_have_the_mean_and_the_variation_asked_for(cv: float, factor: float) -> None:
    drawn = factors_ppm(Execution(cv, factor), 3) / 1e6
    assert drawn.mean() == pytest.approx(factor, rel=0.01)
    assert drawn.std() / drawn.mean() == pytest.approx(cv, rel=0.02)
    assert np.array_equal(drawn, factors_ppm(Execution(cv, factor), 3) / 1e6)
    assert not np.array_equal(drawn, factors_ppm(Execution(cv, factor), 4) / 1e6)


@pytest.mark.parametrize(
    ("execution", "field"), [({"cv": -1}, "execution.cv"), ({"factor": 0}, "execution.factor")]
)
def test_a_scenario_is_refused_by_the_field_at_fault(execution: dict[str, float], field: str) -> None:
    with pytest.raises(InputInvalid, match=field):
        parse_scenario({**SCENARIO, "execution": execution})


@pytest.mark.parametrize("policy", [Policy.ADAPTIVE, Policy.EAGER, Policy.CLOCKWORK])
def test_a_quantile_serves_more_in_time_where_times_vary_and_the_same_where_they_do_not(
    policy: Policy,
) -> None:
    noisy = parse_scenario({**SCENARIO, "execution": {"cv": 0.2, "factor": 1.2}})
    learnt = simulate(noisy, Rules(policy, time_quantile=0.9))
    assert learnt == simulate(noisy, Rules(policy, time_quantile=0.9)), "not deterministic"
    assert learnt.goodput_rps >= simulate(noisy, Rules(policy)).goodput_rps
    exact = parse_scenario(SCENARIO)
    assert simulate(exact, Rules(policy, time_quantile=0.9)) == simulate(exact, Rules(policy))
