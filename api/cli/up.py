"""``fermata up``: a whole sub-cluster on one machine."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import ExitCode, fail, talk
from api.cli.scenario_file import read_yaml

if TYPE_CHECKING:
    from api.try_out.bring_up import Addresses
    from api.try_out.config import TryOut


NOT_UP_HINT = (
    "a port that is taken: fields of `doors` choose others, 0 any that is free; a model that cannot be"
    " loaded: its worker's log says why"
)

BAD_INPUT_HINT = (
    "`backend`, `inputs` and `outputs` of the model in the try-out file must be as its own file has them,"
    " and the library that computes it installed"
)


def up(
    config: Annotated[Path, typer.Argument(help="Try-out file, YAML or JSON.", show_default=False)],
    folder: Annotated[
        Path | None,
        typer.Option(help="Where logs and the sub-cluster's file go; if left out, nothing is kept."),
    ] = None,
    ready_file: Annotated[
        Path | None, typer.Option(help="Written once every GPU serves: the addresses in JSON.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the addresses in JSON.")] = False,
) -> None:
    """
    Bring up one sub-cluster on this machine: dispatcher, doors, a worker for each GPU, emulated or real.

    Prints the addresses on stdout once every GPU serves. Processes that die are started again. Ctrl-C
    and SIGTERM drain: nothing more is accepted, what was accepted is answered, all processes end. A model
    that can never be loaded as it is given ends all at once, with status 2.

    Example: fermata up examples/up.yaml
    """
    from api.try_out.config import parse_try_out

    try_out = parse_try_out(read_yaml(config))
    _require_files(try_out)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ready.json").unlink(missing_ok=True)
        _run(try_out, folder, ready_file, as_json=as_json)
        return
    with tempfile.TemporaryDirectory(prefix="fermata-up-") as temporary:
        _run(try_out, Path(temporary), ready_file, as_json=as_json)


def _run(try_out: TryOut, folder: Path, ready_file: Path | None, *, as_json: bool) -> None:
    from api.try_out.bring_up import NotReady, SubClusterUp
    from api.try_out.supervised import GivenBadInput, ProcessFailed

    def ready(addresses: Addresses) -> None:
        line = json.dumps(addresses.to_json()) + "\n"
        if ready_file is not None:
            _write_atomically(ready_file, line)
        if as_json:
            sys.stdout.write(line)
            sys.stdout.flush()
        else:
            _show(try_out, addresses)

    talk.print(
        f"starting {try_out.spec.id}: a dispatcher and {try_out.spec.gpus} worker(s); "
        "the first start of a version compiles the scheduler",
        style="dim",
        soft_wrap=True,
    )
    sub_cluster = SubClusterUp(
        try_out, folder, lambda name, status: talk.print(f"{name} ended with {status}; started again")
    )
    try:
        orderly = asyncio.run(sub_cluster.run(ready))
    except GivenBadInput as error:
        fail(str(error), hint=BAD_INPUT_HINT, code=ExitCode.BAD_INPUT)
    except (NotReady, ProcessFailed) as error:
        fail(str(error), hint=NOT_UP_HINT)
    if not orderly:
        fail("a process did not end in good order")
    talk.print("drained: everything that was accepted has been answered", style="dim")


def _require_files(try_out: TryOut) -> None:
    """Before anything is started: a dispatcher takes its time."""
    for model in try_out.spec.models:
        path = model.backend.path
        if path is not None and not Path(path).is_file():
            fail(f"model {model.id}: no file {path}", hint=BAD_INPUT_HINT, code=ExitCode.BAD_INPUT)


def _show(try_out: TryOut, addresses: Addresses) -> None:
    from rich.console import Console
    from rich.table import Table

    from api.try_out.config import summary

    spec, console = try_out.spec, Console(highlight=False)
    emulated = "emulated " if any(model.backend.kind == "emulated" for model in spec.models) else ""
    gpus = f"{spec.gpus} {emulated}{try_out.gpu_type or 'GPU'}{'s' if spec.gpus > 1 else ''}"
    console.print(f"{spec.id} serves on {gpus}, policy {spec.rules.policy.value}")
    doors = [("HTTP", f"{addresses.http_url}/v2"), ("metrics", f"{addresses.http_url}/metrics")]
    if addresses.grpc_address:
        doors.append(("gRPC", addresses.grpc_address))
    if addresses.native_endpoint is not None:
        doors.append(("native", addresses.native_endpoint))
    for name, address in doors:
        console.print(f"  {name:<8} {address}", soft_wrap=True)
    table = Table(
        "  model", "SLO ms", "largest batch", "requests/s of one GPU at most", box=None, pad_edge=False
    )
    for column in table.columns[1:]:
        column.justify = "right"
    rows = summary(try_out)
    for row in rows:
        table.add_row(
            f"  {row['id']}", f"{row['slo_ms']:g}", str(row["batch_size_max"]), f"{row['gpu_rps_max']:,}"
        )
    console.print(table)
    rate_rps = max(1, round(0.5 * spec.gpus * min(row["gpu_rps_max"] for row in rows) / len(rows)))
    talk.print(
        f"try it: fermata load {addresses.http_url} --model {rows[0]['id']} --rate-rps {rate_rps}\n"
        "Ctrl-C drains and ends",
        style="dim",
        soft_wrap=True,
    )


def _write_atomically(path: Path, text: str) -> None:
    from dispatcher.runtime.files import write_atomically

    write_atomically(path, text.encode())
