"""``fermata plan explain`` and ``fermata plan what-if``: answers about a problem and its plans."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import explain_tables
from api.cli.interrupt import interruptible
from api.cli.output import ExitCode, emit, fail, read_json, talk

if TYPE_CHECKING:
    from planner.plan.plan import Plan
    from planner.problem.problem import PlanningProblem

SOLVE_SHARE = 0.3  # of the time, for a plan where none is given


def explain(
    problem: Annotated[Path, typer.Argument(help="Problem file (JSON).", show_default=False)],
    plan: Annotated[
        Path | None,
        typer.Argument(help="Plan file (JSON); without one it is solved first.", show_default=False),
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="List the alternatives refused for this model; repeatable.")
    ] = None,
    against: Annotated[
        list[Path] | None, typer.Option(help="Another plan of the problem (JSON) to regret; repeatable.")
    ] = None,
    worlds: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="Demand worlds to draw for --against.")
    ] = 1_000,
    demand_cv: Annotated[
        float, typer.Option(min=0.0, max=10.0, help="Variation of demand in the worlds.")
    ] = 0.2,
    time_limit_s: Annotated[float, typer.Option(help="Most seconds to spend on solving again.")] = 60.0,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Seed of the searches and worlds.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the explanation as JSON.")] = False,
) -> None:
    """
    Say why a plan is as it is: what clashes and would help, what binds, what was refused, what rules cost.

    Exit status 3: demand is left unserved; the explanation says why.

    Example: fermata plan explain examples/problem-tight.json
    """
    from planner.explain.codec import explanation_to_json, regret_to_json
    from planner.explain.explanation import explain as explain_plan
    from planner.explain.regret import regret

    _require_time(time_limit_s)
    question = _problem(problem)
    for name in model or []:
        if name not in question.models:
            from planner.problem.names import nearest

            hint = nearest(name, question.models).removeprefix("; ")
            fail(f"--model {name}: no such model in {problem}", hint=hint, code=ExitCode.BAD_INPUT)
    if plan is None:
        answer = _solved(question, time_limit_s * SOLVE_SHARE, seed)
        time_limit_s *= 1 - SOLVE_SHARE
    else:
        answer = _plan(question, plan)
    others = [_plan(question, path) for path in against or []]
    found = interruptible(
        lambda stop: explain_plan(
            question, answer, models=model or (), time_limit_s=time_limit_s, seed=seed, stop=stop
        )
    )
    regrets = (
        regret(question, [answer, *others], worlds=worlds, demand_cv=demand_cv, seed=seed) if others else None
    )
    document = explanation_to_json(found) | {"regret": None if regrets is None else regret_to_json(regrets)}
    names = [str(plan or "the plan"), *map(str, against or [])]
    emit(document, as_json=as_json, human=lambda: explain_tables.show_explanation(found, regrets, names))
    if answer.unserved:
        raise typer.Exit(ExitCode.UNSERVED)


def what_if(
    problem: Annotated[Path, typer.Argument(help="Problem file (JSON).", show_default=False)],
    changes: Annotated[
        list[str],
        typer.Option("--set", help="A change, as in inventory.A100=+20; repeatable.", show_default=False),
    ],
    plan: Annotated[Path | None, typer.Option(help="A plan of the unchanged problem to start from.")] = None,
    time_limit_s: Annotated[float, typer.Option(help="Most seconds for both sides together.")] = 60.0,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Seed of the searches.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print both sides as JSON.")] = False,
) -> None:
    """
    Solve a problem as it is and as it would be with some values changed, side by side.

    Exit status 3: with the change, demand is left unserved. Exit status 4: no plan in time.

    Example: fermata plan what-if examples/problem.json --set inventory.T4=+20 --set models.ResNet50.slo_ms=30
    """
    from planner.explain.codec import what_if_to_json
    from planner.explain.settings import parse_settings
    from planner.explain.what_if import what_if as ask_what_if

    _require_time(time_limit_s)
    question = _problem(problem)
    settings = parse_settings(changes)
    start = _plan(question, plan) if plan else None
    found = interruptible(
        lambda stop: ask_what_if(
            question, settings, plan=start, time_limit_s=time_limit_s, seed=seed, stop=stop
        )
    )
    if found is None:
        fail(
            f"no plan of both sides within {time_limit_s:g} s",
            hint="raise --time-limit-s",
            code=ExitCode.NO_PLAN_IN_TIME,
        )
    emit(what_if_to_json(found), as_json=as_json, human=lambda: explain_tables.show_what_if(found))
    if found.after.plan.unserved:
        raise typer.Exit(ExitCode.UNSERVED)


def _solved(problem: PlanningProblem, time_limit_s: float, seed: int) -> Plan:
    from planner.solvers import solve

    talk.print(f"no plan given: solving for at most {time_limit_s:g} s", style="dim")
    outcome = interruptible(lambda stop: solve(problem, time_limit_s=time_limit_s, seed=seed, stop=stop))
    if outcome.plan is None:
        fail(f"no plan within {time_limit_s:g} s", hint="raise --time-limit-s", code=ExitCode.NO_PLAN_IN_TIME)
    return outcome.plan


def _problem(path: Path) -> PlanningProblem:
    from planner.problem.parse import parse_problem

    return parse_problem(read_json(path))


def _plan(problem: PlanningProblem, path: Path) -> Plan:
    """The file's plan; exit status 5 where it breaks a rule of the problem."""
    from api.cli.plan_tables import show_violations
    from planner.plan.codec import parse_plan
    from planner.plan.verify import verify

    plan = parse_plan(read_json(path))
    found = verify(problem, plan)
    if found:
        show_violations(found, console=talk)
        fail(f"{path} breaks {len(found)} rule(s) of its problem", code=ExitCode.VERIFICATION_FAILED)
    return plan


def _require_time(time_limit_s: float) -> None:
    if not 0 < time_limit_s < float("inf"):
        fail(f"--time-limit-s must be a number above 0, got {time_limit_s}", code=ExitCode.BAD_INPUT)
