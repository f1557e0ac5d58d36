"""``fermata db upgrade`` and ``fermata serve`` as processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from planner.store.migrate import newest_revision
from tests.control_plane import sqlite_url

DB = "import api.cli.db as db; db.app()"
SERVE = "import typer; from api.cli.serve import serve; typer.run(serve)"


def run(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_upgrade_says_what_it_did(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "deeper")
    first = run(DB, "upgrade", "--database-url", url, "--json")
    assert (first.returncode, json.loads(first.stdout)) == (
        0,
        {"before": None, "after": newest_revision()},
    )
    second = run(DB, "upgrade", FERMATA_DATABASE_URL=url)
    assert (second.returncode, second.stdout) == (0, f"schema {newest_revision()} (was there already)\n")


def test_upgrade_refuses_what_is_no_database(tmp_path: Path) -> None:
    refused = run(DB, "upgrade", "--database-url", "mysql://x/y")
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: database URL: must be sqlite:///FILE or postgresql://...")
    broken = tmp_path / "broken.db"
    broken.write_text("not a database, whatever its name says\n" * 100)
    failed = run(DB, "upgrade", "--database-url", f"sqlite:///{broken}")
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: ")
    assert "Traceback" not in failed.stderr


def test_serve_refuses_a_database_that_is_not_upgraded(tmp_path: Path) -> None:
    refused = run(SERVE, "--database-url", sqlite_url(tmp_path))
    assert refused.returncode == 1
    assert refused.stderr == (
        f"error: the database is at schema none, this version needs {newest_revision()}\n"
        "hint: run `fermata db upgrade`, or start with --upgrade\n"
    )


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_serve_upgrades_answers_and_stops_in_good_order(tmp_path: Path, signal_number: int) -> None:
    command = [sys.executable, "-c", SERVE, "--port", "0", "--upgrade", "--json"]
    server = subprocess.Popen(
        [*command, "--database-url", sqlite_url(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    said: dict[str, Any] = json.loads(server.stdout.readline())
    assert said["pid"] == server.pid
    assert httpx.get(f"{said['url']}/readyz").json() == {"status": "ok"}
    server.send_signal(signal_number)
    _, stderr = server.communicate(timeout=30)
    assert server.returncode == 0
    assert "Traceback" not in stderr


def test_serve_says_so_when_the_port_is_taken(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        failed = run(SERVE, "--port", port, "--upgrade", "--database-url", sqlite_url(tmp_path))
    assert failed.returncode == 1
    assert f"error: cannot listen on 127.0.0.1:{port}" in failed.stderr
