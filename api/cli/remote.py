"""Commands by which a person decides: every question bound to a fleet and to who asks."""

from __future__ import annotations

import getpass
from typing import Annotated, Any

import typer

from api.cli.asking import DEFAULT_URL, TIMEOUT_S, ask

Url = Annotated[
    str, typer.Option(help="Address of the control plane.", envvar="FERMATA_URL", show_default=True)
]
URL_DEFAULT = DEFAULT_URL
Fleet = Annotated[str, typer.Option(help="Which fleet.", envvar="FERMATA_FLEET")]
ActorName = Annotated[
    str | None, typer.Option(help="Who asks, for the audit log; default: the user of this machine.")
]


class Remote:
    """The control plane at ``url``, asked about ``fleet`` by ``actor``; a problem ends the command."""

    def __init__(
        self, url: str, *, fleet: str = "default", actor: str | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._url = url
        self._fleet = fleet
        self._actor = actor or _user()
        self._timeout_s = timeout_s

    def get(self, path: str, **query: Any) -> Any:
        return self._ask("GET", path, **query)

    def post(self, path: str, body: Any) -> Any:
        return self._ask("POST", path, body)

    def patch(self, path: str, body: Any) -> Any:
        return self._ask("PATCH", path, body)

    def _ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        return ask(
            self._url,
            self._fleet,
            method,
            path,
            body,
            asked_by=self._actor,
            timeout_s=self._timeout_s,
            **query,
        )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "anonymous"
