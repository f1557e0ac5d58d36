"""Tokens: made, listed, rotated, revoked; and who asks."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Request, Response
from pydantic import PlainValidator

from api.rest.bodies import just_one
from api.rest.dependencies import PAGE_SIZE, After, Limit, ServerStoreDep, problems
from api.rest.etags import CONDITIONAL, NOT_MODIFIED, Wished, fresh, record_etag, tagged
from api.rest.paging import named_page
from api.rest.schemas.common import NamedPage
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
def list_tokens(
    store: ServerStoreDep, who: PrincipalDep, limit: Limit = PAGE_SIZE, after: After = None
) -> NamedPage[TokenOut]:
    """Tokens of at most your own scopes and fleets, by id; those that were revoked too."""
    found = sorted(tokens.tokens(store, by=who), key=lambda each: each.id)
    shown = [TokenOut.of(record) for record in found if record.id > (after or "")]
    return named_page(NamedPage[TokenOut], shown, limit, lambda each: each.id)


@router.get(
    "/tokens/{token_id}",
    response_model=TokenOut,
    responses=NOT_MODIFIED | problems(404),
    dependencies=[CONDITIONAL],
)
def get_token(
    store: ServerStoreDep, token_id: TokenId, who: PrincipalDep, request: Request, response: Response
) -> Any:
    """One token of at most your own scopes and fleets, without its secret."""
    found = tokens.token(store, token_id, by=who)
    return fresh(request, response, record_etag(found)) or TokenOut.of(found)


@router.post("/tokens/{token_id}/rotation", responses=problems(404, 409, 412, 413))
def rotate_token(
    store: ServerStoreDep,
    token_id: TokenId,
    who: PrincipalDep,
    given: Wished,
    response: Response,
    body: RotationBody | None = None,
) -> IssuedTokenOut:
    """Give a token a new secret; the old one stays good for a time of grace, a day by default."""
    response.headers.update(NO_STORE)
    grace_s = (body or RotationBody()).grace_s
    issued = tokens.rotate(store, token_id, grace_s=grace_s, by=who, given=given)
    response.headers["ETag"] = record_etag(issued.record)
    return IssuedTokenOut.of_issued(issued)


@router.delete("/tokens/{token_id}", responses=problems(404, 412))
def revoke_token(
    store: ServerStoreDep, token_id: TokenId, who: PrincipalDep, given: Wished, response: Response
) -> TokenOut:
    """Revoke a token: from the next request on it is refused everywhere, and its sign-ins are over."""
    return TokenOut.of(tagged(response, tokens.revoke(store, token_id, by=who, given=given)))


@router.get("/me", responses=problems())
def get_me(who: PrincipalDep) -> MeOut:
    """Who asks, and what that one may do."""
    return MeOut.of(who)
