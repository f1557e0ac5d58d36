"""What the demo asks of the control plane, over its REST API."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from dispatcher.runtime.credentials import planner_headers

RUN_POLL_S = 0.3


class ApiRefused(RuntimeError):
    """The API answered with a problem; the message carries its details."""


class ControlPlane:
    """A thin client of the REST API; every refusal raises ``ApiRefused``."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=60.0, headers=planner_headers())

    def is_ready(self) -> bool:
        try:
            return self._http.get("/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def get(self, path: str, **query: Any) -> Any:
        return self._answer(self._http.get(path, params=query))

    def post(self, path: str, body: Any) -> Any:
        return self._answer(self._http.post(path, json=body))

    def run(self, options: dict[str, Any], *, progress: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Plan, and wait for the end; ``progress`` gets the run each time that it changed."""
        run: dict[str, Any] = self.post("/v1/runs", options)
        seen: dict[str, Any] = {}
        while run["state"] in ("queued", "running"):
            news = {name: run["progress"].get(name) for name in ("stage", "incumbent", "bound")}
            if news != seen:
                seen = news
                progress(run)
            time.sleep(RUN_POLL_S)
            run = self.get(f"/v1/runs/{run['id']}")
        if run["state"] != "succeeded":
            raise ApiRefused(f"run {run['id']} {run['state']}: {run.get('error')}")
        return run

    @staticmethod
    def _answer(response: httpx.Response) -> Any:
        if response.is_error:
            request = response.request
            raise ApiRefused(f"{request.method} {request.url}: {response.status_code} {response.text}")
        return response.json()
