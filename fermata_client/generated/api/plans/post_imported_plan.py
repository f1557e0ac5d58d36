from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.import_body import ImportBody
from ...models.imported_out import ImportedOut
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: ImportBody,
    fleet: str | Unset = "default",
    x_actor: str | Unset = "anonymous",
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_actor, Unset):
        headers["X-Actor"] = x_actor

    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    params: dict[str, Any] = {}

    params["fleet"] = fleet

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/plans/imported",
        "params": params,
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ImportedOut | Problem | None:
    if response.status_code == 201:
        response_201 = ImportedOut.from_dict(response.json())

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
) -> Response[ImportedOut | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: ImportBody,
    fleet: str | Unset = "default",
    x_actor: str | Unset = "anonymous",
    idempotency_key: str | Unset = UNSET,
) -> Response[ImportedOut | Problem]:
    """Post Imported Plan

     Hand in what the fleet runs by other means: plans are compared with it; it is never activated.

    Scope: planner, of the fleet asked for.

    Args:
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        x_actor (str | Unset): Who asks, for the audit log; where tokens are needed, the token's
            name counts instead. Default: 'anonymous'.
        idempotency_key (str | Unset):
        body (ImportBody): The plan that a fleet runs by other means, to compare with.

            `plan` is a plan document of which `sub_clusters` is enough; a list of one GPU count or
            share holds for
            every epoch of the forecast.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ImportedOut | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        fleet=fleet,
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
    body: ImportBody,
    fleet: str | Unset = "default",
    x_actor: str | Unset = "anonymous",
    idempotency_key: str | Unset = UNSET,
) -> ImportedOut | Problem | None:
    """Post Imported Plan

     Hand in what the fleet runs by other means: plans are compared with it; it is never activated.

    Scope: planner, of the fleet asked for.

    Args:
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        x_actor (str | Unset): Who asks, for the audit log; where tokens are needed, the token's
            name counts instead. Default: 'anonymous'.
        idempotency_key (str | Unset):
        body (ImportBody): The plan that a fleet runs by other means, to compare with.

            `plan` is a plan document of which `sub_clusters` is enough; a list of one GPU count or
            share holds for
            every epoch of the forecast.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ImportedOut | Problem
    """

    return sync_detailed(
        client=client,
        body=body,
        fleet=fleet,
        x_actor=x_actor,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: ImportBody,
    fleet: str | Unset = "default",
    x_actor: str | Unset = "anonymous",
    idempotency_key: str | Unset = UNSET,
) -> Response[ImportedOut | Problem]:
    """Post Imported Plan

     Hand in what the fleet runs by other means: plans are compared with it; it is never activated.

    Scope: planner, of the fleet asked for.

    Args:
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        x_actor (str | Unset): Who asks, for the audit log; where tokens are needed, the token's
            name counts instead. Default: 'anonymous'.
        idempotency_key (str | Unset):
        body (ImportBody): The plan that a fleet runs by other means, to compare with.

            `plan` is a plan document of which `sub_clusters` is enough; a list of one GPU count or
            share holds for
            every epoch of the forecast.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ImportedOut | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        fleet=fleet,
        x_actor=x_actor,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: ImportBody,
    fleet: str | Unset = "default",
    x_actor: str | Unset = "anonymous",
    idempotency_key: str | Unset = UNSET,
) -> ImportedOut | Problem | None:
    """Post Imported Plan

     Hand in what the fleet runs by other means: plans are compared with it; it is never activated.

    Scope: planner, of the fleet asked for.

    Args:
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        x_actor (str | Unset): Who asks, for the audit log; where tokens are needed, the token's
            name counts instead. Default: 'anonymous'.
        idempotency_key (str | Unset):
        body (ImportBody): The plan that a fleet runs by other means, to compare with.

            `plan` is a plan document of which `sub_clusters` is enough; a list of one GPU count or
            share holds for
            every epoch of the forecast.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ImportedOut | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            fleet=fleet,
            x_actor=x_actor,
            idempotency_key=idempotency_key,
        )
    ).parsed
