"""``fermata demo``: the whole loop on real input, with emulated GPUs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.output import ExitCode, fail


def demo(
    exit_at_end: Annotated[
        bool, typer.Option("--exit", help="End after the last step instead of leaving the console open.")
    ] = False,
    folder: Annotated[Path, typer.Option(help="Where the demo keeps its database and logs.")] = Path(
        "var/demo"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the API; 0 takes any free one.")] = 0,
    fleet_gpus: Annotated[
        int, typer.Option(min=8, max=400, help="Scale the demand to a fleet of about so many GPUs.")
    ] = 24,
    seconds: Annotated[
        float, typer.Option(min=5, max=300, help="How long the live sub-clusters are driven.")
    ] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Seed of arrivals and solver.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the figures as JSON on stdout at the end.")
    ] = False,
) -> None:
    """
    Forecast, plan, certificate, dispatch, observed load, replan: once around, on this machine.

    Demand is one day of a production trace; GPUs are emulated from measured profiles; one
    model really computes. Exit status 0 only if every step succeeded.

    Example: fermata demo --exit
    """
    from api.demo.control import ApiRefused
    from api.demo.loop import DemoFailed, DemoOptions, run_demo
    from api.demo.processes import ProcessFailed

    options = DemoOptions(folder, port, fleet_gpus, seconds, seed, stay_open=not exit_at_end, as_json=as_json)
    try:
        run_demo(options)
    except (ApiRefused, DemoFailed, ProcessFailed) as error:
        fail(str(error), hint=f"logs are in {folder}", code=ExitCode.FAILURE)
