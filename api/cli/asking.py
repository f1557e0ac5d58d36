"""Commands that ask a server: its address, the token, and errors as the server tells them."""

from __future__ import annotations

import os
import secrets
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.output import ExitCode, fail

if TYPE_CHECKING:
    import httpx

DEFAULT_URL = "http://127.0.0.1:8080"
TOKEN = "FERMATA_TOKEN"
TIMEOUT_S = 60.0

Url = Annotated[
    str,
    typer.Option(envvar="FERMATA_URL", help="The server's address. A token for it goes into FERMATA_TOKEN."),
]
Fleet = Annotated[str, typer.Option(help="Whose: a fleet's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


def client(url: str, fleet: str) -> httpx.Client:
    """Ready to ask about the fleet, with the token of the environment if there is one."""
    import httpx

    token = os.environ.get(TOKEN)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.Client(base_url=url, params={"fleet": fleet}, headers=headers, timeout=TIMEOUT_S)


def ask(url: str, fleet: str, method: str, path: str, body: Any = None, **parameters: Any) -> Any:
    """
    The JSON of a good answer; a bad one ends the command with what the server says.

    A POST carries an idempotency key and is sent once more should the connection break.
    """
    import httpx

    headers = {"Idempotency-Key": secrets.token_hex(16)} if method == "POST" else {}
    given = {name: value for name, value in parameters.items() if value is not None}
    with client(url, fleet) as opened:
        for last in (False, True):
            try:
                answer = opened.request(method, path, json=body, params=given, headers=headers)
                break
            except httpx.InvalidURL as error:
                fail(f"{url} is no address: {error}", code=ExitCode.BAD_INPUT)
            except httpx.TransportError as error:
                if last or isinstance(error, httpx.ConnectError | httpx.UnsupportedProtocol):
                    fail(
                        f"{url} cannot be reached: {error}",
                        hint="is `fermata serve` running there? see --url",
                    )
    require_good(answer)
    return answer.json() if answer.content else None


def require_good(answer: httpx.Response) -> None:
    """End the command where the answer is an error, with every fault that the server lists."""
    if answer.is_success:
        return
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    for fault in problem.get("faults", []):
        sys.stderr.write(f"  {fault['field']}: {fault['value']}: {fault['limit']}\n")
    said = problem.get("detail") or f"the server answered {answer.status_code}"
    code = ExitCode.BAD_INPUT if answer.status_code == 422 else ExitCode.FAILURE
    fail(said, hint=problem.get("hint"), code=code)
