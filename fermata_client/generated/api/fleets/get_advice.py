import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.advice_page import AdvicePage
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    fleet_id: str,
    *,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_since: None | str | Unset
    if isinstance(since, Unset):
        json_since = UNSET
    elif isinstance(since, datetime.datetime):
        json_since = since.isoformat()
    else:
        json_since = since
    params["since"] = json_since

    json_until: None | str | Unset
    if isinstance(until, Unset):
        json_until = UNSET
    elif isinstance(until, datetime.datetime):
        json_until = until.isoformat()
    else:
        json_until = until
    params["until"] = json_until

    params["limit"] = limit

    json_before: int | None | Unset
    if isinstance(before, Unset):
        json_before = UNSET
    else:
        json_before = before
    params["before"] = json_before

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/fleets/{fleet_id}/advice".format(
            fleet_id=quote(str(fleet_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> AdvicePage | Problem | None:
    if response.status_code == 200:
        response_200 = AdvicePage.from_dict(response.json())

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
) -> Response[AdvicePage | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    fleet_id: str,
    *,
    client: AuthenticatedClient | Client,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
) -> Response[AdvicePage | Problem]:
    """Get Advice

     Each plan that was made beside what ran then (the active plan, else the imported one), by day.

    Scope: reader, of the fleet asked for.

    Args:
        fleet_id (str): The fleet's name.
        since (datetime.datetime | None | Unset): Only plans made at or after this instant.
        until (datetime.datetime | None | Unset): Only plans made before this instant.
        limit (int | Unset): How many to return at most. Default: 50.
        before (int | None | Unset): Only plan versions below this: `next_before` of a page.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AdvicePage | Problem]
    """

    kwargs = _get_kwargs(
        fleet_id=fleet_id,
        since=since,
        until=until,
        limit=limit,
        before=before,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    fleet_id: str,
    *,
    client: AuthenticatedClient | Client,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
) -> AdvicePage | Problem | None:
    """Get Advice

     Each plan that was made beside what ran then (the active plan, else the imported one), by day.

    Scope: reader, of the fleet asked for.

    Args:
        fleet_id (str): The fleet's name.
        since (datetime.datetime | None | Unset): Only plans made at or after this instant.
        until (datetime.datetime | None | Unset): Only plans made before this instant.
        limit (int | Unset): How many to return at most. Default: 50.
        before (int | None | Unset): Only plan versions below this: `next_before` of a page.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AdvicePage | Problem
    """

    return sync_detailed(
        fleet_id=fleet_id,
        client=client,
        since=since,
        until=until,
        limit=limit,
        before=before,
    ).parsed


async def asyncio_detailed(
    fleet_id: str,
    *,
    client: AuthenticatedClient | Client,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
) -> Response[AdvicePage | Problem]:
    """Get Advice

     Each plan that was made beside what ran then (the active plan, else the imported one), by day.

    Scope: reader, of the fleet asked for.

    Args:
        fleet_id (str): The fleet's name.
        since (datetime.datetime | None | Unset): Only plans made at or after this instant.
        until (datetime.datetime | None | Unset): Only plans made before this instant.
        limit (int | Unset): How many to return at most. Default: 50.
        before (int | None | Unset): Only plan versions below this: `next_before` of a page.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AdvicePage | Problem]
    """

    kwargs = _get_kwargs(
        fleet_id=fleet_id,
        since=since,
        until=until,
        limit=limit,
        before=before,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    fleet_id: str,
    *,
    client: AuthenticatedClient | Client,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
) -> AdvicePage | Problem | None:
    """Get Advice

     Each plan that was made beside what ran then (the active plan, else the imported one), by day.

    Scope: reader, of the fleet asked for.

    Args:
        fleet_id (str): The fleet's name.
        since (datetime.datetime | None | Unset): Only plans made at or after this instant.
        until (datetime.datetime | None | Unset): Only plans made before this instant.
        limit (int | Unset): How many to return at most. Default: 50.
        before (int | None | Unset): Only plan versions below this: `next_before` of a page.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AdvicePage | Problem
    """

    return (
        await asyncio_detailed(
            fleet_id=fleet_id,
            client=client,
            since=since,
            until=until,
            limit=limit,
            before=before,
        )
    ).parsed
