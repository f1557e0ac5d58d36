"""``fermata simulate``: a scenario under a virtual clock."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from api.cli.output import emit
from api.cli.plot_option import check_plot, run_and_plot, window_us
from api.cli.scenario_file import load_scheduler, read_scenario
from dispatcher.core.rules import TIME_QUANTILES, DropRule, Policy, Rules

TIME_QUANTILE_HELP = "Schedule by this quantile of measured execution times; by the profile if left out."


def simulate(
    scenario: Annotated[Path, typer.Argument(help="Scenario file, YAML or JSON.", show_default=False)],
    policy: Annotated[
        Policy, typer.Option(help="When a batch that could start does start.")
    ] = Policy.ADAPTIVE,
    drop: Annotated[
        DropRule | None,
        typer.Option(help="Which waiting requests are given up; the policy's own if left out."),
    ] = None,
    time_quantile: Annotated[
        float | None,
        typer.Option(min=TIME_QUANTILES[0], max=TIME_QUANTILES[1], help=TIME_QUANTILE_HELP),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Takes the place of the scenario's seed.")] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw batches by GPU, queues and hold factor: a .html page or a .png image."),
    ] = None,
    plot_from_s: Annotated[
        float | None, typer.Option(min=0, help="Where the drawing begins; after the warm-up if left out.")
    ] = None,
    plot_s: Annotated[float, typer.Option(min=0.001, help="How much time is drawn.")] = 2.0,
    as_json: Annotated[bool, typer.Option("--json", help="The whole result as JSON.")] = False,
) -> None:
    """
    Run a scenario under a virtual clock.

    Example: fermata simulate examples/scenario.yaml --policy deferred --plot run.html
    """
    if plot is not None:
        check_plot(plot)
    parsed = read_scenario(scenario)
    window = window_us(parsed, plot_from_s, plot_s)
    from dispatcher.simulation.simulate import new_simulation, result_of

    used_seed = parsed.seed if seed is None else seed
    rules = Rules(policy, drop, time_quantile=time_quantile)
    load_scheduler()
    simulation = new_simulation(parsed, rules, seed=used_seed)
    began_s = time.perf_counter()
    simulation.run_on()
    wall_s = time.perf_counter() - began_s
    result = result_of(parsed, simulation)
    data = {
        "policy": policy.value,
        "drop": rules.drop_rule.value,
        "time_quantile": time_quantile,
        "seed": used_seed,
        "simulated_requests_per_wall_second": len(simulation.requests.arrival_us) / wall_s,
        **result.to_json(),
    }
    from api.cli.simulate_tables import show_result

    emit(data, as_json=as_json, human=lambda: show_result(result, policy.value, used_seed))
    if plot is not None:
        title = f"{scenario.name}: {policy.value}, drop {rules.drop_rule.value}, seed {used_seed}"
        run_and_plot(parsed, new_simulation(parsed, rules, seed=used_seed), window, title, plot)
