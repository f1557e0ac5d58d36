from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.forecast_body import ForecastBody
from ...models.forecast_summary_out import ForecastSummaryOut
from ...models.problem import Problem
from ...models.submit_forecasts_source import SubmitForecastsSource
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: ForecastBody | list[ForecastBody],
    name: str | Unset = "csv",
    note: None | str | Unset = UNSET,
    source: SubmitForecastsSource | Unset = SubmitForecastsSource.IMPORT,
    corrects: int | None | Unset = UNSET,
    fleet: str | Unset = "default",
    x_actor: str | Unset = "anonymous",
    if_match: None | str | Unset = UNSET,
    if_none_match: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_actor, Unset):
        headers["X-Actor"] = x_actor

    if not isinstance(if_match, Unset):
        headers["if-match"] = if_match

    if not isinstance(if_none_match, Unset):
        headers["if-none-match"] = if_none_match

    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    params: dict[str, Any] = {}

    params["name"] = name

    json_note: None | str | Unset
    if isinstance(note, Unset):
        json_note = UNSET
    else:
        json_note = note
    params["note"] = json_note

    json_source: str | Unset = UNSET
    if not isinstance(source, Unset):
        json_source = source.value

    params["source"] = json_source

    json_corrects: int | None | Unset
    if isinstance(corrects, Unset):
        json_corrects = UNSET
    else:
        json_corrects = corrects
    params["corrects"] = json_corrects

    params["fleet"] = fleet

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/forecasts",
        "params": params,
    }

    if isinstance(body, ForecastBody):
        _kwargs["json"] = body.to_dict()
    else:
        _kwargs["json"] = []
        for body_type_1_item_data in body:
            body_type_1_item = body_type_1_item_data.to_dict()
            _kwargs["json"].append(body_type_1_item)

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | list[ForecastSummaryOut] | None:
    if response.status_code == 201:
        response_201 = []
        _response_201 = response.json()
        for response_201_item_data in _response_201:
            response_201_item = ForecastSummaryOut.from_dict(response_201_item_data)

            response_201.append(response_201_item)

        return response_201

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 409:
        response_409 = Problem.from_dict(response.json())

        return response_409

    if response.status_code == 412:
        response_412 = Problem.from_dict(response.json())

        return response_412

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
) -> Response[Problem | list[ForecastSummaryOut]]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: ForecastBody | list[ForecastBody],
    name: str | Unset = "csv",
    note: None | str | Unset = UNSET,
    source: SubmitForecastsSource | Unset = SubmitForecastsSource.IMPORT,
    corrects: int | None | Unset = UNSET,
    fleet: str | Unset = "default",
    x_actor: str | Unset = "anonymous",
    if_match: None | str | Unset = UNSET,
    if_none_match: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[Problem | list[ForecastSummaryOut]]:
    """Submit Forecasts

     Store forecasts; each gets an id of its own. Their models must be registered.

    JSON takes one or many. As `text/csv` it is one, with the columns `model`, `start`, `hours`,
    `demand_rps`
    and, if wanted, `low_rps`, `high_rps`, `arrival_cv`; the query says what it is called. Nothing that
    was
    submitted is ever changed: a later forecast may name the one it `corrects`. Of one forecast, If-
    Match is
    compared with the ETag of the one that it corrects, which changes with each correction.

    Scope: planner, of the fleet asked for.

    Args:
        name (str | Unset): Of a forecast sent as CSV: its name. Default: 'csv'.
        note (None | str | Unset): Of a forecast sent as CSV: its note.
        source (SubmitForecastsSource | Unset): Of a forecast sent as CSV: its source. Default:
            SubmitForecastsSource.IMPORT.
        corrects (int | None | Unset): Of a forecast sent as CSV: the forecast that it corrects.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        x_actor (str | Unset): Who asks, for the audit log; where tokens are needed, the token's
            name counts instead. Default: 'anonymous'.
        if_match (None | str | Unset): The ETag of the state to be changed; 412 if it is another
            by now.
        if_none_match (None | str | Unset): `*`: only if it does not exist yet; 412 if it does.
        idempotency_key (str | Unset):
        body (ForecastBody | list[ForecastBody]):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | list[ForecastSummaryOut]]
    """

    kwargs = _get_kwargs(
        body=body,
        name=name,
        note=note,
        source=source,
        corrects=corrects,
        fleet=fleet,
        x_actor=x_actor,
        if_match=if_match,
        if_none_match=if_none_match,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: ForecastBody | list[ForecastBody],
    name: str | Unset = "csv",
    note: None | str | Unset = UNSET,
    source: SubmitForecastsSource | Unset = SubmitForecastsSource.IMPORT,
    corrects: int | None | Unset = UNSET,
    fleet: str | Unset = "default",
    x_actor: str | Unset = "anonymous",
    if_match: None | str | Unset = UNSET,
    if_none_match: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Problem | list[ForecastSummaryOut] | None:
    """Submit Forecasts

     Store forecasts; each gets an id of its own. Their models must be registered.

    JSON takes one or many. As `text/csv` it is one, with the columns `model`, `start`, `hours`,
    `demand_rps`
    and, if wanted, `low_rps`, `high_rps`, `arrival_cv`; the query says what it is called. Nothing that
    was
    submitted is ever changed: a later forecast may name the one it `corrects`. Of one forecast, If-
    Match is
    compared with the ETag of the one that it corrects, which changes with each correction.

    Scope: planner, of the fleet asked for.

    Args:
        name (str | Unset): Of a forecast sent as CSV: its name. Default: 'csv'.
        note (None | str | Unset): Of a forecast sent as CSV: its note.
        source (SubmitForecastsSource | Unset): Of a forecast sent as CSV: its source. Default:
            SubmitForecastsSource.IMPORT.
        corrects (int | None | Unset): Of a forecast sent as CSV: the forecast that it corrects.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        x_actor (str | Unset): Who asks, for the audit log; where tokens are needed, the token's
            name counts instead. Default: 'anonymous'.
        if_match (None | str | Unset): The ETag of the state to be changed; 412 if it is another
            by now.
        if_none_match (None | str | Unset): `*`: only if it does not exist yet; 412 if it does.
        idempotency_key (str | Unset):
        body (ForecastBody | list[ForecastBody]):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | list[ForecastSummaryOut]
    """

    return sync_detailed(
        client=client,
        body=body,
        name=name,
        note=note,
        source=source,
        corrects=corrects,
        fleet=fleet,
        x_actor=x_actor,
        if_match=if_match,
        if_none_match=if_none_match,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: ForecastBody | list[ForecastBody],
    name: str | Unset = "csv",
    note: None | str | Unset = UNSET,
    source: SubmitForecastsSource | Unset = SubmitForecastsSource.IMPORT,
    corrects: int | None | Unset = UNSET,
    fleet: str | Unset = "default",
    x_actor: str | Unset = "anonymous",
    if_match: None | str | Unset = UNSET,
    if_none_match: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[Problem | list[ForecastSummaryOut]]:
    """Submit Forecasts

     Store forecasts; each gets an id of its own. Their models must be registered.

    JSON takes one or many. As `text/csv` it is one, with the columns `model`, `start`, `hours`,
    `demand_rps`
    and, if wanted, `low_rps`, `high_rps`, `arrival_cv`; the query says what it is called. Nothing that
    was
    submitted is ever changed: a later forecast may name the one it `corrects`. Of one forecast, If-
    Match is
    compared with the ETag of the one that it corrects, which changes with each correction.

    Scope: planner, of the fleet asked for.

    Args:
        name (str | Unset): Of a forecast sent as CSV: its name. Default: 'csv'.
        note (None | str | Unset): Of a forecast sent as CSV: its note.
        source (SubmitForecastsSource | Unset): Of a forecast sent as CSV: its source. Default:
            SubmitForecastsSource.IMPORT.
        corrects (int | None | Unset): Of a forecast sent as CSV: the forecast that it corrects.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        x_actor (str | Unset): Who asks, for the audit log; where tokens are needed, the token's
            name counts instead. Default: 'anonymous'.
        if_match (None | str | Unset): The ETag of the state to be changed; 412 if it is another
            by now.
        if_none_match (None | str | Unset): `*`: only if it does not exist yet; 412 if it does.
        idempotency_key (str | Unset):
        body (ForecastBody | list[ForecastBody]):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | list[ForecastSummaryOut]]
    """

    kwargs = _get_kwargs(
        body=body,
        name=name,
        note=note,
        source=source,
        corrects=corrects,
        fleet=fleet,
        x_actor=x_actor,
        if_match=if_match,
        if_none_match=if_none_match,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: ForecastBody | list[ForecastBody],
    name: str | Unset = "csv",
    note: None | str | Unset = UNSET,
    source: SubmitForecastsSource | Unset = SubmitForecastsSource.IMPORT,
    corrects: int | None | Unset = UNSET,
    fleet: str | Unset = "default",
    x_actor: str | Unset = "anonymous",
    if_match: None | str | Unset = UNSET,
    if_none_match: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Problem | list[ForecastSummaryOut] | None:
    """Submit Forecasts

     Store forecasts; each gets an id of its own. Their models must be registered.

    JSON takes one or many. As `text/csv` it is one, with the columns `model`, `start`, `hours`,
    `demand_rps`
    and, if wanted, `low_rps`, `high_rps`, `arrival_cv`; the query says what it is called. Nothing that
    was
    submitted is ever changed: a later forecast may name the one it `corrects`. Of one forecast, If-
    Match is
    compared with the ETag of the one that it corrects, which changes with each correction.

    Scope: planner, of the fleet asked for.

    Args:
        name (str | Unset): Of a forecast sent as CSV: its name. Default: 'csv'.
        note (None | str | Unset): Of a forecast sent as CSV: its note.
        source (SubmitForecastsSource | Unset): Of a forecast sent as CSV: its source. Default:
            SubmitForecastsSource.IMPORT.
        corrects (int | None | Unset): Of a forecast sent as CSV: the forecast that it corrects.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        x_actor (str | Unset): Who asks, for the audit log; where tokens are needed, the token's
            name counts instead. Default: 'anonymous'.
        if_match (None | str | Unset): The ETag of the state to be changed; 412 if it is another
            by now.
        if_none_match (None | str | Unset): `*`: only if it does not exist yet; 412 if it does.
        idempotency_key (str | Unset):
        body (ForecastBody | list[ForecastBody]):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | list[ForecastSummaryOut]
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            name=name,
            note=note,
            source=source,
            corrects=corrects,
            fleet=fleet,
            x_actor=x_actor,
            if_match=if_match,
            if_none_match=if_none_match,
            idempotency_key=idempotency_key,
        )
    ).parsed
