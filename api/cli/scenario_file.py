"""What commands on YAML files share: reading them, having the scheduler compiled."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from api.cli.output import ExitCode, fail, read_text, talk

if TYPE_CHECKING:
    from dispatcher.simulation.scenario import Scenario


def read_scenario(path: Path) -> Scenario:
    """The scenario in the file; faults end the command with exit status 2."""
    document = read_yaml(path)
    from dispatcher.simulation.parse import parse_scenario

    return parse_scenario(document, folder=path.parent)


def load_scheduler() -> None:
    """Have the simulator's kernels loaded; says so on stderr where they must be compiled first."""
    from dispatcher.compilation import COMPILING, are_compiled
    from dispatcher.simulation.simulate import KERNELS, load_kernels

    if are_compiled(KERNELS):
        load_kernels()
        return
    talk.print(COMPILING)
    began_s = time.perf_counter()
    load_kernels()
    talk.print(f"compiled in {time.perf_counter() - began_s:.0f} s")


def read_yaml(path: Path) -> object:
    """The file's content; one that is neither YAML nor JSON ends the command with exit status 2."""
    import yaml

    text = read_text(path)
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "cannot be read"
        fail(f"{path} is not valid YAML: {problem}{place}", code=ExitCode.BAD_INPUT)
