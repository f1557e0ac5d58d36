"""``fermata plan``: solve, verify, certify, compare and export plans, from files."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from api.cli import plan_tables
from api.cli.output import ExitCode, emit, fail, read_json, talk

if TYPE_CHECKING:
    from planner.plan.plan import Plan
    from planner.problem.problem import PlanningProblem
    from planner.solvers import Progress

app = typer.Typer(help="Plans: which models share which GPUs.", no_args_is_help=True)

ProblemFile = Annotated[Path, typer.Argument(help="Problem file (JSON).", show_default=False)]
PlanFile = Annotated[Path, typer.Argument(help="Plan file (JSON).", show_default=False)]


class SolverName(StrEnum):
    AUTO = "auto"
    HIGHS = "highs"
    CP_SAT = "cp-sat"
    COLUMNS = "columns"
    GREEDY = "greedy"


class ExportFormat(StrEnum):
    LP = "lp"
    MPS = "mps"


@app.command()
def solve(
    problem: ProblemFile,
    solver: Annotated[SolverName, typer.Option(help="Who solves.")] = SolverName.AUTO,
    time_limit_s: Annotated[float, typer.Option(help="Most seconds to spend.")] = 60.0,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Seed of the search.")] = 0,
    output: Annotated[Path | None, typer.Option(help="Write the plan (JSON) to this file too.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
) -> None:
    """
    Find the cheapest plan that serves all demand, verify it and print it.

    Exit status 3: demand is left unserved; the plan is printed all the same. Exit status 4: no plan in time.

    Example: fermata plan solve examples/problem.json --time-limit-s 60 --output plan.json
    """
    from planner.plan.codec import plan_to_json
    from planner.solvers import solve as solve_problem

    if not 0 < time_limit_s < float("inf"):
        fail(f"--time-limit-s must be a number above 0, got {time_limit_s}", code=ExitCode.BAD_INPUT)
    question = _problem(problem)
    outcome = solve_problem(
        question, solver=solver.value, time_limit_s=time_limit_s, seed=seed, progress=_tell_progress
    )
    if outcome.plan is None:
        fail(
            f"no plan within {time_limit_s:g} s",
            hint="raise --time-limit-s, or use --solver greedy",
            code=ExitCode.NO_PLAN_IN_TIME,
        )
    document = plan_to_json(outcome.plan)
    if output is not None:
        _write(output, json.dumps(document, indent=2, allow_nan=False) + "\n")
    emit(document, as_json=as_json, human=lambda: plan_tables.show_plan(question, outcome.plan))
    talk.print(f"{outcome.status} after {outcome.runtime_s:.1f} s")
    if outcome.plan.unserved:
        raise typer.Exit(ExitCode.UNSERVED)


@app.command()
def verify(
    problem: ProblemFile,
    plan: PlanFile,
    as_json: Annotated[bool, typer.Option("--json", help="Print the violations as JSON.")] = False,
) -> None:
    """
    Check a plan against its problem; exit status 5 if it breaks a rule, each one named.

    Example: fermata plan verify examples/problem.json plan.json
    """
    from planner.plan.verify import verify as violations_of

    found = violations_of(_problem(problem), _plan(plan))
    document = {
        "valid": not found,
        "violations": [
            {"constraint": v.constraint, "message": v.message, "amount": float(v.amount)} for v in found
        ],
    }
    emit(document, as_json=as_json, human=lambda: plan_tables.show_violations(found))
    if found:
        raise typer.Exit(ExitCode.VERIFICATION_FAILED)


@app.command()
def certify(
    problem: ProblemFile,
    plan: PlanFile,
    seeds: Annotated[
        int, typer.Option(min=2, help="Most simulations of one epoch, each with its own arrivals.")
    ] = 24,
    duration_s: Annotated[
        float | None,
        typer.Option(help="Simulated seconds of each; default: as many as enough requests take."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the certificate as JSON.")] = False,
) -> None:
    """
    Simulate each sub-cluster at its worst epochs; exit status 1 if one does not keep the bad rate.

    Example: fermata plan certify examples/problem.json plan.json
    """
    from planner.certify import Budget
    from planner.certify import certify as certify_plan
    from planner.certify.codec import certificate_to_json

    if duration_s is not None and not 0 < duration_s < float("inf"):
        fail(f"--duration-s must be a number above 0, got {duration_s}", code=ExitCode.BAD_INPUT)
    question, answer = _problem(problem), _plan(plan)
    _require_valid(question, answer)
    default = Budget()
    budget = Budget(min(default.replications_min, seeds), seeds, duration_s)
    certificate = certify_plan(question, answer, budget=budget)
    emit(
        certificate_to_json(certificate),
        as_json=as_json,
        human=lambda: plan_tables.show_certificate(certificate),
    )
    if not certificate.passed:
        raise typer.Exit(ExitCode.FAILURE)


@app.command()
def diff(
    problem: ProblemFile,
    before: Annotated[Path, typer.Argument(help="The plan to come from (JSON).", show_default=False)],
    after: Annotated[Path, typer.Argument(help="The plan to go to (JSON).", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print the difference as JSON.")] = False,
) -> None:
    """
    Compare two plans: what moves and why, what it costs, what has to be loaded.

    Example: fermata plan diff examples/problem.json before.json after.json
    """
    from planner.plan.difference import difference, difference_to_json

    found = difference(_plan(before), _plan(after), _problem(problem))
    emit(difference_to_json(found), as_json=as_json, human=lambda: plan_tables.show_difference(found))


@app.command()
def export(
    problem: ProblemFile,
    form: Annotated[
        ExportFormat, typer.Option("--format", help="LP to read, MPS for other solvers.")
    ] = ExportFormat.LP,
    as_json: Annotated[bool, typer.Option("--json", help="Print the text inside a JSON object.")] = False,
) -> None:
    """
    Print the integer program (dollars per hour, all demand served) as text.

    Example: fermata plan export examples/problem.json --format lp
    """
    from planner.formulation.export import export as export_text
    from planner.solvers.portfolio import guided_formulation

    text = export_text(guided_formulation(_problem(problem)), form.value)
    emit({"format": form.value, "text": text}, as_json=as_json, human=lambda: typer.echo(text, nl=False))


def _problem(path: Path) -> PlanningProblem:
    from planner.problem.parse import parse_problem

    return parse_problem(read_json(path))


def _plan(path: Path) -> Plan:
    from planner.plan.codec import parse_plan

    return parse_plan(read_json(path))


def _require_valid(problem: PlanningProblem, plan: Plan) -> None:
    from planner.plan.verify import verify as violations_of

    found = violations_of(problem, plan)
    if found:
        plan_tables.show_violations(found, console=talk)
        _invalid(len(found))


def _invalid(count: int) -> NoReturn:
    fail(f"the plan breaks {count} rule(s) of its problem", code=ExitCode.VERIFICATION_FAILED)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"cannot write {path}: {error.strerror}", code=ExitCode.BAD_INPUT)


def _tell_progress(progress: Progress) -> None:
    incumbent = "-" if progress.incumbent is None else f"{progress.incumbent:.3f}"
    bound = "" if progress.bound is None else f", bound {progress.bound:.3f}"
    talk.print(f"  {progress.runtime_s:6.1f} s  {incumbent} USD/h{bound}", style="dim")
