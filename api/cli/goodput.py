"""``fermata goodput``: how far the rates of a scenario can be raised."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import ExitCode, emit, fail, talk
from api.cli.scenario_file import load_scheduler, read_scenario
from dispatcher.core.rules import DropRule, Policy, Rules

if TYPE_CHECKING:
    from dispatcher.simulation.goodput import Goodput, Judgement


def goodput(
    scenario: Annotated[Path, typer.Argument(help="Scenario file, YAML or JSON.", show_default=False)],
    policy: Annotated[
        Policy, typer.Option(help="When a batch that could start does start.")
    ] = Policy.ADAPTIVE,
    drop: Annotated[
        DropRule | None,
        typer.Option(help="Which waiting requests are given up; the policy's own if left out."),
    ] = None,
    bad_rate_max: Annotated[
        float, typer.Option(min=0.0001, max=0.5, help="The largest bad rate of the worst model.")
    ] = 0.01,
    precision: Annotated[
        float, typer.Option(min=0.0001, max=0.5, help="Relative precision of the scale found.")
    ] = 0.005,
    seed: Annotated[int | None, typer.Option(min=0, help="Takes the place of the scenario's seed.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The answer as JSON.")] = False,
) -> None:
    """
    Find the largest scale of all rates at which the worst model keeps its bad rate.

    Example: fermata goodput examples/scenario.yaml --policy deferred
    """
    parsed = read_scenario(scenario)
    from dispatcher.simulation.goodput import Unscalable, find_goodput

    used_seed = parsed.seed if seed is None else seed
    rules = Rules(policy, drop)
    load_scheduler()
    try:
        found = find_goodput(
            parsed,
            rules,
            seed=used_seed,
            bad_rate_max=bad_rate_max,
            precision=precision,
            tell=_tell if talk.is_terminal else None,
        )
    except Unscalable as error:
        fail(f"{scenario}: {error}", code=ExitCode.BAD_INPUT)
    data = {
        "policy": policy.value,
        "drop": rules.drop_rule.value,
        "seed": used_seed,
        "bad_rate_max": bad_rate_max,
        "precision": precision,
        **_answer(found),
    }
    emit(data, as_json=as_json, human=lambda: _show(found, bad_rate_max))
    if found.best is None:
        raise typer.Exit(ExitCode.UNSERVED)


def _answer(found: Goodput) -> dict[str, object]:
    best = found.best
    return {
        "goodput_rps": 0.0 if best is None else best.goodput_rps,
        "scale": 0.0 if best is None else best.scale,
        "offered_rps": 0.0 if best is None else best.offered_rps,
        "bad_rate": None if best is None else best.bad_rate,
        "worst_model_bad_rate": None if best is None else best.worst_bad_rate,
        "worst_model": None if best is None else best.worst,
        "models_judged_together": 0 if best is None else best.judged_together,
        "simulations": found.simulations,
        "reason": found.reason,
    }


def _tell(judgement: Judgement) -> None:
    verdict = "kept" if judgement.passed else "not kept"
    talk.print(
        f"scale {judgement.scale:.4g}: {judgement.offered_rps:,.1f} rps, worst bad rate "
        f"{judgement.worst_bad_rate:.3%} ({judgement.worst}), {verdict}"
    )


def _show(found: Goodput, bad_rate_max: float) -> None:
    best = found.best
    if best is None:
        typer.echo(f"goodput 0: {found.reason}")
        return
    typer.echo(
        f"goodput {best.goodput_rps:,.1f} of {best.offered_rps:,.1f} rps offered, {best.scale:.4g} times the "
        f"scenario's rates"
    )
    typer.echo(
        f"bad rate {best.bad_rate:.3%}, worst {best.worst_bad_rate:.3%} ({best.worst}), "
        f"limit {bad_rate_max:.3%}; {found.simulations} simulations"
    )
    if best.judged_together:
        typer.echo(
            f"{best.judged_together} model(s) of few requests were judged together; "
            f"with a longer duration_s each is judged by itself"
        )
    if found.reason is not None:
        typer.echo(f"the search ended early: {found.reason}")
