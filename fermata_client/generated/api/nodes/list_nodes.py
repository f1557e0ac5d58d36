from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.node_page import NodePage
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    name: None | str | Unset = UNSET,
    limit: int | Unset = 50,
    after: None | str | Unset = UNSET,
    fleet: str | Unset = "default",
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_name: None | str | Unset
    if isinstance(name, Unset):
        json_name = UNSET
    else:
        json_name = name
    params["name"] = json_name

    params["limit"] = limit

    json_after: None | str | Unset
    if isinstance(after, Unset):
        json_after = UNSET
    else:
        json_after = after
    params["after"] = json_after

    params["fleet"] = fleet

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/nodes",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> NodePage | Problem | None:
    if response.status_code == 200:
        response_200 = NodePage.from_dict(response.json())

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
) -> Response[NodePage | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    name: None | str | Unset = UNSET,
    limit: int | Unset = 50,
    after: None | str | Unset = UNSET,
    fleet: str | Unset = "default",
) -> Response[NodePage | Problem]:
    """List Nodes

     Nodes that were ever heard of, by name.

    Scope: reader, of the fleet asked for.

    Args:
        name (None | str | Unset): Only those with this in their id, in capitals or not.
        limit (int | Unset): How many to return at most. Default: 50.
        after (None | str | Unset): Only what comes after this name: `next_after` of a page.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[NodePage | Problem]
    """

    kwargs = _get_kwargs(
        name=name,
        limit=limit,
        after=after,
        fleet=fleet,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    name: None | str | Unset = UNSET,
    limit: int | Unset = 50,
    after: None | str | Unset = UNSET,
    fleet: str | Unset = "default",
) -> NodePage | Problem | None:
    """List Nodes

     Nodes that were ever heard of, by name.

    Scope: reader, of the fleet asked for.

    Args:
        name (None | str | Unset): Only those with this in their id, in capitals or not.
        limit (int | Unset): How many to return at most. Default: 50.
        after (None | str | Unset): Only what comes after this name: `next_after` of a page.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        NodePage | Problem
    """

    return sync_detailed(
        client=client,
        name=name,
        limit=limit,
        after=after,
        fleet=fleet,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    name: None | str | Unset = UNSET,
    limit: int | Unset = 50,
    after: None | str | Unset = UNSET,
    fleet: str | Unset = "default",
) -> Response[NodePage | Problem]:
    """List Nodes

     Nodes that were ever heard of, by name.

    Scope: reader, of the fleet asked for.

    Args:
        name (None | str | Unset): Only those with this in their id, in capitals or not.
        limit (int | Unset): How many to return at most. Default: 50.
        after (None | str | Unset): Only what comes after this name: `next_after` of a page.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[NodePage | Problem]
    """

    kwargs = _get_kwargs(
        name=name,
        limit=limit,
        after=after,
        fleet=fleet,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    name: None | str | Unset = UNSET,
    limit: int | Unset = 50,
    after: None | str | Unset = UNSET,
    fleet: str | Unset = "default",
) -> NodePage | Problem | None:
    """List Nodes

     Nodes that were ever heard of, by name.

    Scope: reader, of the fleet asked for.

    Args:
        name (None | str | Unset): Only those with this in their id, in capitals or not.
        limit (int | Unset): How many to return at most. Default: 50.
        after (None | str | Unset): Only what comes after this name: `next_after` of a page.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        NodePage | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            name=name,
            limit=limit,
            after=after,
            fleet=fleet,
        )
    ).parsed
