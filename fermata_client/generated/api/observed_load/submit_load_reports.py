from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.load_report_body import LoadReportBody
from ...models.problem import Problem
from ...models.received_out import ReceivedOut
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: list[LoadReportBody] | LoadReportBody,
    fleet: str | Unset = "default",
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    params: dict[str, Any] = {}

    params["fleet"] = fleet

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/observed-load",
        "params": params,
    }

    if isinstance(body, LoadReportBody):
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
) -> Problem | ReceivedOut | None:
    if response.status_code == 200:
        response_200 = ReceivedOut.from_dict(response.json())

        return response_200

    if response.status_code == 201:
        response_201 = ReceivedOut.from_dict(response.json())

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
) -> Response[Problem | ReceivedOut]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: list[LoadReportBody] | LoadReportBody,
    fleet: str | Unset = "default",
    idempotency_key: str | Unset = UNSET,
) -> Response[Problem | ReceivedOut]:
    """Submit Load Reports

     Take load reports. Each interval of each sub-cluster of a plan version counts once, late or sent
    again.

    A repetition with other numbers changes nothing, and neither does an interval that lies across
    others:
    both are counted and told.

    Scope: dispatcher, of the fleet asked for.

    Args:
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        idempotency_key (str | Unset):
        body (list[LoadReportBody] | LoadReportBody):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ReceivedOut]
    """

    kwargs = _get_kwargs(
        body=body,
        fleet=fleet,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: list[LoadReportBody] | LoadReportBody,
    fleet: str | Unset = "default",
    idempotency_key: str | Unset = UNSET,
) -> Problem | ReceivedOut | None:
    """Submit Load Reports

     Take load reports. Each interval of each sub-cluster of a plan version counts once, late or sent
    again.

    A repetition with other numbers changes nothing, and neither does an interval that lies across
    others:
    both are counted and told.

    Scope: dispatcher, of the fleet asked for.

    Args:
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        idempotency_key (str | Unset):
        body (list[LoadReportBody] | LoadReportBody):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ReceivedOut
    """

    return sync_detailed(
        client=client,
        body=body,
        fleet=fleet,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: list[LoadReportBody] | LoadReportBody,
    fleet: str | Unset = "default",
    idempotency_key: str | Unset = UNSET,
) -> Response[Problem | ReceivedOut]:
    """Submit Load Reports

     Take load reports. Each interval of each sub-cluster of a plan version counts once, late or sent
    again.

    A repetition with other numbers changes nothing, and neither does an interval that lies across
    others:
    both are counted and told.

    Scope: dispatcher, of the fleet asked for.

    Args:
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        idempotency_key (str | Unset):
        body (list[LoadReportBody] | LoadReportBody):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ReceivedOut]
    """

    kwargs = _get_kwargs(
        body=body,
        fleet=fleet,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: list[LoadReportBody] | LoadReportBody,
    fleet: str | Unset = "default",
    idempotency_key: str | Unset = UNSET,
) -> Problem | ReceivedOut | None:
    """Submit Load Reports

     Take load reports. Each interval of each sub-cluster of a plan version counts once, late or sent
    again.

    A repetition with other numbers changes nothing, and neither does an interval that lies across
    others:
    both are counted and told.

    Scope: dispatcher, of the fleet asked for.

    Args:
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        idempotency_key (str | Unset):
        body (list[LoadReportBody] | LoadReportBody):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ReceivedOut
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            fleet=fleet,
            idempotency_key=idempotency_key,
        )
    ).parsed
