from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.heartbeat_body import HeartbeatBody
from ...models.node_out import NodeOut
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    node_id: str,
    *,
    body: HeartbeatBody,
    fleet: str | Unset = "default",
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    params: dict[str, Any] = {}

    params["fleet"] = fleet

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/v1/nodes/{node_id}".format(
            node_id=quote(str(node_id), safe=""),
        ),
        "params": params,
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> NodeOut | Problem | None:
    if response.status_code == 200:
        response_200 = NodeOut.from_dict(response.json())

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
) -> Response[NodeOut | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    node_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: HeartbeatBody,
    fleet: str | Unset = "default",
) -> Response[NodeOut | Problem]:
    """Put Heartbeat

     Take a node's heartbeat in place of the one before; a node is known from its first one on.

    Scope: dispatcher, of the fleet asked for.

    Args:
        node_id (str): The node's name.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        body (HeartbeatBody): How a node is: the plan it serves, the last it knows, its processes,
            and what is wrong.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[NodeOut | Problem]
    """

    kwargs = _get_kwargs(
        node_id=node_id,
        body=body,
        fleet=fleet,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    node_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: HeartbeatBody,
    fleet: str | Unset = "default",
) -> NodeOut | Problem | None:
    """Put Heartbeat

     Take a node's heartbeat in place of the one before; a node is known from its first one on.

    Scope: dispatcher, of the fleet asked for.

    Args:
        node_id (str): The node's name.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        body (HeartbeatBody): How a node is: the plan it serves, the last it knows, its processes,
            and what is wrong.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        NodeOut | Problem
    """

    return sync_detailed(
        node_id=node_id,
        client=client,
        body=body,
        fleet=fleet,
    ).parsed


async def asyncio_detailed(
    node_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: HeartbeatBody,
    fleet: str | Unset = "default",
) -> Response[NodeOut | Problem]:
    """Put Heartbeat

     Take a node's heartbeat in place of the one before; a node is known from its first one on.

    Scope: dispatcher, of the fleet asked for.

    Args:
        node_id (str): The node's name.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        body (HeartbeatBody): How a node is: the plan it serves, the last it knows, its processes,
            and what is wrong.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[NodeOut | Problem]
    """

    kwargs = _get_kwargs(
        node_id=node_id,
        body=body,
        fleet=fleet,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    node_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: HeartbeatBody,
    fleet: str | Unset = "default",
) -> NodeOut | Problem | None:
    """Put Heartbeat

     Take a node's heartbeat in place of the one before; a node is known from its first one on.

    Scope: dispatcher, of the fleet asked for.

    Args:
        node_id (str): The node's name.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        body (HeartbeatBody): How a node is: the plan it serves, the last it knows, its processes,
            and what is wrong.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        NodeOut | Problem
    """

    return (
        await asyncio_detailed(
            node_id=node_id,
            client=client,
            body=body,
            fleet=fleet,
        )
    ).parsed
