"""A server with tokens: its command line, a node and its reports, its limits, its silence on secrets."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import structlog

from api.access import http_protocol
from dispatcher.contract.load_report import LoadReport
from dispatcher.runtime.load_reporter import LoadReporter
from dispatcher.runtime.redaction import CUT, RedactingFormatter, redact_event, redacted
from planner.service.access import Scope
from planner.store.store import Store
from tests.access import bearer, issue
from tests.control_plane import (
    finished_run,
    forecast,
    load_report,
    register_fleet,
    served,
    sqlite_url,
    wait_until,
)

FERMATA = [sys.executable, "-m", "api.cli.main"]


def fermata(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*FERMATA, *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@contextmanager
def serving(folder: Path, **environment: str) -> Iterator[tuple[str, int, Path]]:
    """``fermata serve``: its address, process and log."""
    log = folder / "serve.log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [*FERMATA, "serve", "--port", "0", "--json", "--upgrade", "--database-url", sqlite_url(folder)],
            env=os.environ | {"FERMATA_RUN_WORKER": "false"} | environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
        try:
            assert process.stdout is not None
            said = json.loads(process.stdout.readline())
            yield said["url"], said["pid"], log
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, log.read_text()


def test_init_prints_one_token_once_and_the_command_line_goes_on_with_it(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    first = fermata("init", "--database-url", url)
    token = first.stdout.strip()
    assert first.returncode == 0, first.stderr
    assert token.startswith("fermata_")
    again = fermata("init", "--database-url", url)
    assert again.returncode == 0
    assert "fermata_" not in again.stdout
    assert "fermata token rotate" in again.stderr
    with serving(tmp_path) as (address, _, _log):
        assert httpx.get(f"{address}/v1/plans").status_code == 401
        ask = ["--url", address, "--json"]
        made = fermata("token", "create", "ci", "--scope", "reader", *ask, FERMATA_TOKEN=token)
        assert made.returncode == 0, made.stderr
        ci = json.loads(made.stdout)
        assert httpx.get(f"{address}/v1/plans", headers=bearer(ci["token"])).status_code == 200
        file = tmp_path / "token"
        file.write_text(token + "\n")
        rotated = fermata("token", "rotate", ci["id"], "--grace-s", "0", *ask, FERMATA_TOKEN_FILE=str(file))
        assert httpx.get(f"{address}/v1/plans", headers=bearer(ci["token"])).status_code == 401
        new = json.loads(rotated.stdout)["token"]
        assert httpx.get(f"{address}/v1/plans", headers=bearer(new)).status_code == 200
        assert fermata("token", "revoke", ci["id"], "--database-url", url).returncode == 0
        assert httpx.get(f"{address}/v1/plans", headers=bearer(new)).status_code == 401
        listed = fermata("token", "list", *ask, FERMATA_TOKEN=token)
        assert [each["name"] for each in json.loads(listed.stdout)] == ["first-admin", "ci"]
        assert "digest" not in listed.stdout
        refused = fermata("token", "list", *ask)
        assert (refused.returncode, refused.stderr.startswith("error: ")) == (1, True)
        bad = fermata("token", "create", "a b", "--scope", "king", *ask, FERMATA_TOKEN=token)
        assert bad.returncode == 2
        assert "scopes[0]" in bad.stderr
        assert "name" in bad.stderr


def test_nobody_opens_a_server_to_the_network_without_tokens(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    refused = fermata("serve", "--host", "0.0.0.0", "--upgrade", "--database-url", url, FERMATA_AUTH="off")
    assert refused.returncode == 2
    assert "loopback" in refused.stderr
    with served(url, run_worker=False, host="0.0.0.0") as client:
        assert client.get("/v1/plans").status_code == 401
    with served(url, run_worker=False, auth="tokens") as client:
        assert client.get("/v1/plans").status_code == 401
    with served(url, run_worker=False) as client:
        assert client.get("/v1/plans").status_code == 200
        store = Store(url)
        issue(store, "one", Scope.READER)
        store.close()
        assert client.get("/v1/plans").status_code == 401
    with served(url, run_worker=False, auth="off") as client:
        assert client.get("/v1/plans").status_code == 200


def test_a_node_serves_and_reports_with_a_dispatchers_token(tmp_path: Path) -> None:
    """Plan, approve and activate with a token each; then a real node with emulated GPUs."""
    url = sqlite_url(tmp_path)
    with served(url, auth="tokens") as client:
        store = Store(url)
        planner, approver, dispatcher, reader = (
            issue(store, scope, scope).token
            for scope in (Scope.PLANNER, Scope.APPROVER, Scope.DISPATCHER, Scope.READER)
        )
        store.close()
        client.headers.update(bearer(planner))
        register_fleet(client)
        client.post("/v1/forecasts", json=forecast())
        run = client.post("/v1/runs", json={"forecast_id": 1, "time_limit_s": 5.0}).headers["location"]
        version = finished_run(client, run)["plan_version"]
        client.headers.update(bearer(approver))
        seen = {"plan_id": client.get(f"/v1/plans/{version}").json()["plan_id"]}
        approved = client.post(
            f"/v1/plans/{version}/approval", json=seen, headers={"X-Actor": "somebody else"}
        )
        assert approved.status_code == 200
        assert client.post("/v1/activations", json={"plan_version": version}).json()["actor"] == "approver"
        client.headers.update(bearer(reader))
        (sub_cluster,) = client.get(f"/v1/plans/{version}").json()["plan"]["sub_clusters"]
        with node(tmp_path, str(client.base_url), sub_cluster["id"], dispatcher) as log:

            def reported() -> Any:
                heard = client.get("/v1/nodes").json()["items"]
                load = client.get("/v1/observed-load").json()
                return heard and heard[0]["status"]["plan_version"] == version and load["report_count"]

            wait_until(reported, within_s=90)
        assert dispatcher.rsplit("_", 1)[1] not in log.read_text()


@contextmanager
def node(folder: Path, planner: str, sub_cluster: str, token: str) -> Iterator[Path]:
    ports = [free_port(), free_port()]
    config = {
        "node": "n1",
        "planner": planner,
        "state": str(folder / "state"),
        "poll_s": 0.1,
        "heartbeat_s": 0.2,
        "sub_clusters": [
            {
                "id": sub_cluster,
                "devices": ["0"],
                "dispatcher": {"http_port": ports[0], "worker_endpoint": f"tcp://127.0.0.1:{ports[1]}"},
            }
        ],
    }
    (folder / "node.yaml").write_text(json.dumps(config))
    log = folder / "node.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*FERMATA, "node", "--config", str(folder / "node.yaml")],
            env=os.environ | {"FERMATA_TOKEN": token},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            yield log
        except AssertionError as error:
            raise AssertionError(log.read_text()[-5_000:]) from error
        finally:
            process.terminate()
            process.wait(60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_headers_have_a_limit(tmp_path: Path) -> None:
    with serving(tmp_path) as (address, _, _log):
        start = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        for lines in (
            b"X-A: " + b"a" * 40_000,
            b"\r\n".join(b"X-%d: a" % i for i in range(6_000)),
            b"a" * 10**6,
        ):
            assert raw_answer(address, start + lines + b"\r\n\r\n") == 431
        own = start.replace(b"Host: a", b"Host: 127.0.0.1")
        assert raw_answer(address, own + b"X-A: " + b"a" * 20_000 + b"\r\n\r\n") == 200


def test_headers_have_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEADER_S_MAX", 0.2)
    with served(sqlite_url(tmp_path), run_worker=False, http=http_protocol.BoundedHttpProtocol) as client:
        with socket.create_connection(("127.0.0.1", client.base_url.port or 0), timeout=20) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ")
            assert connection.recv(65_536) == b""
        assert client.get("/healthz").status_code == 200


def raw_answer(address: str, request: bytes) -> int:
    with socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1])), timeout=20) as connection:
        connection.sendall(request)
        return int(connection.recv(65_536).split(b" ")[1])


def test_no_secret_is_logged_or_stored(tmp_path: Path) -> None:
    """At debug level, every library of the process speaking; the same lines unfiltered do hold secrets."""
    safe, plain = io.StringIO(), io.StringIO()
    handlers = [logging.StreamHandler(safe), logging.StreamHandler(plain)]
    handlers[0].setFormatter(RedactingFormatter("%(name)s %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.DEBUG)
    for handler in handlers:
        root.addHandler(handler)
    url = sqlite_url(tmp_path)
    try:
        with served(url, run_worker=False, auth="tokens") as client:
            secrets = use_secrets(client, url)
    finally:
        root.setLevel(level)
        for handler in handlers:
            root.removeHandler(handler)
    for file in tmp_path.glob("fermata.db*"):
        content = file.read_bytes()
        assert [secret for secret in secrets if secret.encode() in content] == [], file
    assert [secret for secret in secrets if secret in safe.getvalue()] == []
    assert [secret for secret in secrets if secret in plain.getvalue()] != []
    assert CUT in safe.getvalue()


def use_secrets(client: httpx.Client, url: str) -> list[str]:
    """Requests that carry secrets, good and bad; the secrets' parts that must be seen nowhere."""
    store = Store(url)
    token = issue(store, "ada", Scope.ADMIN).token
    store.close()
    secret = token.rsplit("_", 1)[1]
    client.get("/v1/me", headers=bearer(token))
    made = client.post("/v1/tokens", headers=bearer(token), json={"name": "b", "scopes": ["reader"]}).json()
    wrong = secret[::-1]
    client.get("/v1/me", headers=bearer(token.replace(secret, wrong)))
    signed_in = client.post("/console/sign-in", data={"token": token})
    session = signed_in.cookies["fermata_session"]
    client.get("/console")
    logging.getLogger("app").error("request failed with %s", dict(bearer(token)))
    try:
        raise ValueError(f"cookie fermata_session={session}")
    except ValueError:
        logging.getLogger("app").exception("with its story")
    return [secret, wrong, session, made["token"].rsplit("_", 1)[1]]


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer SECRET",
        "{'authorization': 'Bearer SECRET'}",
        "(b'cookie', b'fermata_session=SECRET; other=1')",
        "fermata_session=SECRET",
        "postgresql://user:SECRET@db/fermata",
        'client_secret="SECRET"',
        "POST /token code=SECRET&state=1",
        "whsec_SECRET",
        "Basic SECRET",
        "fermata_abcdefghij_" + "a1" * 32,
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI0MiJ9.SECRET",
    ],
)
def test_forms_of_secrets_are_cut(text: str) -> None:
    secret = "SECRETsecret0123456789"
    cut = redacted(text.replace("SECRET", secret))
    assert secret not in cut
    assert "a1a1" not in cut
    assert CUT in cut
    assert redacted(cut) == cut


def test_daemons_logs_are_cut_too() -> None:
    output = io.StringIO()
    log = structlog.wrap_logger(
        structlog.PrintLogger(output), processors=[redact_event, structlog.processors.JSONRenderer()]
    )
    log.info(
        "asked",
        token="SECRETsecret0123456789",
        webhook={"secret": "SECRETsecret0123456789", "url": "http://127.0.0.1/x"},
        headers=[("authorization", "Bearer SECRETsecret0123456789")],
        plan_version=3,
        tokens_used=5,
    )
    said = json.loads(output.getvalue())
    assert "SECRET" not in output.getvalue()
    assert (said["plan_version"], said["tokens_used"], said["webhook"]["url"]) == (3, 5, "http://127.0.0.1/x")


def test_reports_are_kept_until_a_token_is_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = sqlite_url(tmp_path)
    with served(url, run_worker=False, auth="tokens") as client:
        store = Store(url)
        token = issue(store, "d", Scope.DISPATCHER).token
        admin = bearer(issue(store, "r", Scope.READER).token)
        store.close()

        async def report() -> LoadReporter:
            reporter = LoadReporter(str(client.base_url))
            reporter.offer(msgspec.convert(load_report(), LoadReport))
            running = asyncio.create_task(reporter.run())
            await asyncio.sleep(0.2)  # refused by now, or not yet sent
            monkeypatch.setenv("FERMATA_TOKEN", token)
            await asyncio.to_thread(wait_until, lambda: reporter.sent)
            running.cancel()
            await reporter.finish(1.0)
            return reporter

        reporter = asyncio.run(report())
        assert (reporter.sent, reporter.lost) == (1, 0)
        assert client.get("/v1/observed-load", headers=admin).json()["report_count"] == 1
