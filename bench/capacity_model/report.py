"""What the study shows: how often the formula is enough, and how far off it is; tables and a figure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.capacity_model.fit import SHARE_LEAST, Factors, Sample
from bench.capacity_model.study import GPUS, PRECISION

Floats = NDArray[np.float64]
Groups = list[tuple[str, NDArray[np.bool_]]]

BEFORE = "1 - 0.5 √(max(1, c_v) / n), at least 0.2"
CV_ENDS = (0.0, 0.7, 1.2, 2.0, 3.0, 4.5)
WORTH_ENDS = (0.0, 4.0, 10.0, 30.0, 1e9)


def before(sample: Sample) -> Floats:
    """The share by the formula in use until this study, for comparison."""
    return np.maximum(0.2, 1 - 0.5 * np.sqrt(np.maximum(1, sample.arrival_cv) / sample.gpus))


def tables(sample: Sample, factors: Factors) -> str:
    """Markdown: both formulas over the held-out cases, then the new one by n, by c_v and by mix."""
    held = sample.held_out
    lines = [*_head("formula"), _line("1 / (1 + a x + b x²)", sample, factors.planned(sample), held)]
    lines.append(_line(BEFORE, sample, before(sample), held))
    for title, groups in (
        ("n", _by_gpus(sample)),
        ("c_v", _by_cv(sample)),
        ("models", _by_models(sample)),
        ("requests one GPU executes in an SLO", _by_worth(sample)),
    ):
        lines += ["", *_head(title)]
        lines += [_line(name, sample, factors.planned(sample), held & mask) for name, mask in groups]
    return "\n".join(lines)


def _head(title: str) -> Iterator[str]:
    yield f"| {title} | cases | pass as planned | GPUs planned over needed, mean | 10 % to 90 % of cases |"
    yield "|---|---|---|---|---|"


def _line(name: str, sample: Sample, planned: Floats, mask: NDArray[np.bool_]) -> str:
    share = np.maximum(SHARE_LEAST, sample.share[mask])
    over = share / planned[mask] - 1
    passed = planned[mask] <= share + PRECISION / 2
    low, high = np.percentile(over, [10, 90])
    return f"| {name} | {mask.sum()} | {passed.mean():.0%} | {over.mean():+.1%} | {low:+.0%} to {high:+.0%} |"


def _by_gpus(sample: Sample) -> Groups:
    return [(str(n), sample.gpus == n) for n in GPUS]


def _by_cv(sample: Sample) -> Groups:
    return _between(CV_ENDS, sample.arrival_cv, lambda low, high: f"{low:g} to {high:g}")


def _by_models(sample: Sample) -> Groups:
    return [(str(count), sample.models == count) for count in np.unique(sample.models)]


def _by_worth(sample: Sample) -> Groups:
    """By w, here the mean that gives the case its x²."""
    worth = sample.arrival_cv**2 / (sample.gpus * sample.quadratic)
    return _between(
        WORTH_ENDS, worth, lambda low, high: f"{low:g} to {high:g}" if high < 1e9 else f"over {low:g}"
    )


def _between(ends: tuple[float, ...], value: Floats, name: Callable[[float, float], str]) -> Groups:
    return [(name(low, high), (low <= value) & (value < high)) for low, high in pairwise(ends)]


def draw_figure(sample: Sample, factors: Factors, path: Path) -> None:
    """Measured shares over x, with the formula; and planned against measured."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    x = np.sqrt(sample.quadratic)
    line = np.linspace(0, 1.5, 200)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    colours = left.scatter(x, sample.share, s=5, c=np.log2(sample.gpus), cmap="viridis", linewidths=0)
    left.plot(line, 1 / (1 + factors.linear * line + factors.quadratic * line**2), color="black", lw=1.5)
    left.set(xlabel="x = c_v / √(n w)", ylabel="usable share", xlim=(0, 1.5), ylim=(0, 1.06))
    figure.colorbar(colours, ax=left, label="log₂ of GPUs")
    held = sample.held_out
    right.scatter(sample.share[held], factors.planned(sample)[held], s=6, color="tab:blue", linewidths=0)
    right.plot([0, 1.06], [0, 1.06], color="black", lw=1)
    right.set(xlabel="share that simulation carries", ylabel="share planned", xlim=(0, 1.06), ylim=(0, 1.06))
    right.set_title("held-out cases; below the line: enough GPUs are planned", fontsize=9)
    figure.savefig(path, dpi=80, metadata={"Software": None})
    plt.close(figure)
