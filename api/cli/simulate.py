"""``fermata simulate``: a scenario under a virtual clock."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import ExitCode, emit, fail, read_text

if TYPE_CHECKING:
    from dispatcher.simulation.result import ModelResult, SimulationResult

MODELS_SHOWN = 20
HEADINGS = (
    "goodput\nrps",
    "bad\nrate",
    "late",
    "unreach-\nable",
    "window",
    "re-\njected",
    "mean\nbatch",
    "p50\nms",
    "p99\nms",
)


class PolicyName(StrEnum):
    """The policies of ``dispatcher.core``, named here so that help needs no compiled code."""

    ADAPTIVE = "adaptive"
    DEFERRED = "deferred"
    EAGER = "eager"
    LATEST = "latest"
    TIMEOUT = "timeout"
    CLOCKWORK = "clockwork"
    NEXUS = "nexus"
    SHEPHERD = "shepherd"


class DropName(StrEnum):
    """The drop rules of ``dispatcher.core``."""

    WINDOW = "window"
    HOPELESS = "hopeless"
    NEVER = "never"


def simulate(
    scenario: Annotated[Path, typer.Argument(help="Scenario file, YAML or JSON.", show_default=False)],
    policy: Annotated[
        PolicyName, typer.Option(help="When a batch that could start does start.")
    ] = PolicyName.ADAPTIVE,
    drop: Annotated[
        DropName | None,
        typer.Option(help="Which waiting requests are given up; the policy's own if left out."),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Takes the place of the scenario's seed.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole result as JSON.")] = False,
) -> None:
    """
    Run a scenario under a virtual clock.

    Example: fermata simulate examples/scenario.yaml --policy deferred
    """
    document = _document(scenario)
    from dispatcher.core.rules import DropRule, Policy, Rules
    from dispatcher.simulation.parse import parse_scenario
    from dispatcher.simulation.simulate import simulate as run

    parsed = parse_scenario(document, folder=scenario.parent)
    used_seed = parsed.seed if seed is None else seed
    rules = Rules(Policy(policy.value), None if drop is None else DropRule(drop.value))
    result = run(parsed, rules, seed=used_seed)
    data = {"policy": policy.value, "drop": rules.drop_rule.value, "seed": used_seed, **result.to_json()}
    emit(data, as_json=as_json, human=lambda: _show(result, policy, used_seed))


def _document(path: Path) -> object:
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


def _show(result: SimulationResult, policy: PolicyName, seed: int) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    console.print(
        f"{policy.value}, seed {seed}: {result.arrived:,} requests in {result.duration_s:g} s "
        f"on {result.gpu_count} GPUs"
    )
    console.print(
        f"goodput {result.goodput_rps:,.1f} rps   bad rate {result.bad_rate:.3%}   "
        f"mean batch {result.batch_size_mean:.2f}   hold factor {result.hold_factor:.2f}"
    )
    console.print(
        f"GPUs busy {result.gpus_busy_mean:.2f} on average ({result.gpu_busy_share:.1%}), "
        f"{result.gpus_touched} touched\n"
    )
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("model", overflow="fold")
    for heading in HEADINGS:
        table.add_column(heading, justify="right", vertical="bottom", no_wrap=True)
    worst_first = sorted(result.models, key=lambda model: (-model.bad_rate, model.model_id))
    for model in worst_first[:MODELS_SHOWN]:
        table.add_row(*_row(model))
    console.print(table)
    if len(worst_first) > MODELS_SHOWN:
        console.print(
            f"and {len(worst_first) - MODELS_SHOWN} more models with a lower bad rate; --json shows all"
        )


def _row(model: ModelResult) -> list[str]:
    return [
        model.model_id,
        f"{model.goodput_rps:,.1f}",
        f"{model.bad_rate:.3%}",
        f"{model.late:,}",
        f"{model.dropped_unreachable:,}",
        f"{model.dropped_window:,}",
        f"{model.rejected:,}",
        f"{model.batch_size_mean:.2f}",
        "-" if model.p50_ms is None else f"{model.p50_ms:.2f}",
        "-" if model.p99_ms is None else f"{model.p99_ms:.2f}",
    ]
