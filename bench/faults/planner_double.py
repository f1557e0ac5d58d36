"""The planner's routes that a node uses, over HTTP: plans to activate at will, and it can be away."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from dispatcher.contract.sub_cluster import SubClusterSpec
from dispatcher.contract.sub_cluster_file import encode_sub_cluster


class PlannerDouble:
    """
    Answers as ``api.rest`` does; ``is_away`` makes it answer 503, ``clock_off_s`` moves its clock.

    ``homes`` is what it says of who serves a plan. A plan is activated without waves, or as it is to be held
    in one, which may go through ``spares``.
    """

    def __init__(self) -> None:
        self.heartbeats: list[dict[str, Any]] = []
        self.homes: list[dict[str, Any]] = []
        self.is_away = False
        self.clock_off_s = 0.0
        self.asked = 0
        self._plan: dict[str, SubClusterSpec] = {}
        self.version = 0
        self.wave: int | None = None
        self.is_ordering = False
        self.spares: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def activate(self, *specs: SubClusterSpec, wave: int | None = None) -> None:
        self._plan = {spec.id: spec for spec in specs}
        self.wave = wave
        self.version = specs[0].plan_version if specs else self.version + 1

    @property
    def latest(self) -> dict[str, Any]:
        """The last heartbeat; empty before the first."""
        return self.heartbeats[-1] if self.heartbeats else {}

    def pids(self, kind: str) -> list[int]:
        """Of the workers, or of the dispatcher, as the last heartbeat told."""
        found = []
        for sub_cluster in self.latest.get("sub_clusters", []):
            parts = sub_cluster["gpus"] if kind == "worker" else [sub_cluster["dispatcher"] or {}]
            found += [part["pid"] for part in parts if part.get("pid")]
        return found

    def answer(self, path: str, etag: str | None, wait_s: float) -> tuple[int, dict[str, str], bytes]:
        self.asked += 1
        if self.is_away:
            return 503, {}, b"{}"
        if path == "/v1/activations/current/rollout":
            return self._rollout(etag, wait_s)
        if path.endswith("/serving"):
            return 200, {}, json.dumps({"sub_clusters": self.homes}).encode()
        sub_cluster = unquote(path.split("/sub-clusters/")[-1])
        if sub_cluster not in self._plan:
            return 404, {}, json.dumps({"type": "urn:fermata:problem:sub-cluster-not-found"}).encode()
        return 200, {}, encode_sub_cluster(self._plan[sub_cluster]).encode()

    def _rollout(self, etag: str | None, wait_s: float) -> tuple[int, dict[str, str], bytes]:
        end_s = time.monotonic() + wait_s
        while (current := self._etag()) == etag and time.monotonic() < end_s and not self.is_away:
            time.sleep(0.02)
        if self.version == 0:
            return 404, {}, json.dumps({"type": "urn:fermata:problem:no-active-plan"}).encode()
        if current == etag:
            return 304, {"etag": current}, b""
        state = "at_once" if self.wave is None else "waves"
        found = {
            "activation_id": self.version,
            "plan_version": self.version,
            "state": "ordering" if self.is_ordering else state,
            "wave": self.wave or 0,
            "spares": self.spares,
        }
        return 200, {"etag": current}, json.dumps(found).encode()

    def _etag(self) -> str:
        return f'"{self.version}-{self.wave}-{self.is_ordering}"'

    def end(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(planner: PlannerDouble) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            wait_s = float(query.partition("wait_s=")[2] or 0)
            self._send(*planner.answer(path, self.headers.get("if-none-match"), min(wait_s, 2.0)))

        def do_PUT(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            if not planner.is_away:
                planner.heartbeats.append(json.loads(content))
            self._send(503 if planner.is_away else 200, {}, b"{}")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self._send(503 if planner.is_away else 201, {}, b"{}")

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response_only(status)
            self.send_header("date", formatdate(time.time() + planner.clock_off_s, usegmt=True))
            self.send_header("content-length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # a node that was killed
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    return Handler
