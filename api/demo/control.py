"""What the demo asks of the control plane, over its REST API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from dispatcher.runtime.credentials import planner_headers
from fermata_client import Fermata, Refused, RunUnsuccessful
from fermata_client.models import RunBody, RunOut


class ApiRefused(RuntimeError):
    """The API answered with a problem; the message carries its details."""


class ControlPlane:
    """A thin client of the REST API; every refusal raises ``ApiRefused``."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._fermata = Fermata(url)
        self._fermata.http.headers.update(planner_headers())

    def is_ready(self) -> bool:
        return self._fermata.is_ready()

    def get(self, path: str, **query: Any) -> Any:
        return self._answer(self._fermata.http.get(path, params=query))

    def post(self, path: str, body: Any) -> Any:
        return self._answer(self._fermata.http.post(path, json=body))

    def run(self, options: dict[str, Any], *, progress: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Plan, and wait for the end; ``progress`` gets the run each time that it changed."""
        seen: dict[str, Any] = {}

        def watch(run: RunOut) -> None:
            told = run.to_dict()
            news = {name: told["progress"].get(name) for name in ("stage", "incumbent", "bound")}
            if news != seen and run.state.value in ("queued", "running"):
                seen.update(news)
                progress(told)

        try:
            version = self._fermata.plan(RunBody.from_dict(options), watch=watch)
        except (Refused, RunUnsuccessful) as error:
            raise ApiRefused(str(error)) from error
        return {"plan_version": version}

    @staticmethod
    def _answer(response: httpx.Response) -> Any:
        if response.is_error:
            request = response.request
            raise ApiRefused(f"{request.method} {request.url}: {response.status_code} {response.text}")
        return response.json()
