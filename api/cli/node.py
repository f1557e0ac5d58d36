"""``fermata node``: serve the active plan on one GPU node."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.output import fail, read_text


def node(
    config: Annotated[Path, typer.Option(help="The node's configuration: a YAML or JSON file.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Log lines in JSON also at a terminal; stdout is JSON either way.")
    ] = False,
) -> None:
    """
    Serve the active plan on this machine's GPUs: run and watch its workers and dispatchers.

    Asks the planner for the active plan and keeps it on disk, so that it is served also while
    the planner is away. Prints one JSON line each time a plan was applied. On SIGTERM or SIGINT
    the dispatchers answer what they have accepted, the workers finish, and the node ends.

    Example: fermata node --config /etc/fermata/node.yaml
    """
    import yaml

    from dispatcher.contract.node_file import parse_node
    from dispatcher.runtime.log import configure_logs
    from dispatcher.runtime.node.node_daemon import run_node

    try:
        data = yaml.safe_load(read_text(config))
    except yaml.YAMLError as error:
        fail(f"{config} is not YAML: {error}")
    parsed = parse_node(data)
    configure_logs(as_json=as_json, daemon="node", node=parsed.node)
    fermata = [sys.executable, "-m", "api.cli.main"]
    run_node(parsed, fermata, _announce)


def _announce(status: dict[str, Any]) -> None:
    import msgspec

    sys.stdout.write(msgspec.json.encode(status).decode() + "\n")
    sys.stdout.flush()
