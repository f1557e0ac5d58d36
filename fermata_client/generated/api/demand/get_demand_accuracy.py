import datetime
from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.accuracy_list_out import AccuracyListOut
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    model: list[str] | None | Unset = UNSET,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    fleet: str | Unset = "default",
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_model: list[str] | None | Unset
    if isinstance(model, Unset):
        json_model = UNSET
    elif isinstance(model, list):
        json_model = model

    else:
        json_model = model
    params["model"] = json_model

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

    params["fleet"] = fleet

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/demand/accuracy",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> AccuracyListOut | Problem | None:
    if response.status_code == 200:
        response_200 = AccuracyListOut.from_dict(response.json())

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
) -> Response[AccuracyListOut | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    model: list[str] | None | Unset = UNSET,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    fleet: str | Unset = "default",
) -> Response[AccuracyListOut | Problem]:
    """Get Demand Accuracy

     Past hours held against what planners said of them, and what the load foretold of itself by then.

    Scope: reader, of the fleet asked for.

    Args:
        model (list[str] | None | Unset): Only these models; all where left out.
        since (datetime.datetime | None | Unset): From this hour on; by default seven days before
            `until`.
        until (datetime.datetime | None | Unset): Until this hour; by default the newest observed.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AccuracyListOut | Problem]
    """

    kwargs = _get_kwargs(
        model=model,
        since=since,
        until=until,
        fleet=fleet,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    model: list[str] | None | Unset = UNSET,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    fleet: str | Unset = "default",
) -> AccuracyListOut | Problem | None:
    """Get Demand Accuracy

     Past hours held against what planners said of them, and what the load foretold of itself by then.

    Scope: reader, of the fleet asked for.

    Args:
        model (list[str] | None | Unset): Only these models; all where left out.
        since (datetime.datetime | None | Unset): From this hour on; by default seven days before
            `until`.
        until (datetime.datetime | None | Unset): Until this hour; by default the newest observed.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AccuracyListOut | Problem
    """

    return sync_detailed(
        client=client,
        model=model,
        since=since,
        until=until,
        fleet=fleet,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    model: list[str] | None | Unset = UNSET,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    fleet: str | Unset = "default",
) -> Response[AccuracyListOut | Problem]:
    """Get Demand Accuracy

     Past hours held against what planners said of them, and what the load foretold of itself by then.

    Scope: reader, of the fleet asked for.

    Args:
        model (list[str] | None | Unset): Only these models; all where left out.
        since (datetime.datetime | None | Unset): From this hour on; by default seven days before
            `until`.
        until (datetime.datetime | None | Unset): Until this hour; by default the newest observed.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AccuracyListOut | Problem]
    """

    kwargs = _get_kwargs(
        model=model,
        since=since,
        until=until,
        fleet=fleet,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    model: list[str] | None | Unset = UNSET,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    fleet: str | Unset = "default",
) -> AccuracyListOut | Problem | None:
    """Get Demand Accuracy

     Past hours held against what planners said of them, and what the load foretold of itself by then.

    Scope: reader, of the fleet asked for.

    Args:
        model (list[str] | None | Unset): Only these models; all where left out.
        since (datetime.datetime | None | Unset): From this hour on; by default seven days before
            `until`.
        until (datetime.datetime | None | Unset): Until this hour; by default the newest observed.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AccuracyListOut | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            model=model,
            since=since,
            until=until,
            fleet=fleet,
        )
    ).parsed
