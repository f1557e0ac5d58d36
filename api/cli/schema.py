"""``fermata schema``: the JSON Schema of each file format."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from importlib import resources
from typing import Annotated

import typer


class Format(StrEnum):
    PROBLEM = "problem"
    PLAN = "plan"
    SCENARIO = "scenario"


_HOMES = {
    Format.PROBLEM: ("planner.problem", "problem.schema.json"),
    Format.PLAN: ("planner.plan", "plan.schema.json"),
    Format.SCENARIO: ("dispatcher.simulation", "scenario.schema.json"),
}


def schema(
    name: Annotated[Format, typer.Argument(help="Which file format.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON is the only form; accepted for uniformity.")
    ] = False,
) -> None:
    """
    Print the JSON Schema of a file format.

    Example: fermata schema problem > problem.schema.json
    """
    package, file = _HOMES[name]
    document = json.loads(resources.files(package).joinpath(file).read_text(encoding="utf-8"))
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
