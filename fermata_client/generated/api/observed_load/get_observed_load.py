import datetime
from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.observed_load_out import ObservedLoadOut
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    plan_version: int | None | Unset = UNSET,
    fleet: str | Unset = "default",
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

    json_plan_version: int | None | Unset
    if isinstance(plan_version, Unset):
        json_plan_version = UNSET
    else:
        json_plan_version = plan_version
    params["plan_version"] = json_plan_version

    params["fleet"] = fleet

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/observed-load",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ObservedLoadOut | Problem | None:
    if response.status_code == 200:
        response_200 = ObservedLoadOut.from_dict(response.json())

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
) -> Response[ObservedLoadOut | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    plan_version: int | None | Unset = UNSET,
    fleet: str | Unset = "default",
) -> Response[ObservedLoadOut | Problem]:
    """Get Observed Load

     What dispatchers measured, put together by model. A look at too much is refused, never cut.

    Scope: reader, of the fleet asked for.

    Args:
        since (datetime.datetime | None | Unset): Only intervals that start at or after this
            instant.
        until (datetime.datetime | None | Unset): Only intervals that start before this instant.
        plan_version (int | None | Unset):
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ObservedLoadOut | Problem]
    """

    kwargs = _get_kwargs(
        since=since,
        until=until,
        plan_version=plan_version,
        fleet=fleet,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    plan_version: int | None | Unset = UNSET,
    fleet: str | Unset = "default",
) -> ObservedLoadOut | Problem | None:
    """Get Observed Load

     What dispatchers measured, put together by model. A look at too much is refused, never cut.

    Scope: reader, of the fleet asked for.

    Args:
        since (datetime.datetime | None | Unset): Only intervals that start at or after this
            instant.
        until (datetime.datetime | None | Unset): Only intervals that start before this instant.
        plan_version (int | None | Unset):
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ObservedLoadOut | Problem
    """

    return sync_detailed(
        client=client,
        since=since,
        until=until,
        plan_version=plan_version,
        fleet=fleet,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    plan_version: int | None | Unset = UNSET,
    fleet: str | Unset = "default",
) -> Response[ObservedLoadOut | Problem]:
    """Get Observed Load

     What dispatchers measured, put together by model. A look at too much is refused, never cut.

    Scope: reader, of the fleet asked for.

    Args:
        since (datetime.datetime | None | Unset): Only intervals that start at or after this
            instant.
        until (datetime.datetime | None | Unset): Only intervals that start before this instant.
        plan_version (int | None | Unset):
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ObservedLoadOut | Problem]
    """

    kwargs = _get_kwargs(
        since=since,
        until=until,
        plan_version=plan_version,
        fleet=fleet,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    plan_version: int | None | Unset = UNSET,
    fleet: str | Unset = "default",
) -> ObservedLoadOut | Problem | None:
    """Get Observed Load

     What dispatchers measured, put together by model. A look at too much is refused, never cut.

    Scope: reader, of the fleet asked for.

    Args:
        since (datetime.datetime | None | Unset): Only intervals that start at or after this
            instant.
        until (datetime.datetime | None | Unset): Only intervals that start before this instant.
        plan_version (int | None | Unset):
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ObservedLoadOut | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            since=since,
            until=until,
            plan_version=plan_version,
            fleet=fleet,
        )
    ).parsed
