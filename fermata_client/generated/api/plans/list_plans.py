import datetime
from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.plan_state import PlanState
from ...models.plan_summary_page import PlanSummaryPage
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
    state: None | PlanState | Unset = UNSET,
    forecast_id: int | None | Unset = UNSET,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    fleet: str | Unset = "default",
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["limit"] = limit

    json_before: int | None | Unset
    if isinstance(before, Unset):
        json_before = UNSET
    else:
        json_before = before
    params["before"] = json_before

    json_state: None | str | Unset
    if isinstance(state, Unset):
        json_state = UNSET
    elif isinstance(state, PlanState):
        json_state = state.value
    else:
        json_state = state
    params["state"] = json_state

    json_forecast_id: int | None | Unset
    if isinstance(forecast_id, Unset):
        json_forecast_id = UNSET
    else:
        json_forecast_id = forecast_id
    params["forecast_id"] = json_forecast_id

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
        "url": "/v1/plans",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> PlanSummaryPage | Problem | None:
    if response.status_code == 200:
        response_200 = PlanSummaryPage.from_dict(response.json())

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
) -> Response[PlanSummaryPage | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
    state: None | PlanState | Unset = UNSET,
    forecast_id: int | None | Unset = UNSET,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    fleet: str | Unset = "default",
) -> Response[PlanSummaryPage | Problem]:
    """List Plans

     Plan versions, the newest first.

    Scope: reader, of the fleet asked for.

    Args:
        limit (int | Unset): How many to return at most. Default: 50.
        before (int | None | Unset): Only what is older than this.
        state (None | PlanState | Unset): Only plans in this state.
        forecast_id (int | None | Unset): Only those of this forecast.
        since (datetime.datetime | None | Unset): Only what came to be at or after this instant.
        until (datetime.datetime | None | Unset): Only what came to be before this instant.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PlanSummaryPage | Problem]
    """

    kwargs = _get_kwargs(
        limit=limit,
        before=before,
        state=state,
        forecast_id=forecast_id,
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
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
    state: None | PlanState | Unset = UNSET,
    forecast_id: int | None | Unset = UNSET,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    fleet: str | Unset = "default",
) -> PlanSummaryPage | Problem | None:
    """List Plans

     Plan versions, the newest first.

    Scope: reader, of the fleet asked for.

    Args:
        limit (int | Unset): How many to return at most. Default: 50.
        before (int | None | Unset): Only what is older than this.
        state (None | PlanState | Unset): Only plans in this state.
        forecast_id (int | None | Unset): Only those of this forecast.
        since (datetime.datetime | None | Unset): Only what came to be at or after this instant.
        until (datetime.datetime | None | Unset): Only what came to be before this instant.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PlanSummaryPage | Problem
    """

    return sync_detailed(
        client=client,
        limit=limit,
        before=before,
        state=state,
        forecast_id=forecast_id,
        since=since,
        until=until,
        fleet=fleet,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
    state: None | PlanState | Unset = UNSET,
    forecast_id: int | None | Unset = UNSET,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    fleet: str | Unset = "default",
) -> Response[PlanSummaryPage | Problem]:
    """List Plans

     Plan versions, the newest first.

    Scope: reader, of the fleet asked for.

    Args:
        limit (int | Unset): How many to return at most. Default: 50.
        before (int | None | Unset): Only what is older than this.
        state (None | PlanState | Unset): Only plans in this state.
        forecast_id (int | None | Unset): Only those of this forecast.
        since (datetime.datetime | None | Unset): Only what came to be at or after this instant.
        until (datetime.datetime | None | Unset): Only what came to be before this instant.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PlanSummaryPage | Problem]
    """

    kwargs = _get_kwargs(
        limit=limit,
        before=before,
        state=state,
        forecast_id=forecast_id,
        since=since,
        until=until,
        fleet=fleet,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
    state: None | PlanState | Unset = UNSET,
    forecast_id: int | None | Unset = UNSET,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    fleet: str | Unset = "default",
) -> PlanSummaryPage | Problem | None:
    """List Plans

     Plan versions, the newest first.

    Scope: reader, of the fleet asked for.

    Args:
        limit (int | Unset): How many to return at most. Default: 50.
        before (int | None | Unset): Only what is older than this.
        state (None | PlanState | Unset): Only plans in this state.
        forecast_id (int | None | Unset): Only those of this forecast.
        since (datetime.datetime | None | Unset): Only what came to be at or after this instant.
        until (datetime.datetime | None | Unset): Only what came to be before this instant.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PlanSummaryPage | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            limit=limit,
            before=before,
            state=state,
            forecast_id=forecast_id,
            since=since,
            until=until,
            fleet=fleet,
        )
    ).parsed
