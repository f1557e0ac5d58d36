from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.fleet_body import FleetBody
from ...models.fleet_out import FleetOut
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: FleetBody,
    x_actor: str | Unset = "anonymous",
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_actor, Unset):
        headers["X-Actor"] = x_actor

    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/fleets",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> FleetOut | Problem | None:
    if response.status_code == 201:
        response_201 = FleetOut.from_dict(response.json())

        return response_201

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
) -> Response[FleetOut | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: FleetBody,
    x_actor: str | Unset = "anonymous",
    idempotency_key: str | Unset = UNSET,
) -> Response[FleetOut | Problem]:
    """Create Fleet

     Make a fleet; nothing of another one is seen or changed through it.

    Scope: admin, of every fleet.

    Args:
        x_actor (str | Unset): Who asks, for the audit log; where tokens are needed, the token's
            name counts instead. Default: 'anonymous'.
        idempotency_key (str | Unset):
        body (FleetBody): A new fleet; what its policy leaves out takes the default.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[FleetOut | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        x_actor=x_actor,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: FleetBody,
    x_actor: str | Unset = "anonymous",
    idempotency_key: str | Unset = UNSET,
) -> FleetOut | Problem | None:
    """Create Fleet

     Make a fleet; nothing of another one is seen or changed through it.

    Scope: admin, of every fleet.

    Args:
        x_actor (str | Unset): Who asks, for the audit log; where tokens are needed, the token's
            name counts instead. Default: 'anonymous'.
        idempotency_key (str | Unset):
        body (FleetBody): A new fleet; what its policy leaves out takes the default.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        FleetOut | Problem
    """

    return sync_detailed(
        client=client,
        body=body,
        x_actor=x_actor,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: FleetBody,
    x_actor: str | Unset = "anonymous",
    idempotency_key: str | Unset = UNSET,
) -> Response[FleetOut | Problem]:
    """Create Fleet

     Make a fleet; nothing of another one is seen or changed through it.

    Scope: admin, of every fleet.

    Args:
        x_actor (str | Unset): Who asks, for the audit log; where tokens are needed, the token's
            name counts instead. Default: 'anonymous'.
        idempotency_key (str | Unset):
        body (FleetBody): A new fleet; what its policy leaves out takes the default.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[FleetOut | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        x_actor=x_actor,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: FleetBody,
    x_actor: str | Unset = "anonymous",
    idempotency_key: str | Unset = UNSET,
) -> FleetOut | Problem | None:
    """Create Fleet

     Make a fleet; nothing of another one is seen or changed through it.

    Scope: admin, of every fleet.

    Args:
        x_actor (str | Unset): Who asks, for the audit log; where tokens are needed, the token's
            name counts instead. Default: 'anonymous'.
        idempotency_key (str | Unset):
        body (FleetBody): A new fleet; what its policy leaves out takes the default.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        FleetOut | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            x_actor=x_actor,
            idempotency_key=idempotency_key,
        )
    ).parsed
