r"""
Which of several overlapping forecasts holds: one rule, cell by cell.

A cell is one model in one epoch of a horizon. At each instant of it, that submission speaks which, of those
that have the model and an epoch around the instant, stands highest; among equals the latest submitted.
A planner's stands above an import, an import above a model's (``ForecastSource``), and a correction at
least as high as what it corrects. A cell's rates are the means over its time,

.. math:: \lambda = \sum_i t_i \lambda_i / \sum_i t_i,

over the pieces of t_i seconds that one submission speaks for; low, middle and high alike. The burstiness is
weighted by arrivals. A cell of which less than half is spoken for has no value: nothing is made up. Where a
forecast is made of cells, what load foretells of itself stands in for these, and the forecast says where.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from planner.demand.forecast import Forecast, ForecastEpoch, ForecastSource, ModelForecast

COVERED_SHARE_MIN = 0.5


@dataclass(frozen=True, slots=True)
class Submitted:
    """A forecast as it is stored; ``standing`` as the rule has it, ``ForecastSource.standing`` or higher."""

    id: int
    standing: int
    forecast: Forecast
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ResolvedCell:
    """
    One model in one epoch.

    Parameters
    ----------
    forecast_ids
        Whose numbers these are, the longest part first; one, unless epochs lie across one another.
    covered_share
        The part of the epoch that they speak for.
    """

    low_rps: float
    demand_rps: float
    high_rps: float
    arrival_cv: float
    forecast_ids: tuple[int, ...]
    covered_share: float


@dataclass(frozen=True, slots=True)
class ResolvedForecast:
    """``cells`` by model: one for each epoch, None where nobody speaks."""

    epochs: tuple[ForecastEpoch, ...]
    cells: dict[str, tuple[ResolvedCell | None, ...]]

    @property
    def models_partly_open(self) -> tuple[str, ...]:
        """Models that somebody speaks of in some epochs and nobody in others."""
        return tuple(
            model
            for model, cells in self.cells.items()
            if None in cells and any(cell is not None for cell in cells)
        )

    def to_forecast(self, name: str, measured: Mapping[str, ModelForecast] | None = None) -> Forecast:
        """
        Models that have a value for every epoch, as a forecast; the others are left out.

        ``measured`` rows, of the same epochs, give the values of those that nobody speaks for.
        """
        rows = (
            _row(model, cells, (measured or {}).get(model))
            for model, cells in sorted(self.cells.items())
            if any(cell is not None for cell in cells)
        )
        return Forecast(
            name=name,
            epochs=self.epochs,
            models=tuple(row for row in rows if row is not None),
            source=ForecastSource.RESOLVED,
        )


def resolve(submitted: Sequence[Submitted], epochs: Sequence[ForecastEpoch]) -> ResolvedForecast:
    """The rule of the module's docstring over ``epochs``; models in the order of their ids."""
    ranked = sorted(
        (each for each in submitted if each.forecast.source is not ForecastSource.RESOLVED),
        key=lambda each: (each.standing, each.id),
        reverse=True,
    )
    rows = [(each, {row.model: row for row in each.forecast.models}) for each in ranked]
    overlaps = [[list(_overlap(each.forecast, cell)) for cell in epochs] for each in ranked]
    models = sorted({model for _, by_model in rows for model in by_model})
    cells: dict[str, tuple[ResolvedCell | None, ...]] = {}
    for model in models:
        speakers = [
            (each.id, by_model[model], overlap)
            for (each, by_model), overlap in zip(rows, overlaps, strict=True)
            if model in by_model
        ]
        cells[model] = tuple(
            _cell(((id_, row, pieces[index]) for id_, row, pieces in speakers), epoch)
            for index, epoch in enumerate(epochs)
        )
    return ResolvedForecast(tuple(epochs), cells)


@dataclass(frozen=True, slots=True)
class _Piece:
    """The part of a cell that lies in the ``epoch``-th epoch of one forecast."""

    start: datetime
    end: datetime
    epoch: int


def _overlap(forecast: Forecast, cell: ForecastEpoch) -> Iterator[_Piece]:
    for index, epoch in enumerate(forecast.epochs):
        start, end = max(epoch.start, cell.start), min(epoch.end, cell.end)
        if start < end:
            yield _Piece(start, end, index)


Speakers = Iterator[tuple[int, ModelForecast, list[_Piece]]]


def _cell(speakers: Speakers, cell: ForecastEpoch) -> ResolvedCell | None:
    free = [(cell.start, cell.end)]
    spoken: list[tuple[float, int, ModelForecast, int]] = []
    for forecast_id, row, pieces in speakers:
        for piece in pieces:
            free, taken_s = _taken(free, piece)
            if taken_s > 0:
                spoken.append((taken_s, forecast_id, row, piece.epoch))
        if not free:
            break
    covered_s = sum(seconds for seconds, *_ in spoken)
    if covered_s < COVERED_SHARE_MIN * cell.duration_s:
        return None
    seconds_by_id: dict[int, float] = {}
    for seconds, forecast_id, _, _ in spoken:
        seconds_by_id[forecast_id] = seconds_by_id.get(forecast_id, 0.0) + seconds
    low, middle, high = (
        sum(seconds * rates[epoch] for seconds, rates, epoch in parts) / covered_s
        for parts in (
            [(s, row.lows_rps, e) for s, _, row, e in spoken],
            [(s, row.demand_rps, e) for s, _, row, e in spoken],
            [(s, row.highs_rps, e) for s, _, row, e in spoken],
        )
    )
    return ResolvedCell(
        low_rps=min(low, middle),
        demand_rps=middle,
        high_rps=max(high, middle),
        arrival_cv=_burstiness(spoken),
        forecast_ids=tuple(sorted(seconds_by_id, key=lambda id_: (-seconds_by_id[id_], id_))),
        covered_share=min(1.0, covered_s / cell.duration_s),
    )


Free = list[tuple[datetime, datetime]]


def _taken(free: Free, piece: _Piece) -> tuple[Free, float]:
    """What is left of ``free`` after the piece, and how many seconds of it the piece took."""
    left: Free = []
    taken_s = 0.0
    for start, end in free:
        begins, ends = max(start, piece.start), min(end, piece.end)
        if begins >= ends:
            left.append((start, end))
            continue
        taken_s += (ends - begins).total_seconds()
        left += [span for span in ((start, begins), (ends, end)) if span[0] < span[1]]
    return left, taken_s


def _burstiness(spoken: Sequence[tuple[float, int, ModelForecast, int]]) -> float:
    weights = [seconds * row.demand_rps[epoch] for seconds, _, row, epoch in spoken]
    if not sum(weights):
        weights = [seconds for seconds, *_ in spoken]
    values = [row.arrival_cv[epoch] for _, _, row, epoch in spoken]
    return sum(w * cv for w, cv in zip(weights, values, strict=True)) / sum(weights)


def _row(
    model: str, cells: Sequence[ResolvedCell | None], measured: ModelForecast | None
) -> ModelForecast | None:
    filled = [
        cell or (None if measured is None else _measured_cell(measured, epoch))
        for epoch, cell in enumerate(cells)
    ]
    found = [cell for cell in filled if cell is not None]
    if len(found) < len(cells):
        return None
    return ModelForecast(
        model=model,
        demand_rps=tuple(cell.demand_rps for cell in found),
        arrival_cv=tuple(cell.arrival_cv for cell in found),
        low_rps=tuple(cell.low_rps for cell in found),
        high_rps=tuple(cell.high_rps for cell in found),
        spoken_by=tuple(cell.forecast_ids for cell in found),
    )


def _measured_cell(row: ModelForecast, epoch: int) -> ResolvedCell:
    rates = (row.lows_rps[epoch], row.demand_rps[epoch], row.highs_rps[epoch])
    return ResolvedCell(*rates, row.arrival_cv[epoch], (), 0.0)
