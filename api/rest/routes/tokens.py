"""Tokens: made, listed, rotated, revoked; and who asks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Request, Response
from pydantic import PlainValidator

from api.rest.bodies import just_one
from api.rest.dependencies import ServerStoreDep, problems
from api.rest.schemas.tokens import IssuedTokenOut, MeOut, RotationBody, TokenBody, TokenOut
from planner.service import tokens
from planner.service.access import Principal
from planner.service.submission import Submission
from planner.service.tokens import TokenRequest

router = APIRouter(tags=["tokens"])

NO_STORE = {"Cache-Control": "no-store"}
NewToken = Annotated[
    Submission[TokenRequest], PlainValidator(just_one(TokenBody), json_schema_input_type=TokenBody), Body()
]
TokenId = Annotated[str, Path(max_length=16, description="The token's id, the part after `fermata_`.")]


def _principal(request: Request) -> Principal:
    """Put there by the gate."""
    principal: Principal = request.state.principal
    return principal


PrincipalDep = Annotated[Principal, Depends(_principal)]


@router.post("/tokens", status_code=201, responses=problems(409, 413))
def create_token(
    store: ServerStoreDep, body: NewToken, who: PrincipalDep, response: Response
) -> IssuedTokenOut:
    """Make a token of at most your own scopes and fleets. The answer is the only place that shows it."""
    response.headers.update(NO_STORE)
    return IssuedTokenOut.of_issued(tokens.create(store, body, by=who))


@router.get("/tokens", responses=problems())
def list_tokens(store: ServerStoreDep, who: PrincipalDep) -> list[TokenOut]:
    """Tokens of at most your own scopes and fleets, the oldest first; those that were revoked too."""
    return [TokenOut.of(record) for record in tokens.tokens(store, by=who)]


@router.post("/tokens/{token_id}/rotation", responses=problems(404, 409, 413))
def rotate_token(
    store: ServerStoreDep,
    token_id: TokenId,
    who: PrincipalDep,
    response: Response,
    body: RotationBody | None = None,
) -> IssuedTokenOut:
    """Give a token a new secret; the old one stays good for a time of grace, a day by default."""
    response.headers.update(NO_STORE)
    grace_s = (body or RotationBody()).grace_s
    return IssuedTokenOut.of_issued(tokens.rotate(store, token_id, grace_s=grace_s, by=who))


@router.delete("/tokens/{token_id}", responses=problems(404))
def revoke_token(store: ServerStoreDep, token_id: TokenId, who: PrincipalDep) -> TokenOut:
    """Revoke a token: from the next request on it is refused everywhere, and its sign-ins are over."""
    return TokenOut.of(tokens.revoke(store, token_id, by=who))


@router.get("/me", responses=problems())
def get_me(who: PrincipalDep) -> MeOut:
    """Who asks, and what that one may do."""
    return MeOut.of(who)
