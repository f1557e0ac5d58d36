import datetime
from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.resolved_forecast_out import ResolvedForecastOut
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    since: datetime.datetime,
    until: datetime.datetime,
    epoch_hours: float | Unset = 1.0,
    fleet: str | Unset = "default",
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_since = since.isoformat()
    params["since"] = json_since

    json_until = until.isoformat()
    params["until"] = json_until

    params["epoch_hours"] = epoch_hours

    params["fleet"] = fleet

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/forecasts/resolved",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | ResolvedForecastOut | None:
    if response.status_code == 200:
        response_200 = ResolvedForecastOut.from_dict(response.json())

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
) -> Response[Problem | ResolvedForecastOut]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    since: datetime.datetime,
    until: datetime.datetime,
    epoch_hours: float | Unset = 1.0,
    fleet: str | Unset = "default",
) -> Response[Problem | ResolvedForecastOut]:
    """Get Resolved Forecast

     What the forecasts submitted so far come to over a horizon, and which of them speaks in every cell.

    Where they overlap, a planner's holds before an import and an import before a model's, a correction
    at
    least as high as what it corrects; among equals the one submitted last.

    Scope: reader, of the fleet asked for.

    Args:
        since (datetime.datetime): Where the horizon begins.
        until (datetime.datetime): Where it ends: the last epoch reaches this instant.
        epoch_hours (float | Unset): Length of an epoch, in hours. Default: 1.0.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ResolvedForecastOut]
    """

    kwargs = _get_kwargs(
        since=since,
        until=until,
        epoch_hours=epoch_hours,
        fleet=fleet,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    since: datetime.datetime,
    until: datetime.datetime,
    epoch_hours: float | Unset = 1.0,
    fleet: str | Unset = "default",
) -> Problem | ResolvedForecastOut | None:
    """Get Resolved Forecast

     What the forecasts submitted so far come to over a horizon, and which of them speaks in every cell.

    Where they overlap, a planner's holds before an import and an import before a model's, a correction
    at
    least as high as what it corrects; among equals the one submitted last.

    Scope: reader, of the fleet asked for.

    Args:
        since (datetime.datetime): Where the horizon begins.
        until (datetime.datetime): Where it ends: the last epoch reaches this instant.
        epoch_hours (float | Unset): Length of an epoch, in hours. Default: 1.0.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ResolvedForecastOut
    """

    return sync_detailed(
        client=client,
        since=since,
        until=until,
        epoch_hours=epoch_hours,
        fleet=fleet,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    since: datetime.datetime,
    until: datetime.datetime,
    epoch_hours: float | Unset = 1.0,
    fleet: str | Unset = "default",
) -> Response[Problem | ResolvedForecastOut]:
    """Get Resolved Forecast

     What the forecasts submitted so far come to over a horizon, and which of them speaks in every cell.

    Where they overlap, a planner's holds before an import and an import before a model's, a correction
    at
    least as high as what it corrects; among equals the one submitted last.

    Scope: reader, of the fleet asked for.

    Args:
        since (datetime.datetime): Where the horizon begins.
        until (datetime.datetime): Where it ends: the last epoch reaches this instant.
        epoch_hours (float | Unset): Length of an epoch, in hours. Default: 1.0.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ResolvedForecastOut]
    """

    kwargs = _get_kwargs(
        since=since,
        until=until,
        epoch_hours=epoch_hours,
        fleet=fleet,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    since: datetime.datetime,
    until: datetime.datetime,
    epoch_hours: float | Unset = 1.0,
    fleet: str | Unset = "default",
) -> Problem | ResolvedForecastOut | None:
    """Get Resolved Forecast

     What the forecasts submitted so far come to over a horizon, and which of them speaks in every cell.

    Where they overlap, a planner's holds before an import and an import before a model's, a correction
    at
    least as high as what it corrects; among equals the one submitted last.

    Scope: reader, of the fleet asked for.

    Args:
        since (datetime.datetime): Where the horizon begins.
        until (datetime.datetime): Where it ends: the last epoch reaches this instant.
        epoch_hours (float | Unset): Length of an epoch, in hours. Default: 1.0.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ResolvedForecastOut
    """

    return (
        await asyncio_detailed(
            client=client,
            since=since,
            until=until,
            epoch_hours=epoch_hours,
            fleet=fleet,
        )
    ).parsed
