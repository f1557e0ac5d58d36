"""The capacity mathematics against closed forms and slow, obvious twins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.core.delays import Delays
from planner.problem import capacity
from planner.problem.fluid import fluid_bound_usd_per_hour
from planner.problem.problem import Model, ModelProfile
from planner.problem.tables import capacity_tables
from planner.problem.usable_share import usable_share
from profiles.latency import AffineCurve, LatencyCurve, TabulatedCurve
from tests.planning import batching, documents, model, one_at_a_time, problem

NONE = Delays(0, 0, 0)


def resnet(slo_ms: float = 25.0, curve: LatencyCurve | None = None, batch_size_max: int = 64) -> Model:
    profile = ModelProfile(curve or AffineCurve(1_082.0, 5_204.0), 1.0, 0.0, batch_size_max)
    return Model("resnet", slo_ms, 1, (1_000.0,), 1.0, {"a": profile})


def test_batch_of_the_published_example() -> None:
    """alpha 1.082, beta 5.204 ms, 8 GPUs, SLO 25 ms: 15 requests (Chen et al. 2023)."""
    assert capacity.batch_size_feasible(resnet(), "a", 8, NONE) == 15
    assert capacity.batch_size_feasible(resnet(), "a", 1, NONE) == 6
    assert capacity.batch_size_feasible(resnet(), "b", 8, NONE) == 0
    assert capacity.batch_size_feasible(resnet(slo_ms=6.0), "a", 8, NONE) == 0


def curves() -> st.SearchStrategy[LatencyCurve]:
    affine = st.builds(AffineCurve, st.floats(1, 5_000), st.floats(0, 20_000))
    steps = st.lists(st.floats(100, 20_000), min_size=5, max_size=5).map(
        lambda us: TabulatedCurve((1, 2, 4, 8, 16), tuple(sorted(us)))
    )
    return affine | steps


@given(curves(), st.integers(1, 60), st.floats(1, 100), st.integers(0, 100), st.integers(0, 500))
@settings(max_examples=60, deadline=None)
def test_batch_size_is_the_largest_in_time(
    curve: LatencyCurve, gpus: int, slo: float, data: int, ctrl: int
) -> None:
    delays = Delays(ctrl, data, 200)
    subject = resnet(slo, curve, 16)
    slow = 0
    for b in range(1, 17):
        if curve.latency_us(b) * (gpus + 1) + gpus * (ctrl + b * data + 200) <= gpus * capacity.slo_us(
            subject
        ):
            slow = b
    found = capacity.batch_size_feasible(subject, "a", gpus, delays)
    assert found == slow
    for b in range(1, 17):
        assert capacity.latency_feasible(subject, "a", b, gpus, delays) == (b <= slow)


@given(curves(), st.floats(0, 1e5), st.floats(1, 100), st.integers(0, 100), st.integers(1, 16))
@settings(max_examples=60, deadline=None)
def test_mean_batch_is_the_fixed_point(
    curve: LatencyCurve, rate: float, slo: float, data: int, batch_size: int
) -> None:
    delays = Delays(100, data, 200)
    subject = resnet(slo, curve, 16)
    law = capacity.batch_law(subject, "a", delays)

    def grown(b: float) -> float:
        latency = float(np.interp(b + 1, np.arange(len(law.latency_us)), law.latency_us))
        return 1 + rate / 1e6 * (capacity.slo_us(subject) - 300 - b * data - latency)

    low, high = 1.0, 16.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if grown(middle) > middle else (low, middle)
    slow = min(low, batch_size)
    assert float(capacity.mean_batch(subject, "a", rate, batch_size, delays)) == pytest.approx(slow, rel=1e-6)


def test_mean_batch_has_the_closed_form_of_affine_curves() -> None:
    """b(r) = (1 + r (S - alpha - beta)) / (1 + r alpha), without transfer delays."""
    rate, alpha, beta, slo = 300.0, 1.082e-3, 5.204e-3, 50e-3
    closed = (1 + rate * (slo - alpha - beta)) / (1 + rate * alpha)
    found = float(capacity.mean_batch(resnet(50.0), "a", rate, 64, NONE))
    assert found == pytest.approx(closed, rel=1e-9)
    load = float(capacity.load_gpus(resnet(50.0), "a", rate, 64, NONE))
    assert load == pytest.approx(rate * (alpha * closed + beta) / closed, rel=1e-9)


@given(curves(), st.floats(1, 1e4), st.floats(1.01, 3), st.integers(1, 16))
@settings(max_examples=60, deadline=None)
def test_more_traffic_loads_more_but_not_more_for_each_request(
    curve: LatencyCurve, rate: float, factor: float, batch_size: int
) -> None:
    subject = resnet(50.0, curve, 16)
    low, high = capacity.load_gpus(subject, "a", np.array([rate, rate * factor]), batch_size, NONE)
    assert high >= low * (1 - 1e-9)
    if isinstance(curve, AffineCurve):
        assert high / factor <= low * (1 + 1e-3)  # curves are rounded up to whole microseconds


def test_memory_limits_the_batch() -> None:
    asked = problem([model("m", [1.0], {"a": batching(weights_gib=10.0, workspace_gib_per_item=1.5)})])
    subject = asked.models["m"]
    assert capacity.batch_size_planned(asked, subject, "a", 4) == 4
    too_heavy = problem([model("m", [1.0], {"a": batching(weights_gib=16.5)})])
    assert capacity.batch_size_planned(too_heavy, too_heavy.models["m"], "a", 4) == 0


def test_usable_share_rises_with_gpus_and_falls_with_bursts() -> None:
    gpus = np.arange(1, 200)
    for cv in (0.0, 1.0, 3.0, 12.0):
        share = usable_share(gpus, cv)
        assert ((share > 0) & (share < 1)).all()
        assert (np.diff(share) >= 0).all()
    assert (np.diff(usable_share(8, np.array([0.5, 1.0, 2.0, 10.0]))) < 0).all()
    assert (np.diff(usable_share(8, 1.0, np.array([2.0, 8.0, 50.0]))) > 0).all()
    assert usable_share(8, 1.0) == usable_share(8, 1.0, 0.5), "the default is the most cautious"


def test_usable_share_knows_how_many_requests_fit_into_the_slo() -> None:
    """13 batches of one in 65 ms; of a curve with a fixed cost, 65 / 36 batches of 32."""
    single = model("single", [1.0], {"a": one_at_a_time(5.0)}, slo_ms=65.0)
    batched = model("batched", [1.0], {"a": batching(1.0, 4.0)}, slo_ms=65.0)
    asked = problem([single, batched])
    laws = {name: capacity.batch_law(asked.models[name], "a", NONE) for name in ("single", "batched")}
    assert laws["single"].requests_per_slo == pytest.approx(13.0)
    assert laws["batched"].requests_per_slo == pytest.approx(65.0 * 32 / 36)
    share = laws["batched"].usable_share(4, 1.0)
    assert share == usable_share(4, 1.0, laws["batched"].requests_per_slo)
    need = capacity.need_gpus(asked.models["batched"], "a", [100.0], 8, 4, NONE)
    load = capacity.load_gpus(asked.models["batched"], "a", [100.0], 8, NONE)
    assert need == pytest.approx(load / share)


@given(documents())
@settings(max_examples=30, deadline=None)
def test_tables_agree_with_the_functions(data: dict[str, Any]) -> None:
    from planner.problem.parse import parse_problem

    asked = parse_problem(data)
    tables = capacity_tables(asked)
    for m, subject in enumerate(tables.models):
        for g, gpu_type in enumerate(tables.gpu_types):
            for gpus in range(1, tables.gpus_max + 1):
                batch = capacity.batch_size_planned(asked, subject, gpu_type, gpus)
                assert tables.batch_size[m, g, gpus - 1] == batch
                if batch:
                    need = capacity.need_gpus(
                        subject, gpu_type, subject.demand_rps, batch, gpus, asked.policy.delays
                    )
                    assert tables.need[m, g, gpus - 1] == pytest.approx(need)
                else:
                    assert np.isinf(tables.need[m, g, gpus - 1]).all()


def test_fluid_bound_takes_the_cheapest_type_at_its_best_batch() -> None:
    asked = problem(
        [
            model("m", [100.0, 300.0], {"a": one_at_a_time(10.0), "b": one_at_a_time(2.0)}),
            model("hopeless", [100.0, 300.0], {"a": one_at_a_time(200.0)}),
        ],
        pools={"a": 4, "b": 4},
        prices={"a": 1.0, "b": 4.0},
    )
    assert fluid_bound_usd_per_hour(asked, {}) == pytest.approx(2.4)  # 300/s at 2 ms at 4 USD/h
    assert fluid_bound_usd_per_hour(asked, {"m": (0.0, 0.5)}) == pytest.approx(1.2)


def test_a_batch_is_promised_smaller_than_possible_only_where_that_is_cheaper() -> None:
    steps = {
        "latency_ms": [[1, 10.0], [2, 11.0], [3, 30.0], [4, 31.0]],
        "weights_gib": 1.0,
        "batch_size_max": 4,
    }
    asked = problem([model("m", [400.0], {"a": steps}), model("line", [400.0], {"a": batching(1.0, 4.0)})])
    law = capacity.batch_law(asked.models["m"], "a", NONE)
    assert law.has_steps
    assert law.cheapest_batch([400.0], [0, 1, 2, 3, 4]).tolist() == [0, 1, 2, 2, 2]
    assert law.cheapest_batch([0.0], [0, 1, 2, 3, 4]).tolist() == [0, 1, 2, 3, 4], (
        "what is never formed costs nothing"
    )
    line = capacity.batch_law(asked.models["line"], "a", NONE)
    assert not line.has_steps
    assert line.cheapest_batch([400.0], [3, 8]).tolist() == [3, 8]
