"""``fermata token`` and ``fermata init``: the tokens of the API."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.asking import ask, ask_all
from api.cli.db import DATABASE_URL_HELP
from api.cli.output import ExitCode, emit, fail

if TYPE_CHECKING:
    from planner.store.store import Store

app = typer.Typer(help="Tokens of the REST API.", no_args_is_help=True)

DatabaseUrl = Annotated[str | None, typer.Option(help=DATABASE_URL_HELP)]
Url = Annotated[
    str | None,
    typer.Option(help="Ask this server, with the token in FERMATA_TOKEN; left out, the database itself."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
FIRST_NAME = "first-admin"


@app.callback()
def token() -> None:
    """Make, list, rotate and revoke the tokens of the REST API."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="As the audit log shows it.", show_default=False)],
    scope: Annotated[
        list[str], typer.Option(help="reader, planner, approver, dispatcher or admin; repeatable.")
    ],
    fleet: Annotated[list[str] | None, typer.Option(help="Repeatable; left out, every fleet.")] = None,
    days: Annotated[float | None, typer.Option(help="How long it is good; left out, until revoked.")] = None,
    database_url: DatabaseUrl = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """
    Make a token and print it: the only time that anybody sees it.

    Example: fermata token create dispatchers --scope dispatcher --fleet europe
    """
    body = {"name": name, "scopes": scope, "fleets": fleet or ["*"], "days": days}
    if url is not None:
        _print_issued(ask(url, None, "POST", "/v1/tokens", body), as_json=as_json)
        return
    from api.rest.bodies import just_one
    from api.rest.schemas.tokens import IssuedTokenOut, TokenBody
    from planner.service import tokens
    from planner.service.access import COMMAND_LINE

    submission = just_one(TokenBody)(body)
    issued = _on_database(database_url, lambda store: tokens.create(store, submission, by=COMMAND_LINE))
    _print_issued(IssuedTokenOut.of_issued(issued).model_dump(mode="json"), as_json=as_json)


@app.command("list")
def list_tokens(database_url: DatabaseUrl = None, url: Url = None, as_json: AsJson = False) -> None:
    """
    List tokens, oldest first, without their secrets.

    Example: fermata token list
    """
    if url is not None:
        found = sorted(ask_all(url, "/v1/tokens"), key=_made_at)
    else:
        from api.rest.schemas.tokens import TokenOut
        from planner.service import tokens
        from planner.service.access import COMMAND_LINE

        records = _on_database(database_url, lambda store: tokens.tokens(store, by=COMMAND_LINE))
        found = [TokenOut.of(record).model_dump(mode="json") for record in records]
    emit(found, as_json=as_json, human=lambda: _print_table(found))


@app.command()
def rotate(
    token_id: Annotated[str, typer.Argument(help="The token's id.", show_default=False)],
    grace_s: Annotated[float, typer.Option(min=0, help="Seconds that the old secret stays good.")] = 86_400,
    database_url: DatabaseUrl = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """
    Give a token a new secret and print it; the old one stays good for a time of grace.

    Example: fermata token rotate k3b5mq7xza --grace-s 3600
    """
    if url is not None:
        found = ask(url, None, "POST", f"/v1/tokens/{token_id}/rotation", {"grace_s": grace_s})
    else:
        from api.rest.schemas.tokens import IssuedTokenOut
        from planner.service import tokens
        from planner.service.access import COMMAND_LINE

        issued = _on_database(
            database_url,
            lambda store: tokens.rotate(store, token_id, grace_s=grace_s, by=COMMAND_LINE),
        )
        found = IssuedTokenOut.of_issued(issued).model_dump(mode="json")
    _print_issued(found, as_json=as_json)


@app.command()
def revoke(
    token_id: Annotated[str, typer.Argument(help="The token's id.", show_default=False)],
    database_url: DatabaseUrl = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """
    Revoke a token: every server refuses it from the next request on.

    Example: fermata token revoke k3b5mq7xza
    """
    if url is not None:
        found = ask(url, None, "DELETE", f"/v1/tokens/{token_id}")
    else:
        from api.rest.schemas.tokens import TokenOut
        from planner.service import tokens
        from planner.service.access import COMMAND_LINE

        record = _on_database(database_url, lambda store: tokens.revoke(store, token_id, by=COMMAND_LINE))
        found = TokenOut.of(record).model_dump(mode="json")
    emit(found, as_json=as_json, human=lambda: _say(f"token {token_id} ({found['name']}) is revoked"))


def init(database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """
    Create the database, and print the first admin token: once, and never again.

    A second run upgrades the database and prints no token.

    Example: fermata init --database-url sqlite:///var/fermata.db
    """
    from planner.service import tokens
    from planner.service.access import COMMAND_LINE

    issued = _on_database(
        database_url,
        lambda store: tokens.create_first(store, name=FIRST_NAME, by=COMMAND_LINE),
        upgrade=True,
    )
    data = {
        "created": issued is not None,
        "id": issued.record.id if issued else None,
        "name": FIRST_NAME if issued else None,
        "token": issued.token if issued else None,
    }

    def human() -> None:
        if issued is None:
            _say("there are tokens already, and none can be shown again")
            sys.stderr.write(
                "hint: `fermata token list` names them, `fermata token rotate ID` makes a new secret\n"
            )
            return
        sys.stderr.write("the first token, of scope admin, shown this once; keep it where secrets are kept\n")
        _say(issued.token)

    emit(data, as_json=as_json, human=human)


def _on_database(database_url: str | None, act: Any, *, upgrade: bool = False) -> Any:
    """``act`` on the store, its refusals told as the command line tells them."""
    from api.settings import Settings
    from planner.service.errors import Refusal
    from planner.store import migrate
    from planner.store.errors import SchemaOutdated, StoreUnavailable
    from planner.store.store import Store

    url = database_url or Settings().database_url
    store: Store | None = None
    try:
        if upgrade:
            migrate.upgrade(url)
        store = Store(url)
        store.require_current()
        return act(store)
    except Refusal as error:
        fail(error.message, hint=error.hint)
    except SchemaOutdated as error:
        fail(str(error), hint="run `fermata db upgrade`")
    except StoreUnavailable as error:
        fail(f"the database cannot be reached: {error}")
    except ValueError as error:
        from profiles.faults import InputInvalid

        if isinstance(error, InputInvalid):
            raise
        fail(str(error), code=ExitCode.BAD_INPUT)
    finally:
        if store is not None:
            store.close()


def _print_issued(found: dict[str, Any], *, as_json: bool) -> None:
    def human() -> None:
        sys.stderr.write(f"token {found['id']} ({found['name']}), shown this once\n")
        _say(found["token"])

    emit(found, as_json=as_json, human=human)


def _made_at(token: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(token["created_at"])


def _print_table(found: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("id", "name", "scopes", "fleets", "state", "last used", box=None, pad_edge=False)
    for each in found:
        state = (
            "revoked"
            if each["revoked_at"]
            else (f"until {each['expires_at']}" if each["expires_at"] else "good")
        )
        table.add_row(
            each["id"],
            each["name"],
            ", ".join(each["scopes"]),
            ", ".join(each["fleets"]),
            state,
            each["last_used_at"] or "never",
        )
    Console(highlight=False).print(table)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
