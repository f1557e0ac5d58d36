"""``fermata serve``: the REST API, the console and the run worker."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.db import DATABASE_URL_HELP
from api.cli.output import ExitCode, fail

if TYPE_CHECKING:
    from api.settings import Settings

GRACEFUL_STOP_S = 10
KEEP_ALIVE_S = 75  # well above a dispatcher's 5 s: what is closed as the next report is sent loses it
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; default: FERMATA_HOST, 127.0.0.1.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port, 0 for a free one; default: FERMATA_PORT, 8080."),
    ] = None,
    database_url: Annotated[str | None, typer.Option(help=DATABASE_URL_HELP)] = None,
    upgrade: Annotated[bool, typer.Option("--upgrade", help="Upgrade the database first.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Say where the server listens in JSON.")] = False,
) -> None:
    """
    Serve the REST API under /v1 and the console under /console, and execute planning runs.

    Prints its address on stdout once it answers; SIGTERM and SIGINT stop it in good order, a run in
    progress goes back into the queue. Settings: docs/reference/settings.md.

    Example: fermata serve --port 8080 --upgrade
    """
    settings = _settings(host=host, port=port, database_url=database_url)
    _check_database(settings.database_url, upgrade=upgrade)
    _run(settings, as_json=as_json)


def _settings(**given: Any) -> Settings:
    from pydantic import ValidationError

    from api.rest.faults import faults_of_errors
    from api.settings import Settings
    from profiles.faults import InputInvalid

    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        faults = faults_of_errors(error.errors(include_url=False))
        raise InputInvalid("settings", faults) from error


def _check_database(url: str, *, upgrade: bool) -> None:
    from planner.store import migrate
    from planner.store.errors import SchemaOutdated, StoreUnavailable
    from planner.store.store import Store

    try:
        if upgrade:
            migrate.upgrade(url)
        store = Store(url)
        try:
            store.require_current()
        finally:
            store.close()
    except ValueError as error:
        fail(str(error), code=ExitCode.BAD_INPUT)
    except SchemaOutdated as error:
        fail(str(error), hint="run `fermata db upgrade`, or start with --upgrade")
    except StoreUnavailable as error:
        fail(f"the database cannot be reached: {error}")


def _log_to_stderr() -> None:
    import logging

    from dispatcher.runtime.redaction import RedactingFormatter

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _run(settings: Settings, *, as_json: bool) -> None:
    import uvicorn

    from api.access.http_protocol import BoundedHttpProtocol
    from api.rest.app import create_app
    from planner.service.warm_up import WarmUp

    _log_to_stderr()
    app = create_app(settings)
    warming = WarmUp()

    class Server(uvicorn.Server):
        """Says where it listens once it does, and takes a signal for a wish, not for a failure."""

        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            gc.collect()
            gc.freeze()  # what is loaded stays: looking through it again held every request up by 70 to 95 ms
            if self.started:
                port = self.servers[0].sockets[0].getsockname()[1]
                _announce(f"http://{settings.host}:{port}", as_json=as_json)
                warming.start()

        async def shutdown(self, sockets: Any = None) -> None:
            await app.state.run_stream.close()  # who listens would be waited for
            await super().shutdown(sockets)
            warming.stop()

        def handle_exit(self, sig: int, frame: Any) -> None:
            app.state.stopping.set()
            super().handle_exit(sig, frame)

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            before = {number: signal.signal(number, self.handle_exit) for number in STOP_SIGNALS}
            try:
                yield
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)

    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=BoundedHttpProtocol,
        log_config=None,
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACEFUL_STOP_S,
    )
    server = Server(config)
    with suppress(SystemExit):  # its way to say that it could not start
        server.run()
    if not server.started:
        fail(
            f"cannot listen on {settings.host}:{settings.port}",
            hint="is the port taken? choose another with --port",
        )


def _announce(url: str, *, as_json: bool) -> None:
    line = json.dumps({"url": url, "pid": os.getpid()}) if as_json else url
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
