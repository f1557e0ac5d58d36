import datetime
from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.observed_series_out import ObservedSeriesOut
from ...models.problem import Problem
from ...models.resolution import Resolution
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    model: list[str],
    since: datetime.datetime,
    until: datetime.datetime,
    resolution: None | Resolution | Unset = UNSET,
    fleet: str | Unset = "default",
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_model = model

    params["model"] = json_model

    json_since = since.isoformat()
    params["since"] = json_since

    json_until = until.isoformat()
    params["until"] = json_until

    json_resolution: int | None | Unset
    if isinstance(resolution, Unset):
        json_resolution = UNSET
    elif isinstance(resolution, Resolution):
        json_resolution = resolution.value
    else:
        json_resolution = resolution
    params["resolution"] = json_resolution

    params["fleet"] = fleet

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/observed-load/series",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ObservedSeriesOut | Problem | None:
    if response.status_code == 200:
        response_200 = ObservedSeriesOut.from_dict(response.json())

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
) -> Response[ObservedSeriesOut | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    model: list[str],
    since: datetime.datetime,
    until: datetime.datetime,
    resolution: None | Resolution | Unset = UNSET,
    fleet: str | Unset = "default",
) -> Response[ObservedSeriesOut | Problem]:
    """Get Observed Series

     Observed load by intervals aligned to the hour: null where nobody reported, 0 where it was reported
    that
    none came.

    At most 20,000 points are answered; more are refused.

    Scope: reader, of the fleet asked for.

    Args:
        model (list[str]): A model; repeat it for several.
        since (datetime.datetime): From the interval that holds this instant.
        until (datetime.datetime): To the interval that begins before this instant.
        resolution (None | Resolution | Unset): In seconds; by default the finest that is not too
            much.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ObservedSeriesOut | Problem]
    """

    kwargs = _get_kwargs(
        model=model,
        since=since,
        until=until,
        resolution=resolution,
        fleet=fleet,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    model: list[str],
    since: datetime.datetime,
    until: datetime.datetime,
    resolution: None | Resolution | Unset = UNSET,
    fleet: str | Unset = "default",
) -> ObservedSeriesOut | Problem | None:
    """Get Observed Series

     Observed load by intervals aligned to the hour: null where nobody reported, 0 where it was reported
    that
    none came.

    At most 20,000 points are answered; more are refused.

    Scope: reader, of the fleet asked for.

    Args:
        model (list[str]): A model; repeat it for several.
        since (datetime.datetime): From the interval that holds this instant.
        until (datetime.datetime): To the interval that begins before this instant.
        resolution (None | Resolution | Unset): In seconds; by default the finest that is not too
            much.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ObservedSeriesOut | Problem
    """

    return sync_detailed(
        client=client,
        model=model,
        since=since,
        until=until,
        resolution=resolution,
        fleet=fleet,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    model: list[str],
    since: datetime.datetime,
    until: datetime.datetime,
    resolution: None | Resolution | Unset = UNSET,
    fleet: str | Unset = "default",
) -> Response[ObservedSeriesOut | Problem]:
    """Get Observed Series

     Observed load by intervals aligned to the hour: null where nobody reported, 0 where it was reported
    that
    none came.

    At most 20,000 points are answered; more are refused.

    Scope: reader, of the fleet asked for.

    Args:
        model (list[str]): A model; repeat it for several.
        since (datetime.datetime): From the interval that holds this instant.
        until (datetime.datetime): To the interval that begins before this instant.
        resolution (None | Resolution | Unset): In seconds; by default the finest that is not too
            much.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ObservedSeriesOut | Problem]
    """

    kwargs = _get_kwargs(
        model=model,
        since=since,
        until=until,
        resolution=resolution,
        fleet=fleet,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    model: list[str],
    since: datetime.datetime,
    until: datetime.datetime,
    resolution: None | Resolution | Unset = UNSET,
    fleet: str | Unset = "default",
) -> ObservedSeriesOut | Problem | None:
    """Get Observed Series

     Observed load by intervals aligned to the hour: null where nobody reported, 0 where it was reported
    that
    none came.

    At most 20,000 points are answered; more are refused.

    Scope: reader, of the fleet asked for.

    Args:
        model (list[str]): A model; repeat it for several.
        since (datetime.datetime): From the interval that holds this instant.
        until (datetime.datetime): To the interval that begins before this instant.
        resolution (None | Resolution | Unset): In seconds; by default the finest that is not too
            much.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ObservedSeriesOut | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            model=model,
            since=since,
            until=until,
            resolution=resolution,
            fleet=fleet,
        )
    ).parsed
