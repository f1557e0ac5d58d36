from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.sub_cluster_spec_out import SubClusterSpecOut
from ...types import UNSET, Response, Unset


def _get_kwargs(
    activation_id: int,
    wave: int,
    sub_cluster: str,
    *,
    fleet: str | Unset = "default",
    if_none_match: None | str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(if_none_match, Unset):
        headers["if-none-match"] = if_none_match

    params: dict[str, Any] = {}

    params["fleet"] = fleet

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/activations/{activation_id}/waves/{wave}/sub-clusters/{sub_cluster}".format(
            activation_id=quote(str(activation_id), safe=""),
            wave=quote(str(wave), safe=""),
            sub_cluster=quote(str(sub_cluster), safe=""),
        ),
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | Problem | SubClusterSpecOut | None:
    if response.status_code == 200:
        response_200 = SubClusterSpecOut.from_dict(response.json())

        return response_200

    if response.status_code == 304:
        response_304 = cast(Any, None)
        return response_304

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
) -> Response[Any | Problem | SubClusterSpecOut]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    activation_id: int,
    wave: int,
    sub_cluster: str,
    *,
    client: AuthenticatedClient | Client,
    fleet: str | Unset = "default",
    if_none_match: None | str | Unset = UNSET,
) -> Response[Any | Problem | SubClusterSpecOut]:
    """Get Wave Sub Cluster

     A sub-cluster as it is to be from the opening of a wave on; after the last one as the plan has it.

    Scope: dispatcher or reader, of the fleet asked for.

    Args:
        activation_id (int):
        wave (int):
        sub_cluster (str):
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        if_none_match (None | str | Unset): ETags the client has: the answer is 304, and empty, if
            one is the present.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Problem | SubClusterSpecOut]
    """

    kwargs = _get_kwargs(
        activation_id=activation_id,
        wave=wave,
        sub_cluster=sub_cluster,
        fleet=fleet,
        if_none_match=if_none_match,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    activation_id: int,
    wave: int,
    sub_cluster: str,
    *,
    client: AuthenticatedClient | Client,
    fleet: str | Unset = "default",
    if_none_match: None | str | Unset = UNSET,
) -> Any | Problem | SubClusterSpecOut | None:
    """Get Wave Sub Cluster

     A sub-cluster as it is to be from the opening of a wave on; after the last one as the plan has it.

    Scope: dispatcher or reader, of the fleet asked for.

    Args:
        activation_id (int):
        wave (int):
        sub_cluster (str):
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        if_none_match (None | str | Unset): ETags the client has: the answer is 304, and empty, if
            one is the present.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Problem | SubClusterSpecOut
    """

    return sync_detailed(
        activation_id=activation_id,
        wave=wave,
        sub_cluster=sub_cluster,
        client=client,
        fleet=fleet,
        if_none_match=if_none_match,
    ).parsed


async def asyncio_detailed(
    activation_id: int,
    wave: int,
    sub_cluster: str,
    *,
    client: AuthenticatedClient | Client,
    fleet: str | Unset = "default",
    if_none_match: None | str | Unset = UNSET,
) -> Response[Any | Problem | SubClusterSpecOut]:
    """Get Wave Sub Cluster

     A sub-cluster as it is to be from the opening of a wave on; after the last one as the plan has it.

    Scope: dispatcher or reader, of the fleet asked for.

    Args:
        activation_id (int):
        wave (int):
        sub_cluster (str):
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        if_none_match (None | str | Unset): ETags the client has: the answer is 304, and empty, if
            one is the present.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Problem | SubClusterSpecOut]
    """

    kwargs = _get_kwargs(
        activation_id=activation_id,
        wave=wave,
        sub_cluster=sub_cluster,
        fleet=fleet,
        if_none_match=if_none_match,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    activation_id: int,
    wave: int,
    sub_cluster: str,
    *,
    client: AuthenticatedClient | Client,
    fleet: str | Unset = "default",
    if_none_match: None | str | Unset = UNSET,
) -> Any | Problem | SubClusterSpecOut | None:
    """Get Wave Sub Cluster

     A sub-cluster as it is to be from the opening of a wave on; after the last one as the plan has it.

    Scope: dispatcher or reader, of the fleet asked for.

    Args:
        activation_id (int):
        wave (int):
        sub_cluster (str):
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        if_none_match (None | str | Unset): ETags the client has: the answer is 304, and empty, if
            one is the present.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Problem | SubClusterSpecOut
    """

    return (
        await asyncio_detailed(
            activation_id=activation_id,
            wave=wave,
            sub_cluster=sub_cluster,
            client=client,
            fleet=fleet,
            if_none_match=if_none_match,
        )
    ).parsed
