"""The picture as a PNG image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from api.plot.picture import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GPUS_SHOWN = 200
DPI = 150
WIDTH_IN = 13.0
INK, QUIET, RULE = "#23282b", "#667074", "#e3e1da"
BAR_SHARE = 0.78
"""Of a GPU's row, the share that a batch fills."""


def write_image(picture: Picture, path: Path) -> None:
    """
    Write the image.

    Raises ImportError where matplotlib is not installed, OSError where the file cannot be written.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    gpus = min(picture.gpu_count, GPUS_SHOWN)
    gantt_in = min(7.0, max(1.6, 0.17 * gpus))
    height_in = gantt_in + 4.9
    style: dict[Any, Any] = {
        **{"font.size": 9, "text.color": INK, "text.parse_math": False},
        **{"axes.labelcolor": QUIET, "axes.edgecolor": RULE, "xtick.color": QUIET, "ytick.color": QUIET},
    }
    with rc_context(style):
        layout = ConstrainedLayoutEngine(h_pad=0.08, w_pad=0.08)
        figure = Figure(figsize=(WIDTH_IN, height_in), dpi=DPI, layout=layout, facecolor="white")
        heights = (gantt_in, 1.7, 0.9)
        gantt, queues, hold = figure.subplots(3, 1, sharex=True, height_ratios=heights)
        _draw_batches(gantt, picture, gpus)
        _draw_queues(queues, picture)
        _draw_hold(hold, picture)
        for axes in (gantt, queues, hold):
            _plain(axes)
        _head(figure, picture)
        figure.savefig(path, format="png")


def _draw_batches(axes: Axes, picture: Picture, gpus: int) -> None:
    from matplotlib.collections import PolyCollection
    from matplotlib.patches import Patch
    from matplotlib.ticker import MaxNLocator

    half = BAR_SHARE / 2
    for group in picture.groups:
        seen = group.gpu < gpus
        left, right, row = group.start_s[seen], group.finish_s[seen], group.gpu[seen]
        below, above = row - half, row + half
        corners = np.stack(
            [
                np.stack([left, left, right, right], axis=1),
                np.stack([below, above, above, below], axis=1),
            ],
            axis=2,
        )
        axes.add_collection(
            PolyCollection(list(corners), facecolors=group.colour, edgecolors="white", linewidths=0.3)
        )
    axes.set_ylim(gpus - 0.5, -0.5)
    axes.set_xlim(picture.from_s, picture.to_s)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    some = "" if gpus == picture.gpu_count else f" (the first {gpus} of {picture.gpu_count:,})"
    axes.set_ylabel(f"GPU{some}")
    axes.legend(
        handles=[Patch(color=group.colour, label=group.name) for group in picture.groups],
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=5,
        frameon=False,
        borderaxespad=0.3,
        handlelength=1.2,
        handleheight=0.8,
    )


def _draw_queues(axes: Axes, picture: Picture) -> None:
    from matplotlib.ticker import MaxNLocator

    for line in picture.queues:
        axes.step(
            picture.sample_s, line.values, where="post", color=line.colour, linewidth=1.0, label=line.name
        )
    axes.fill_between(
        picture.sample_s, picture.queues[0].values, step="post", color=picture.queues[0].colour, alpha=0.06
    )
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("waiting requests")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=5, frameon=False, borderaxespad=0.3)


def _draw_hold(axes: Axes, picture: Picture) -> None:
    axes.step(
        picture.sample_s,
        picture.hold_factor.values,
        where="post",
        color=picture.hold_factor.colour,
        linewidth=1.2,
    )
    axes.set_ylim(-0.04, 1.04)
    axes.set_yticks([0, 0.5, 1])
    axes.set_ylabel("hold factor")
    axes.set_xlabel("time of the run, s")


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0)
    axes.set_axisbelow(True)
    axes.grid(color=RULE, linewidth=0.6)
    axes.ticklabel_format(axis="x", useOffset=False)


def _head(figure: Figure, picture: Picture) -> None:
    figure.suptitle(f"{picture.title}\n{picture.subtitle}", x=0.01, ha="left", fontsize=11)
