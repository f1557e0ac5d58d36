from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.decision_body import DecisionBody
from ...models.problem import Problem
from ...models.profile_proposal_out import ProfileProposalOut
from ...types import UNSET, Response, Unset


def _get_kwargs(
    proposal_id: int,
    *,
    body: DecisionBody,
    fleet: str | Unset = "default",
    x_actor: str | Unset = "anonymous",
    if_match: None | str | Unset = UNSET,
    if_none_match: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_actor, Unset):
        headers["X-Actor"] = x_actor

    if not isinstance(if_match, Unset):
        headers["if-match"] = if_match

    if not isinstance(if_none_match, Unset):
        headers["if-none-match"] = if_none_match

    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    params: dict[str, Any] = {}

    params["fleet"] = fleet

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/profile-proposals/{proposal_id}/rejection".format(
            proposal_id=quote(str(proposal_id), safe=""),
        ),
        "params": params,
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | ProfileProposalOut | None:
    if response.status_code == 200:
        response_200 = ProfileProposalOut.from_dict(response.json())

        return response_200

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 409:
        response_409 = Problem.from_dict(response.json())

        return response_409

    if response.status_code == 412:
        response_412 = Problem.from_dict(response.json())

        return response_412

    if response.status_code == 413:
        response_413 = Problem.from_dict(response.json())

        return response_413

    if response.status_code == 422:
        response_422 = Problem.from_dict(response.json())

        return response_422

    if response.status_code == 429:
        response_429 = Problem.from_dict(response.json())

        return response_429

    if response.status_code == 500:
        response_500 = Problem.from_dict(response.json())

        return response_500

    if response.status_code == 503:
        response_503 = Problem.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | ProfileProposalOut]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    proposal_id: int,
    *,
    client: AuthenticatedClient | Client,
    body: DecisionBody,
    fleet: str | Unset = "default",
    x_actor: str | Unset = "anonymous",
    if_match: None | str | Unset = UNSET,
    if_none_match: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[Problem | ProfileProposalOut]:
    """Reject Profile Proposal

     Leave the profile as it is; the same is not proposed again.

    Scope: planner, of every fleet.

    Args:
        proposal_id (int): The proposal's id.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        x_actor (str | Unset): Who asks, for the audit log; where tokens are needed, the token's
            name counts instead. Default: 'anonymous'.
        if_match (None | str | Unset): The ETag of the state to be changed; 412 if it is another
            by now.
        if_none_match (None | str | Unset): `*`: only if it does not exist yet; 412 if it does.
        idempotency_key (str | Unset):
        body (DecisionBody): Why a proposal is accepted or rejected.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ProfileProposalOut]
    """

    kwargs = _get_kwargs(
        proposal_id=proposal_id,
        body=body,
        fleet=fleet,
        x_actor=x_actor,
        if_match=if_match,
        if_none_match=if_none_match,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    proposal_id: int,
    *,
    client: AuthenticatedClient | Client,
    body: DecisionBody,
    fleet: str | Unset = "default",
    x_actor: str | Unset = "anonymous",
    if_match: None | str | Unset = UNSET,
    if_none_match: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Problem | ProfileProposalOut | None:
    """Reject Profile Proposal

     Leave the profile as it is; the same is not proposed again.

    Scope: planner, of every fleet.

    Args:
        proposal_id (int): The proposal's id.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        x_actor (str | Unset): Who asks, for the audit log; where tokens are needed, the token's
            name counts instead. Default: 'anonymous'.
        if_match (None | str | Unset): The ETag of the state to be changed; 412 if it is another
            by now.
        if_none_match (None | str | Unset): `*`: only if it does not exist yet; 412 if it does.
        idempotency_key (str | Unset):
        body (DecisionBody): Why a proposal is accepted or rejected.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ProfileProposalOut
    """

    return sync_detailed(
        proposal_id=proposal_id,
        client=client,
        body=body,
        fleet=fleet,
        x_actor=x_actor,
        if_match=if_match,
        if_none_match=if_none_match,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    proposal_id: int,
    *,
    client: AuthenticatedClient | Client,
    body: DecisionBody,
    fleet: str | Unset = "default",
    x_actor: str | Unset = "anonymous",
    if_match: None | str | Unset = UNSET,
    if_none_match: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[Problem | ProfileProposalOut]:
    """Reject Profile Proposal

     Leave the profile as it is; the same is not proposed again.

    Scope: planner, of every fleet.

    Args:
        proposal_id (int): The proposal's id.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        x_actor (str | Unset): Who asks, for the audit log; where tokens are needed, the token's
            name counts instead. Default: 'anonymous'.
        if_match (None | str | Unset): The ETag of the state to be changed; 412 if it is another
            by now.
        if_none_match (None | str | Unset): `*`: only if it does not exist yet; 412 if it does.
        idempotency_key (str | Unset):
        body (DecisionBody): Why a proposal is accepted or rejected.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ProfileProposalOut]
    """

    kwargs = _get_kwargs(
        proposal_id=proposal_id,
        body=body,
        fleet=fleet,
        x_actor=x_actor,
        if_match=if_match,
        if_none_match=if_none_match,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    proposal_id: int,
    *,
    client: AuthenticatedClient | Client,
    body: DecisionBody,
    fleet: str | Unset = "default",
    x_actor: str | Unset = "anonymous",
    if_match: None | str | Unset = UNSET,
    if_none_match: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Problem | ProfileProposalOut | None:
    """Reject Profile Proposal

     Leave the profile as it is; the same is not proposed again.

    Scope: planner, of every fleet.

    Args:
        proposal_id (int): The proposal's id.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        x_actor (str | Unset): Who asks, for the audit log; where tokens are needed, the token's
            name counts instead. Default: 'anonymous'.
        if_match (None | str | Unset): The ETag of the state to be changed; 412 if it is another
            by now.
        if_none_match (None | str | Unset): `*`: only if it does not exist yet; 412 if it does.
        idempotency_key (str | Unset):
        body (DecisionBody): Why a proposal is accepted or rejected.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ProfileProposalOut
    """

    return (
        await asyncio_detailed(
            proposal_id=proposal_id,
            client=client,
            body=body,
            fleet=fleet,
            x_actor=x_actor,
            if_match=if_match,
            if_none_match=if_none_match,
            idempotency_key=idempotency_key,
        )
    ).parsed
