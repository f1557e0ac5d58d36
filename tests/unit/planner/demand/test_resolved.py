"""Which of overlapping forecasts holds, on cases worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.demand.forecast import Forecast, ForecastEpoch, ForecastSource, ModelForecast
from planner.demand.resolved import Submitted, resolve

START = datetime(2026, 11, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)


def submitted(
    id_: int,
    rate: float,
    *,
    begin: float = 0,
    hours: float = 4,
    source: ForecastSource = ForecastSource.PLANNER,
    standing: int | None = None,
    model: str = "m",
    spread: float = 0.0,
) -> Submitted:
    forecast = Forecast(
        "f",
        (ForecastEpoch(START + HOUR * begin, hours),),
        (ModelForecast(model, (rate,), (1.0,), (rate - spread,), (rate + spread,)),),
        source=source,
    )
    return Submitted(id_, source.standing if standing is None else standing, forecast, START)


def hours(count: int) -> list[ForecastEpoch]:
    return [ForecastEpoch(START + HOUR * index, 1.0) for index in range(count)]


def rates(*found: Submitted, count: int = 4) -> list[float | None]:
    cells = resolve(found, hours(count)).cells["m"]
    return [None if cell is None else cell.demand_rps for cell in cells]


def test_the_latest_of_equals_holds_where_it_speaks() -> None:
    assert rates(submitted(1, 10), submitted(2, 20, begin=1, hours=2)) == [10, 20, 20, 10]


def test_a_planner_holds_before_an_import_before_a_model() -> None:
    model, imported, planner = (
        submitted(3, 1, source=ForecastSource.MODEL),
        submitted(2, 2, source=ForecastSource.IMPORT, hours=3),
        submitted(1, 3, hours=1),
    )
    assert rates(model, imported, planner) == [3, 2, 2, 1]


def test_a_correction_stands_as_high_as_what_it_corrects() -> None:
    planner = submitted(1, 10)
    correction = submitted(2, 12, source=ForecastSource.MODEL, standing=ForecastSource.PLANNER.standing)
    assert rates(planner, correction) == [12] * 4


def test_what_was_resolved_for_a_run_is_no_source() -> None:
    assert resolve([submitted(1, 5, source=ForecastSource.RESOLVED)], hours(2)).cells == {}


def test_an_epoch_across_others_has_their_mean_and_says_whose() -> None:
    found = resolve(
        [submitted(1, 10, hours=0.75, spread=2), submitted(2, 30, begin=0.75, spread=10)], hours(1)
    )
    (cell,) = found.cells["m"]
    assert cell is not None
    assert (cell.low_rps, cell.demand_rps, cell.high_rps) == pytest.approx((11, 15, 19))
    assert cell.forecast_ids == (1, 2)
    assert cell.covered_share == pytest.approx(1)


@pytest.mark.parametrize(("covered", "known"), [(0.49, False), (0.51, True)])
def test_what_is_hardly_spoken_for_has_no_value(covered: float, known: bool) -> None:
    (cell,) = resolve([submitted(1, 10, hours=covered)], hours(1)).cells["m"]
    assert (cell is not None) is known


def test_only_models_with_every_epoch_become_a_forecast() -> None:
    found = resolve([submitted(1, 10), submitted(2, 5, hours=1, model="short")], hours(4))
    forecast = found.to_forecast("r")
    assert [row.model for row in forecast.models] == ["m"]
    assert forecast.source is ForecastSource.RESOLVED


def test_a_measured_forecast_speaks_where_nobody_does() -> None:
    found = resolve([submitted(1, 10), submitted(2, 5, hours=1, model="short")], hours(3))
    assert found.models_partly_open == ("short",)
    measured = ModelForecast("short", (1.0, 2.0, 3.0), (4.0,) * 3, (0.5,) * 3, (9.0,) * 3)
    whole, short = found.to_forecast("r", {"short": measured}).models
    assert (whole.spoken_by, whole.epochs_measured) == (((1,),) * 3, ())
    assert short.demand_rps == (5, 2, 3)
    assert short.high_rps == (5, 9, 9)
    assert (short.spoken_by, short.epochs_measured) == (((2,), (), ()), (1, 2))


PIECES = st.lists(
    st.tuples(st.floats(0, 100), st.integers(0, 5), st.integers(1, 6), st.sampled_from(ForecastSource)),
    max_size=6,
)


@settings(max_examples=50, deadline=None)
@given(PIECES)
def test_every_instant_has_the_highest_who_speaks_then(
    pieces: list[tuple[float, int, int, ForecastSource]],
) -> None:
    found = [
        submitted(id_, rate, begin=begin, hours=length, source=source)
        for id_, (rate, begin, length, source) in enumerate(pieces, start=1)
    ]
    cells = resolve(found, hours(6)).cells.get("m", (None,) * 6)
    for hour, cell in enumerate(cells):
        speaking = [
            each
            for each, (_, begin, length, source) in zip(found, pieces, strict=True)
            if begin <= hour < begin + length and source is not ForecastSource.RESOLVED
        ]
        if not speaking:
            assert cell is None
            continue
        first = max(speaking, key=lambda each: (each.standing, each.id))
        assert cell is not None
        assert cell.demand_rps == pytest.approx(first.forecast.models[0].demand_rps[0])
        assert cell.forecast_ids == (first.id,)
