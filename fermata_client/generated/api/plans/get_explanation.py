from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.explanation_out import ExplanationOut
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    version: int,
    *,
    model: list[str] | None | Unset = UNSET,
    time_limit_s: float | Unset = 10.0,
    seed: int | Unset = 0,
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

    params["time_limit_s"] = time_limit_s

    params["seed"] = seed

    params["fleet"] = fleet

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/plans/{version}/explanation".format(
            version=quote(str(version), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ExplanationOut | Problem | None:
    if response.status_code == 200:
        response_200 = ExplanationOut.from_dict(response.json())

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

    if response.status_code == 409:
        response_409 = Problem.from_dict(response.json())

        return response_409

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
) -> Response[ExplanationOut | Problem]:
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
    model: list[str] | None | Unset = UNSET,
    time_limit_s: float | Unset = 10.0,
    seed: int | Unset = 0,
    fleet: str | Unset = "default",
) -> Response[ExplanationOut | Problem]:
    """Get Explanation

     Why the plan is as it is: what clashes and would help, what binds, what was refused, what rules
    cost.

    Problems are solved again to find out, for as long as `time_limit_s` says, one such question at a
    time on
    a server; another is answered 409.

    Scope: reader, of the fleet asked for.

    Args:
        version (int): The plan's version.
        model (list[str] | None | Unset): List the alternatives refused for these; by default the
            largest.
        time_limit_s (float | Unset): For what is solved again. Default: 10.0.
        seed (int | Unset):  Default: 0.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ExplanationOut | Problem]
    """

    kwargs = _get_kwargs(
        version=version,
        model=model,
        time_limit_s=time_limit_s,
        seed=seed,
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
    model: list[str] | None | Unset = UNSET,
    time_limit_s: float | Unset = 10.0,
    seed: int | Unset = 0,
    fleet: str | Unset = "default",
) -> ExplanationOut | Problem | None:
    """Get Explanation

     Why the plan is as it is: what clashes and would help, what binds, what was refused, what rules
    cost.

    Problems are solved again to find out, for as long as `time_limit_s` says, one such question at a
    time on
    a server; another is answered 409.

    Scope: reader, of the fleet asked for.

    Args:
        version (int): The plan's version.
        model (list[str] | None | Unset): List the alternatives refused for these; by default the
            largest.
        time_limit_s (float | Unset): For what is solved again. Default: 10.0.
        seed (int | Unset):  Default: 0.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ExplanationOut | Problem
    """

    return sync_detailed(
        version=version,
        client=client,
        model=model,
        time_limit_s=time_limit_s,
        seed=seed,
        fleet=fleet,
    ).parsed


async def asyncio_detailed(
    version: int,
    *,
    client: AuthenticatedClient | Client,
    model: list[str] | None | Unset = UNSET,
    time_limit_s: float | Unset = 10.0,
    seed: int | Unset = 0,
    fleet: str | Unset = "default",
) -> Response[ExplanationOut | Problem]:
    """Get Explanation

     Why the plan is as it is: what clashes and would help, what binds, what was refused, what rules
    cost.

    Problems are solved again to find out, for as long as `time_limit_s` says, one such question at a
    time on
    a server; another is answered 409.

    Scope: reader, of the fleet asked for.

    Args:
        version (int): The plan's version.
        model (list[str] | None | Unset): List the alternatives refused for these; by default the
            largest.
        time_limit_s (float | Unset): For what is solved again. Default: 10.0.
        seed (int | Unset):  Default: 0.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ExplanationOut | Problem]
    """

    kwargs = _get_kwargs(
        version=version,
        model=model,
        time_limit_s=time_limit_s,
        seed=seed,
        fleet=fleet,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    version: int,
    *,
    client: AuthenticatedClient | Client,
    model: list[str] | None | Unset = UNSET,
    time_limit_s: float | Unset = 10.0,
    seed: int | Unset = 0,
    fleet: str | Unset = "default",
) -> ExplanationOut | Problem | None:
    """Get Explanation

     Why the plan is as it is: what clashes and would help, what binds, what was refused, what rules
    cost.

    Problems are solved again to find out, for as long as `time_limit_s` says, one such question at a
    time on
    a server; another is answered 409.

    Scope: reader, of the fleet asked for.

    Args:
        version (int): The plan's version.
        model (list[str] | None | Unset): List the alternatives refused for these; by default the
            largest.
        time_limit_s (float | Unset): For what is solved again. Default: 10.0.
        seed (int | Unset):  Default: 0.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ExplanationOut | Problem
    """

    return (
        await asyncio_detailed(
            version=version,
            client=client,
            model=model,
            time_limit_s=time_limit_s,
            seed=seed,
            fleet=fleet,
        )
    ).parsed
