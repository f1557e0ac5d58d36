"""Commands that speak to a running control plane: one door to its REST API, problems told as errors."""

from __future__ import annotations

import getpass
import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.output import ExitCode, fail

if TYPE_CHECKING:
    import httpx

TOKEN = "FERMATA_TOKEN"
TIMEOUT_S = 60.0

Url = Annotated[
    str, typer.Option(help="Address of the control plane.", envvar="FERMATA_URL", show_default=True)
]
URL_DEFAULT = "http://127.0.0.1:8080"
Fleet = Annotated[str, typer.Option(help="Which fleet.", envvar="FERMATA_FLEET")]
ActorName = Annotated[
    str | None, typer.Option(help="Who asks, for the audit log; default: the user of this machine.")
]


class Remote:
    """
    The control plane at ``url``, asked about ``fleet`` by ``actor``; FERMATA_TOKEN, if set, is sent along.

    A problem ends the command: every fault is told, the exit status is 2 for bad input and else 1.
    """

    def __init__(
        self, url: str, *, fleet: str = "default", actor: str | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        import httpx

        headers = {"X-Actor": actor or _user()}
        if token := os.environ.get(TOKEN):
            headers["Authorization"] = f"Bearer {token}"
        self._url = url
        self._fleet = fleet
        if not url.startswith(("http://", "https://")):
            fail(f"--url must be an address as in {URL_DEFAULT}, got {url!r}", code=ExitCode.BAD_INPUT)
        try:
            self._http = httpx.Client(base_url=url, timeout=timeout_s, headers=headers)
        except httpx.InvalidURL as error:
            fail(f"--url is no address: {error}", code=ExitCode.BAD_INPUT)

    def get(self, path: str, **query: Any) -> Any:
        return self._answer("GET", path, params=query)

    def post(self, path: str, body: Any) -> Any:
        return self._answer("POST", path, json=body)

    def patch(self, path: str, body: Any) -> Any:
        return self._answer("PATCH", path, json=body)

    def _answer(self, method: str, path: str, *, params: dict[str, Any] | None = None, **more: Any) -> Any:
        import httpx

        query = {"fleet": self._fleet} | {k: v for k, v in (params or {}).items() if v is not None}
        try:
            answer = self._http.request(method, path, params=query, **more)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            fail(f"{self._url} does not answer: {error}", hint="is `fermata serve` running there?")
        if answer.is_error:
            _tell(answer)
        return answer.json()


def _tell(answer: httpx.Response) -> None:
    try:
        problem = answer.json()
        detail = problem["detail"]
    except (ValueError, KeyError, TypeError):
        fail(f"{answer.request.method} {answer.request.url}: status {answer.status_code}")
    faults = [f"\n  {f['field']}: {f['limit']}, got {f['value']}" for f in problem.get("faults") or []]
    code = ExitCode.BAD_INPUT if answer.status_code == 422 else ExitCode.FAILURE
    fail(detail + "".join(faults), hint=problem.get("hint"), code=code)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "anonymous"
