"""``--plot`` of ``fermata simulate``: which file, which window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from api.cli.output import ExitCode, fail

if TYPE_CHECKING:
    from dispatcher.simulation.scenario import Scenario
    from dispatcher.simulation.simulate import Simulation

ENDINGS = (".html", ".png")
BATCHES_MAX = 20_000
"""More are neither seen nor scrolled through smoothly; the window is cut there."""
US_PER_S = 1_000_000


def check_plot(path: Path) -> None:
    """An ending that is not known, or a folder that is not there, ends the command with exit status 2."""
    if path.suffix.lower() not in ENDINGS:
        fail(f"--plot must end in {' or '.join(ENDINGS)}, got {str(path)!r}", code=ExitCode.BAD_INPUT)
    if not path.parent.is_dir():
        fail(f"--plot: there is no folder {str(path.parent)!r}", code=ExitCode.BAD_INPUT)


def window_us(scenario: Scenario, from_s: float | None, length_s: float) -> tuple[int, int]:
    """The window that is drawn: from the end of the warm-up where nothing else is said, within the run."""
    from_us = scenario.warmup_us if from_s is None else round(from_s * US_PER_S)
    if from_us >= scenario.duration_us:
        fail(
            f"--plot-from-s must be less than the scenario's duration_s, "
            f"{scenario.duration_us / US_PER_S:g}, got {from_s:g}",
            code=ExitCode.BAD_INPUT,
        )
    return from_us, min(scenario.duration_us, from_us + max(1, round(length_s * US_PER_S)))


def run_and_plot(
    scenario: Scenario, simulation: Simulation, window: tuple[int, int], title: str, path: Path
) -> None:
    """Run a new simulation to its end and draw its window."""
    from api.plot.image import write_image
    from api.plot.page import write_page
    from api.plot.picture import picture
    from dispatcher.simulation.timeline import run_with_timeline

    timeline = run_with_timeline(simulation, *window, BATCHES_MAX)
    names = [model.id for model in scenario.models]
    drawn = picture(timeline, names, scenario.gpu_count, title=title, asked_to_us=window[1])
    write = write_image if path.suffix.lower() == ".png" else write_page
    try:
        write(drawn, path)
    except OSError as error:
        fail(f"cannot write {path}: {error.strerror or error}")
    except ImportError as error:
        fail(
            f"--plot to a .png needs {error.name}, which is not installed",
            hint="install fermata-serving[server], or plot to a .html file, which needs nothing",
        )
