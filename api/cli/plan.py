"""``fermata plan``: solve, verify, certify, compare, roll out and export plans, from files."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from api.cli import plan_explain, plan_tables
from api.cli.interrupt import interruptible
from api.cli.output import ExitCode, emit, fail, read_json, talk

if TYPE_CHECKING:
    from planner.plan.plan import Plan
    from planner.problem.problem import PlanningProblem
    from planner.solvers import Progress

Result = TypeVar("Result")
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
    Ctrl-C ends the search with the best plan so far, which is printed under the same exit statuses.

    Example: fermata plan solve examples/problem.json --time-limit-s 60 --output plan.json
    """
    from planner.plan.codec import plan_to_json
    from planner.solvers import solve as solve_problem

    if not 0 < time_limit_s < float("inf"):
        fail(f"--time-limit-s must be a number above 0, got {time_limit_s}", code=ExitCode.BAD_INPUT)
    question = _problem(problem)
    outcome = interruptible(
        lambda stop: solve_problem(
            question,
            solver=solver.value,
            time_limit_s=time_limit_s,
            seed=seed,
            progress=_tell_progress,
            stop=stop,
        )
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
        talk.print(f"hint: fermata plan explain {problem} says which rules clash and what would help")
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
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=2**31 - 1, help="Seed of the arrivals; default: that of every planning run."),
    ] = None,
    processes: Annotated[
        int, typer.Option(min=1, max=1_024, help="Processes to share the sub-clusters among.")
    ] = 1,
    output: Annotated[
        Path | None,
        typer.Option(help="Find the fewest GPUs that pass, and write the plan with them to this file."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the certificate as JSON.")] = False,
) -> None:
    """
    Simulate each sub-cluster at its worst epochs; exit status 1 if one does not keep the bad rate.

    Ctrl-C ends the work after the sub-clusters begun; those not reached are printed as undecided.

    Example: fermata plan certify examples/problem.json plan.json --seed 7
    """
    from planner.certify import SEED, Budget, certified_plan
    from planner.certify import certify as certify_plan
    from planner.certify.codec import certificate_to_json
    from planner.executor import executor_of
    from planner.plan.codec import plan_to_json

    if duration_s is not None and not 0 < duration_s < float("inf"):
        fail(f"--duration-s must be a number above 0, got {duration_s}", code=ExitCode.BAD_INPUT)
    question, answer = _problem(problem), _plan(plan)
    _require_valid(question, answer)
    way: dict[str, Any] = {
        "seed": SEED if seed is None else seed,
        "budget": Budget(min(Budget().replications_min, seeds), seeds, duration_s),
        "executor": executor_of(processes),
        "progress": _tell_certified,
    }
    if output is None:
        certificate = _as_far_as_certified(lambda stop: certify_plan(question, answer, **way, stop=stop))
    else:
        sized, certificate = _as_far_as_certified(
            lambda stop: certified_plan(question, answer, **way, stop=stop)
        )
        _write(output, json.dumps(plan_to_json(sized), indent=2, allow_nan=False) + "\n")
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
def rollout(
    problem: ProblemFile,
    before: Annotated[Path, typer.Argument(help="The running plan (JSON).", show_default=False)],
    after: Annotated[Path, typer.Argument(help="The plan to go to (JSON).", show_default=False)],
    epoch: Annotated[int, typer.Option(min=0, help="Epoch of AFTER; its demand is carried.")] = 0,
    epoch_before: Annotated[
        int | None, typer.Option(min=0, help="Epoch of BEFORE that is running; default: the same number.")
    ] = None,
    load_gib_per_s: Annotated[float, typer.Option(help="How fast a GPU loads weights.")] = 1.0,
    no_loss: Annotated[
        bool, typer.Option("--no-loss", help="Refuse instead of leaving demand out for a while.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the waves as JSON.")] = False,
) -> None:
    """
    Order the loads, unloads and switches from one plan to another in waves that keep serving.

    Exit status 3: there is no such order; what is missing is named. Exit status 5: AFTER breaks a rule.

    Example: fermata plan rollout examples/problem.json before.json after.json --load-gib-per-s 2
    """
    from api.cli.rollout_tables import show_rollout
    from planner.rollout.codec import rollout_to_json
    from planner.rollout.rollout import RolloutRefused
    from planner.rollout.rollout import rollout as ordered

    question, running, following = _problem(problem), _plan(before), _plan(after)
    _require_valid(question, following)
    try:
        found = ordered(
            question,
            running,
            following,
            epoch=epoch,
            epoch_before=epoch_before,
            loss_allowed=not no_loss,
            load_gib_per_s=load_gib_per_s,
        )
    except ValueError as error:
        fail(str(error).rstrip("."), code=ExitCode.BAD_INPUT)
    except RolloutRefused as refused:
        if as_json:
            emit({"refused": list(refused.reasons)}, as_json=True, human=lambda: None)
        hint = "allow a temporary loss by leaving out --no-loss" if no_loss else None
        fail("; ".join(refused.reasons), hint=hint, code=ExitCode.UNSERVED)
    emit(rollout_to_json(found), as_json=as_json, human=lambda: show_rollout(found))


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


app.command()(plan_explain.explain)
app.command()(plan_explain.what_if)


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
    apart = "" if progress.gap is None else f", gap {progress.gap:.2%}"
    talk.print(f"  {progress.runtime_s:6.1f} s  {incumbent} USD/h{bound}{apart}", style="dim")


def _as_far_as_certified(work: Callable[[Callable[[], bool]], Result]) -> Result:
    return interruptible(work, keeps="what is certified so far")


def _tell_certified(done: int, of: int) -> None:
    talk.print(f"  {done} of {of} sub-clusters certified", style="dim")
