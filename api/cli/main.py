"""The ``fermata`` command: every door of the product, one sub-command each."""

from __future__ import annotations

import sys

import typer

from api.cli import (
    audit,
    db,
    demo,
    dispatcher,
    fleet,
    forecast,
    goodput,
    load,
    node,
    observed,
    plan,
    plan_control,
    profile,
    profile_drift,
    replay,
    run,
    schedule,
    schema,
    serve,
    simulate,
    token,
    up,
    worker,
)
from api.cli.output import ExitCode
from profiles.faults import InputInvalid

app = typer.Typer(
    name="fermata",
    help="Plan and run the inference of many deep-learning models on a fleet of GPUs.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(plan.app, name="plan")
app.add_typer(profile.app, name="profile")
profile.app.command("drift")(profile_drift.drift)
app.add_typer(db.app, name="db")
app.add_typer(forecast.app, name="forecast")
app.add_typer(run.app, name="run")
app.add_typer(schedule.app, name="schedule")
app.command("replan")(schedule.replan)
app.add_typer(fleet.app, name="fleet")
app.add_typer(audit.app, name="audit")
for command in (
    plan_control.approve,
    plan_control.reject,
    plan_control.activate,
    plan_control.rollback,
    plan_control.progress,
):
    plan.app.command()(command)
app.add_typer(token.app, name="token")
app.command("init")(token.init)
app.add_typer(observed.app, name="observed")
app.command("simulate")(simulate.simulate)
app.command("goodput")(goodput.goodput)
app.command("replay")(replay.replay)
app.command("schema")(schema.schema)
app.command("serve")(serve.serve)
app.command("dispatcher")(dispatcher.dispatcher)
app.command("worker")(worker.worker)
app.command("node")(node.node)
app.command("up")(up.up)
app.command("load")(load.load)
app.command("demo")(demo.demo)


def main() -> None:
    """Run the command line; bad input ends with exit status 2 and every fault named."""
    try:
        app()
    except InputInvalid as error:
        sys.stderr.write(f"error: {error.subject} has {len(error.faults)} fault(s)\n")
        for fault in error.faults:
            sys.stderr.write(f"  {fault}\n")
        sys.exit(ExitCode.BAD_INPUT)


if __name__ == "__main__":
    main()
