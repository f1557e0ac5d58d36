from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.planned_profile_page import PlannedProfilePage
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    version: int,
    *,
    limit: int | Unset = 50,
    after: None | str | Unset = UNSET,
    fleet: str | Unset = "default",
) -> dict[str, Any]:

    params: dict[str, Any] = {}

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
        "url": "/v1/plans/{version}/profiles".format(
            version=quote(str(version), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> PlannedProfilePage | Problem | None:
    if response.status_code == 200:
        response_200 = PlannedProfilePage.from_dict(response.json())

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
) -> Response[PlannedProfilePage | Problem]:
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
    limit: int | Unset = 50,
    after: None | str | Unset = UNSET,
    fleet: str | Unset = "default",
) -> Response[PlannedProfilePage | Problem]:
    """List Planned Profiles

     Which version of each profile a plan counted on, by model and GPU type.

    Scope: reader, of the fleet asked for.

    Args:
        version (int): The plan's version.
        limit (int | Unset): How many to return at most. Default: 50.
        after (None | str | Unset): Only what comes after this pair of names: `next_after` of a
            page.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PlannedProfilePage | Problem]
    """

    kwargs = _get_kwargs(
        version=version,
        limit=limit,
        after=after,
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
    limit: int | Unset = 50,
    after: None | str | Unset = UNSET,
    fleet: str | Unset = "default",
) -> PlannedProfilePage | Problem | None:
    """List Planned Profiles

     Which version of each profile a plan counted on, by model and GPU type.

    Scope: reader, of the fleet asked for.

    Args:
        version (int): The plan's version.
        limit (int | Unset): How many to return at most. Default: 50.
        after (None | str | Unset): Only what comes after this pair of names: `next_after` of a
            page.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PlannedProfilePage | Problem
    """

    return sync_detailed(
        version=version,
        client=client,
        limit=limit,
        after=after,
        fleet=fleet,
    ).parsed


async def asyncio_detailed(
    version: int,
    *,
    client: AuthenticatedClient | Client,
    limit: int | Unset = 50,
    after: None | str | Unset = UNSET,
    fleet: str | Unset = "default",
) -> Response[PlannedProfilePage | Problem]:
    """List Planned Profiles

     Which version of each profile a plan counted on, by model and GPU type.

    Scope: reader, of the fleet asked for.

    Args:
        version (int): The plan's version.
        limit (int | Unset): How many to return at most. Default: 50.
        after (None | str | Unset): Only what comes after this pair of names: `next_after` of a
            page.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PlannedProfilePage | Problem]
    """

    kwargs = _get_kwargs(
        version=version,
        limit=limit,
        after=after,
        fleet=fleet,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    version: int,
    *,
    client: AuthenticatedClient | Client,
    limit: int | Unset = 50,
    after: None | str | Unset = UNSET,
    fleet: str | Unset = "default",
) -> PlannedProfilePage | Problem | None:
    """List Planned Profiles

     Which version of each profile a plan counted on, by model and GPU type.

    Scope: reader, of the fleet asked for.

    Args:
        version (int): The plan's version.
        limit (int | Unset): How many to return at most. Default: 50.
        after (None | str | Unset): Only what comes after this pair of names: `next_after` of a
            page.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PlannedProfilePage | Problem
    """

    return (
        await asyncio_detailed(
            version=version,
            client=client,
            limit=limit,
            after=after,
            fleet=fleet,
        )
    ).parsed
