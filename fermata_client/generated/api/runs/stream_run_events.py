from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    run_id: str,
    *,
    fleet: str | Unset = "default",
    last_event_id: int | Unset = 0,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(last_event_id, Unset):
        headers["Last-Event-ID"] = str(last_event_id)

    params: dict[str, Any] = {}

    params["fleet"] = fleet

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/runs/{run_id}/events".format(
            run_id=quote(str(run_id), safe=""),
        ),
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | Problem | str | None:
    if response.status_code == 200:
        response_200 = response.text
        return response_200

    if response.status_code == 204:
        response_204 = cast(Any, None)
        return response_204

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
) -> Response[Any | Problem | str]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    run_id: str,
    *,
    client: AuthenticatedClient | Client,
    fleet: str | Unset = "default",
    last_event_id: int | Unset = 0,
) -> Response[Any | Problem | str]:
    """Stream Run Events

     Follow a run as it goes: its changes of state, and stage, incumbent, bound and gap as they become
    known.

    A listener that was cut off goes on after the event that it names in Last-Event-ID, as browsers do.

    Scope: reader, of the fleet asked for.

    Args:
        run_id (str):
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        last_event_id (int | Unset): The last event that was seen. Default: 0.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Problem | str]
    """

    kwargs = _get_kwargs(
        run_id=run_id,
        fleet=fleet,
        last_event_id=last_event_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    run_id: str,
    *,
    client: AuthenticatedClient | Client,
    fleet: str | Unset = "default",
    last_event_id: int | Unset = 0,
) -> Any | Problem | str | None:
    """Stream Run Events

     Follow a run as it goes: its changes of state, and stage, incumbent, bound and gap as they become
    known.

    A listener that was cut off goes on after the event that it names in Last-Event-ID, as browsers do.

    Scope: reader, of the fleet asked for.

    Args:
        run_id (str):
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        last_event_id (int | Unset): The last event that was seen. Default: 0.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Problem | str
    """

    return sync_detailed(
        run_id=run_id,
        client=client,
        fleet=fleet,
        last_event_id=last_event_id,
    ).parsed


async def asyncio_detailed(
    run_id: str,
    *,
    client: AuthenticatedClient | Client,
    fleet: str | Unset = "default",
    last_event_id: int | Unset = 0,
) -> Response[Any | Problem | str]:
    """Stream Run Events

     Follow a run as it goes: its changes of state, and stage, incumbent, bound and gap as they become
    known.

    A listener that was cut off goes on after the event that it names in Last-Event-ID, as browsers do.

    Scope: reader, of the fleet asked for.

    Args:
        run_id (str):
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        last_event_id (int | Unset): The last event that was seen. Default: 0.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Problem | str]
    """

    kwargs = _get_kwargs(
        run_id=run_id,
        fleet=fleet,
        last_event_id=last_event_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    run_id: str,
    *,
    client: AuthenticatedClient | Client,
    fleet: str | Unset = "default",
    last_event_id: int | Unset = 0,
) -> Any | Problem | str | None:
    """Stream Run Events

     Follow a run as it goes: its changes of state, and stage, incumbent, bound and gap as they become
    known.

    A listener that was cut off goes on after the event that it names in Last-Event-ID, as browsers do.

    Scope: reader, of the fleet asked for.

    Args:
        run_id (str):
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        last_event_id (int | Unset): The last event that was seen. Default: 0.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Problem | str
    """

    return (
        await asyncio_detailed(
            run_id=run_id,
            client=client,
            fleet=fleet,
            last_event_id=last_event_id,
        )
    ).parsed
