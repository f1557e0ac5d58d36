"""``fermata worker``: run one GPU of a sub-cluster."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import ExitCode, fail, say_alive

if TYPE_CHECKING:
    from dispatcher.contract.wire import Load


def worker(
    connect: Annotated[str, typer.Option(help="The dispatcher's worker endpoint.")],
    gpu: Annotated[int, typer.Option(min=0, help="Which GPU of the sub-cluster this is, counted from 0.")],
    heartbeats: Annotated[
        bool, typer.Option("--heartbeats", help="Print a line each second, for whoever watches the process.")
    ] = False,
    emulated_memory_gib: Annotated[
        float | None, typer.Option(min=0.0, help="What emulated models may take together; default: no limit.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Log lines in JSON also at a terminal; stdout is JSON either way.")
    ] = False,
) -> None:
    """
    Execute batches for a dispatcher, one at a time, on one GPU.

    Prints one JSON line each time its models are loaded and it may be sent batches. Waits
    for a dispatcher that is not there yet and rejoins one that was restarted. On SIGTERM or
    SIGINT it asks for no more batches, finishes those it has, and ends. Exit status 2: a model that can
    never be loaded as it is given; 1: another try may go better.

    Example: fermata worker --connect tcp://127.0.0.1:7000 --gpu 0
    """
    from dispatcher.runtime.log import configure_logs
    from dispatcher.runtime.worker_daemon import WorkerDaemon, WorkerFailed

    configure_logs(as_json=as_json, daemon="worker", gpu=gpu)

    def say(**told: object) -> None:
        import msgspec

        sys.stdout.write(msgspec.json.encode({"gpu": gpu, **told}).decode() + "\n")
        sys.stdout.flush()

    def announce(models: Sequence[str], loads: Sequence[Load]) -> None:
        import os

        say(pid=os.getpid(), models=models, loads=loads)

    try:
        WorkerDaemon(
            connect, gpu, announce, say_alive if heartbeats else None, emulated_memory_gib=emulated_memory_gib
        ).run()
    except WorkerFailed as error:
        if error.model is not None:
            say(fault=str(error))
        fail(str(error), code=ExitCode.FAILURE if error.may_pass else ExitCode.BAD_INPUT)
