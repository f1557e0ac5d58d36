from __future__ import annotations

import dataclasses
import random

import pytest

from planner.explain.hopeless import hopeless_models, slo_needed_us
from planner.explain.settings import apply_settings
from planner.problem.capacity import batch_size_feasible, batch_size_planned
from planner.problem.fluid import gpus_largest
from planner.problem.problem import PlanningProblem
from tests.planning import batching, model, one_at_a_time, problem

DELAYS = {"ctrl_us": 100, "data_us": 50, "resp_us": 2000}


def random_problem(seed: int) -> PlanningProblem:
    rng = random.Random(seed)
    profiles = {
        g: batching(rng.uniform(0.1, 9.0), rng.uniform(0.0, 20.0))
        if rng.random() < 0.5
        else one_at_a_time(rng.uniform(0.01, 30.0))
        for g in ("a", "b")
    }
    delays = {name: rng.randrange(0, 3000) for name in DELAYS}
    asked = model("m", [5.0], profiles, slo_ms=round(rng.uniform(0.001, 40.0), 3))
    pools = {"a": rng.randint(1, 9), "b": rng.randint(1, 9)}
    return problem([asked], pools=pools, policy={"delays": delays, "sub_cluster_gpus_max": 6})


@pytest.mark.parametrize("seed", range(40))
def test_the_milliseconds_missing_are_those_that_trying_finds(seed: int) -> None:
    asked = random_problem(seed)
    one = asked.models["m"]
    for gpu_type, gpus in gpus_largest(asked).items():
        needed_us = slo_needed_us(asked, one, gpu_type, gpus)

        def feasible(us: int, gpu_type: str = gpu_type, gpus: int = gpus) -> bool:
            promised = dataclasses.replace(one, slo_ms=us / 1_000)
            return batch_size_feasible(promised, gpu_type, gpus, asked.policy.delays) >= 1

        low, high = 0, 1_000_000  # microseconds: not feasible, feasible
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if feasible(middle) else (middle, high)
        assert needed_us == high
    found = hopeless_models(asked)
    possible = any(batch_size_planned(asked, one, g, n) for g, n in gpus_largest(asked).items())
    assert bool(found) is not possible
    for missing in found[0].types if found else ():
        assert missing.slo_needed_ms is not None
        assert missing.missing_ms == pytest.approx(missing.slo_needed_ms - one.slo_ms, abs=1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_the_remedy_is_the_shortest_slo_that_opens_the_type(seed: int) -> None:
    asked = random_problem(seed)
    for one in hopeless_models(asked):
        for missing in one.late:
            assert missing.slo_needed_ms is not None
            remedied = apply_settings(asked, [one.remedy(missing)])
            left = hopeless_models(remedied)
            assert not left
            shorter = dataclasses.replace(
                one.remedy(missing), operand=round(missing.slo_needed_ms - 0.001, 3)
            )
            types = [t.gpu_type for h in hopeless_models(apply_settings(asked, [shorter])) for t in h.late]
            if missing is one.late[0]:
                assert missing.gpu_type in types


def test_memory_and_stock_are_named_where_they_are_missing() -> None:
    heavy = one_at_a_time(weights_gib=20.0, workspace_gib=0.5)
    asked = problem([model("m", [5.0], {"a": heavy, "b": one_at_a_time()})], pools={"a": 2, "b": 0})
    (found,) = hopeless_models(asked)
    by_type = {t.gpu_type: t for t in found.types}
    assert by_type["a"].bottleneck == "memory"
    assert by_type["a"].missing_gib == pytest.approx(4.5)
    assert by_type["b"].bottleneck == "inventory"
    assert found.late == ()
