"""What is drawn of a simulation's timeline, the same for a page and for an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dispatcher.simulation.timeline import Timeline

US_PER_S = 1e6
COLOURS = ("#2f6f73", "#d08c2f", "#6d5aa8", "#b5443c", "#4a8fd0", "#7a9a3a", "#c0609a", "#8a6a4a")
COLOUR_OF_OTHERS = "#b8bfc2"
COLOUR_OF_TOTAL = "#23282b"
COLOUR_OF_HOLD = "#2f6f73"
QUEUES_SHOWN = 4
LABEL_MAX = 28
"""Longer model names are shortened in legends."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Batches of one colour: a model's, or those of all models that have no colour of their own."""

    name: str
    colour: str
    gpu: NDArray[np.int64]
    start_s: NDArray[np.float64]
    finish_s: NDArray[np.float64]
    size: NDArray[np.int64]
    model: list[str]


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line over ``Picture.sample_s``."""

    name: str
    colour: str
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Three panels over one axis of time in seconds: batches by GPU, waiting requests, hold factor."""

    title: str
    subtitle: str
    from_s: float
    to_s: float
    gpu_count: int
    groups: tuple[Group, ...]
    sample_s: NDArray[np.float64]
    queues: tuple[Line, ...]
    hold_factor: Line


def picture(
    timeline: Timeline, model_ids: Sequence[str], gpu_count: int, *, title: str, asked_to_us: int
) -> Picture:
    """
    Choose colours and lines.

    The models with the longest queues and then those with the most execution time get a
    colour of their own, all others share one.
    """
    total = timeline.queued.sum(axis=1).astype(float)
    longest = _largest(timeline.queued.mean(axis=0), QUEUES_SHOWN)
    busy_us = np.zeros(len(model_ids))
    np.add.at(busy_us, timeline.batches.model_index, timeline.batches.finish_us - timeline.batches.start_us)
    named = list(dict.fromkeys([*longest, *_largest(busy_us, len(model_ids))]))[: len(COLOURS)]
    colours = dict(zip(sorted(named), COLOURS, strict=False))
    names = [shortened(name) for name in model_ids]
    queues = [Line("all models", COLOUR_OF_TOTAL, total)]
    if len(model_ids) > 1:
        queues += [Line(names[m], colours[m], timeline.queued[:, m].astype(float)) for m in sorted(longest)]
    return Picture(
        title=title,
        subtitle=_subtitle(timeline, asked_to_us),
        from_s=timeline.from_us / US_PER_S,
        to_s=timeline.to_us / US_PER_S,
        gpu_count=gpu_count,
        groups=_groups(timeline, colours, names),
        sample_s=timeline.sample_us / US_PER_S,
        queues=tuple(queues),
        hold_factor=Line("hold factor", COLOUR_OF_HOLD, timeline.hold_factor),
    )


def shortened(name: str) -> str:
    """The name, its middle left out where it is too long for a legend."""
    if len(name) <= LABEL_MAX:
        return name
    half = (LABEL_MAX - 1) // 2
    return f"{name[:half]}…{name[-half:]}"


def _largest(values: NDArray[np.float64], count: int) -> list[int]:
    """Positions of the largest values above 0, the largest first."""
    order = np.argsort(-values, kind="stable")[:count]
    return [int(m) for m in order if values[m] > 0]


def _subtitle(timeline: Timeline, asked_to_us: int) -> str:
    window = f"from {timeline.from_us / US_PER_S:g} s to {timeline.to_us / US_PER_S:.6g} s of the run"
    text = f"{window}: {len(timeline.batches):,} batches"
    if timeline.to_us < asked_to_us:
        text += f", the most that are drawn ({asked_to_us / US_PER_S:g} s was asked for)"
    return text


def _groups(timeline: Timeline, colours: dict[int, str], names: list[str]) -> tuple[Group, ...]:
    batches = timeline.batches

    def group(name: str, colour: str, which: NDArray[np.bool_]) -> Group:
        return Group(
            name=name,
            colour=colour,
            gpu=batches.gpu[which],
            start_s=batches.start_us[which] / US_PER_S,
            finish_s=batches.finish_us[which] / US_PER_S,
            size=batches.size[which],
            model=[names[m] for m in batches.model_index[which].tolist()],
        )

    groups = [group(names[m], colour, batches.model_index == m) for m, colour in colours.items()]
    others = ~np.isin(batches.model_index, list(colours))
    count = len(np.unique(batches.model_index[others]))
    if count:
        groups.append(group(f"{count} other model{'s' * (count > 1)}", COLOUR_OF_OTHERS, others))
    return tuple(groups)
