"""How commands speak: data on stdout, talk on stderr, errors as ``error:`` then ``hint:``."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import NoReturn

import typer
from rich.console import Console

talk = Console(stderr=True, highlight=False)


class ExitCode(IntEnum):
    """What every command's exit status means."""

    OK = 0
    FAILURE = 1
    BAD_INPUT = 2
    UNSERVED = 3  # infeasible, or demand left unserved
    NO_PLAN_IN_TIME = 4
    VERIFICATION_FAILED = 5


def emit(data: object, *, as_json: bool, human: Callable[[], None]) -> None:
    """Put the answer on stdout: JSON for machines, or whatever ``human`` prints."""
    if as_json:
        sys.stdout.write(json.dumps(data, indent=2, allow_nan=False) + "\n")
    else:
        human()


def fail(message: str, *, hint: str | None = None, code: int = ExitCode.FAILURE) -> NoReturn:
    """Say what is wrong and, if something can be done, what; then end with ``code``."""
    sys.stderr.write(f"error: {message}\n")
    if hint:
        sys.stderr.write(f"hint: {hint}\n")
    raise typer.Exit(code)


def read_text(path: Path | str) -> str:
    """The file's text; a file that cannot be read ends the command with exit status 2."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        fail(f"cannot read {path}: {reason}", code=ExitCode.BAD_INPUT)


def read_json(path: Path | str) -> object:
    """The file's JSON; a file that is not JSON ends the command with exit status 2."""
    try:
        return json.loads(read_text(path), parse_constant=_constant)
    except json.JSONDecodeError as error:
        fail(
            f"{path} is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}",
            hint="the file may be truncated; `python -m json.tool FILE` shows the place",
            code=ExitCode.BAD_INPUT,
        )


def _constant(name: str) -> float:
    """Keep NaN and infinities, so that the parser behind names the field that holds them."""
    return {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}[name]


def say_alive() -> None:
    """One line for whoever watches this process."""
    sys.stdout.write('{"alive":true}\n')
    sys.stdout.flush()
