"""``fermata simulate``: run a scenario under a virtual clock."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import ExitCode, emit, fail, read_text
from dispatcher.core.delays import Policy

if TYPE_CHECKING:
    from dispatcher.simulation.result import SimulationResult


def simulate(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (YAML or JSON).", show_default=False)],
    policy: Annotated[
        Policy, typer.Option(help="When a batch that could start does start.")
    ] = Policy.ADAPTIVE,
    seed: Annotated[int | None, typer.Option(min=0, help="Takes the place of the scenario's seed.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """
    Run a scenario with the dispatcher's own core: goodput, bad rate by reason, batch sizes, GPU busy share.

    The same seed gives the same result, bit for bit.

    Example: fermata simulate examples/scenario.yaml --policy deferred
    """
    import yaml

    from dispatcher.simulation.parse import parse_scenario
    from dispatcher.simulation.simulate import simulate as run

    try:
        data = yaml.safe_load(read_text(scenario))
    except yaml.YAMLError as error:
        fail(f"{scenario} is neither YAML nor JSON: {error}", code=ExitCode.BAD_INPUT)
    result = run(parse_scenario(data, folder=scenario.parent), policy, seed=seed)
    emit({"policy": policy.value, **result.to_json()}, as_json=as_json, human=lambda: _print(policy, result))


def _print(policy: Policy, result: SimulationResult) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    console.print(
        f"{policy.value}: goodput {result.goodput_rps:,.1f} requests/s, bad rate {result.bad_rate:.3%}, "
        f"mean batch {result.batch_size_mean:.2f}"
        f"\n{result.gpus_busy_mean:.2f} of {result.gpu_count} GPUs busy "
        f"({result.gpu_busy_share:.1%}), {result.gpus_touched} touched, hold factor {result.hold_factor:.2f}"
    )
    headers = (
        "model",
        "arrived",
        "in time",
        "late",
        "unreachable",
        "window",
        "rejected",
        "batch",
        "p50 ms",
        "p99 ms",
    )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for index, header in enumerate(headers):
        table.add_column(header, justify="left" if index == 0 else "right")
    for model in result.models:
        counts = (
            *(model.arrived, model.served_in_time, model.late),
            *(model.dropped_unreachable, model.dropped_window, model.rejected),
        )
        times = ("-" if ms is None else f"{ms:.2f}" for ms in (model.p50_ms, model.p99_ms))
        table.add_row(model.model_id, *map(str, counts), f"{model.batch_size_mean:.2f}", *times)
    console.print(table)
