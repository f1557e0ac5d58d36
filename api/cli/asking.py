"""Commands that ask a server: its address, the token, and errors as the server tells them."""

from __future__ import annotations

import secrets
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.output import ExitCode, fail

if TYPE_CHECKING:
    import httpx

DEFAULT_URL = "http://127.0.0.1:8080"
TIMEOUT_S = 60.0
PAGE_SIZE_MAX = 500

Url = Annotated[
    str,
    typer.Option(envvar="FERMATA_URL", help="The server's address. A token for it goes into FERMATA_TOKEN."),
]
Fleet = Annotated[str, typer.Option(help="Whose: a fleet's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


def client(
    url: str, fleet: str | None, *, token: str | None = None, timeout_s: float = TIMEOUT_S
) -> httpx.Client:
    """Ready to ask about the fleet, with ``token``, or the environment's if there is one."""
    import httpx

    from dispatcher.runtime.credentials import planner_headers

    headers = {"Authorization": f"Bearer {token}"} if token else planner_headers()
    if not url.startswith(("http://", "https://")):
        fail(f"--url must be an address as in {DEFAULT_URL}, got {url!r}", code=ExitCode.BAD_INPUT)
    try:
        query = {} if fleet is None else {"fleet": fleet}
        return httpx.Client(base_url=url, params=query, headers=headers, timeout=timeout_s)
    except httpx.InvalidURL as error:
        fail(f"{url} is no address: {error}", code=ExitCode.BAD_INPUT)


def ask(
    url: str,
    fleet: str | None,
    method: str,
    path: str,
    body: Any = None,
    *,
    csv: bytes | None = None,
    token: str | None = None,
    asked_by: str | None = None,
    timeout_s: float = TIMEOUT_S,
    **parameters: Any,
) -> Any:
    """
    The JSON of a good answer; a bad one ends the command with what the server says.

    The body is JSON, or ``csv`` as it is. A POST carries an idempotency key and is sent once more should
    the connection break.
    """
    import httpx

    headers = {"Idempotency-Key": secrets.token_hex(16)} if method == "POST" else {}
    if asked_by is not None:
        headers["X-Actor"] = asked_by
    if csv is not None:
        headers["Content-Type"] = "text/csv"
    given = {name: value for name, value in parameters.items() if value is not None}
    with client(url, fleet, token=token, timeout_s=timeout_s) as opened:
        for last in (False, True):
            try:
                answer = opened.request(method, path, json=body, content=csv, params=given, headers=headers)
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


def ask_all(url: str, path: str) -> list[dict[str, Any]]:
    """Every item of a list by name, page after page."""
    found: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        page = ask(url, None, "GET", path, limit=PAGE_SIZE_MAX, after=after)
        found += page["items"]
        after = page.get("next_after")
        if after is None:
            return found


def require_good(answer: httpx.Response) -> None:
    """End the command where the answer is an error, with every fault that the server lists."""
    if answer.is_success:
        return
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    faults = problem.get("faults", [])
    for fault in faults:
        sys.stderr.write(f"  {fault['field']}: {fault['limit']}, got {fault['value']}\n")
    if (more := problem.get("fault_count", len(faults)) - len(faults)) > 0:
        sys.stderr.write(f"  and {more} more\n")
    said = problem.get("detail") or f"the server answered {answer.status_code}"
    code = ExitCode.BAD_INPUT if answer.status_code == 422 else ExitCode.FAILURE
    fail(said, hint=problem.get("hint"), code=code)
