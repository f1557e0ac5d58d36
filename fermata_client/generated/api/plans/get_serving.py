from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.serving_out import ServingOut
from ...types import UNSET, Response, Unset


def _get_kwargs(
    version: int,
    *,
    fleet: str | Unset = "default",
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["fleet"] = fleet

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/plans/{version}/serving".format(
            version=quote(str(version), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | ServingOut | None:
    if response.status_code == 200:
        response_200 = ServingOut.from_dict(response.json())

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
) -> Response[Problem | ServingOut]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    version: int,
    *,
    client: AuthenticatedClient | Client,
    fleet: str | Unset = "default",
) -> Response[Problem | ServingOut]:
    """Get Serving

     Where a plan is served already: its sub-clusters, as their nodes said within the last minute.

    Scope: dispatcher or reader, of the fleet asked for.

    Args:
        version (int): The plan's version.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ServingOut]
    """

    kwargs = _get_kwargs(
        version=version,
        fleet=fleet,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    version: int,
    *,
    client: AuthenticatedClient | Client,
    fleet: str | Unset = "default",
) -> Problem | ServingOut | None:
    """Get Serving

     Where a plan is served already: its sub-clusters, as their nodes said within the last minute.

    Scope: dispatcher or reader, of the fleet asked for.

    Args:
        version (int): The plan's version.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ServingOut
    """

    return sync_detailed(
        version=version,
        client=client,
        fleet=fleet,
    ).parsed


async def asyncio_detailed(
    version: int,
    *,
    client: AuthenticatedClient | Client,
    fleet: str | Unset = "default",
) -> Response[Problem | ServingOut]:
    """Get Serving

     Where a plan is served already: its sub-clusters, as their nodes said within the last minute.

    Scope: dispatcher or reader, of the fleet asked for.

    Args:
        version (int): The plan's version.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ServingOut]
    """

    kwargs = _get_kwargs(
        version=version,
        fleet=fleet,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    version: int,
    *,
    client: AuthenticatedClient | Client,
    fleet: str | Unset = "default",
) -> Problem | ServingOut | None:
    """Get Serving

     Where a plan is served already: its sub-clusters, as their nodes said within the last minute.

    Scope: dispatcher or reader, of the fleet asked for.

    Args:
        version (int): The plan's version.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ServingOut
    """

    return (
        await asyncio_detailed(
            version=version,
            client=client,
            fleet=fleet,
        )
    ).parsed
