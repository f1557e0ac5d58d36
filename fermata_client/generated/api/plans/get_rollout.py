from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.get_rollout_spares import GetRolloutSpares
from ...models.problem import Problem
from ...models.rollout_out import RolloutOut
from ...types import UNSET, Response, Unset


def _get_kwargs(
    version: int,
    *,
    against: int | None | Unset = UNSET,
    epoch: int | Unset = 0,
    epoch_before: int | None | Unset = UNSET,
    load_gib_per_s: float | Unset = 1.0,
    loss_allowed: bool | Unset = True,
    spares: GetRolloutSpares | Unset = GetRolloutSpares.FREE,
    fleet: str | Unset = "default",
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_against: int | None | Unset
    if isinstance(against, Unset):
        json_against = UNSET
    else:
        json_against = against
    params["against"] = json_against

    params["epoch"] = epoch

    json_epoch_before: int | None | Unset
    if isinstance(epoch_before, Unset):
        json_epoch_before = UNSET
    else:
        json_epoch_before = epoch_before
    params["epoch_before"] = json_epoch_before

    params["load_gib_per_s"] = load_gib_per_s

    params["loss_allowed"] = loss_allowed

    json_spares: str | Unset = UNSET
    if not isinstance(spares, Unset):
        json_spares = spares.value

    params["spares"] = json_spares

    params["fleet"] = fleet

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/plans/{version}/rollout".format(
            version=quote(str(version), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | RolloutOut | None:
    if response.status_code == 200:
        response_200 = RolloutOut.from_dict(response.json())

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
) -> Response[Problem | RolloutOut]:
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
    against: int | None | Unset = UNSET,
    epoch: int | Unset = 0,
    epoch_before: int | None | Unset = UNSET,
    load_gib_per_s: float | Unset = 1.0,
    loss_allowed: bool | Unset = True,
    spares: GetRolloutSpares | Unset = GetRolloutSpares.FREE,
    fleet: str | Unset = "default",
) -> Response[Problem | RolloutOut]:
    """Get Rollout

     The order of loads, unloads and switches to this plan: by default from the active one, or from the
    one
    before it.

    Where there is no such order the answer is 409 and names what is missing. What nodes would carry out
    now
    opens spares on kept GPUs only.

    Scope: reader, of the fleet asked for.

    Args:
        version (int): The plan's version.
        against (int | None | Unset): The version that runs.
        epoch (int | Unset): Of this plan: its demand is carried. Default: 0.
        epoch_before (int | None | Unset): Of the other plan, that is running; the same by
            default.
        load_gib_per_s (float | Unset): How fast a GPU loads weights. Default: 1.0.
        loss_allowed (bool | Unset): Whether demand may be left out for a while where there is no
            other way. Default: True.
        spares (GetRolloutSpares | Unset): On which GPUs spares may be opened: any that are free,
            or those that nodes keep. Default: GetRolloutSpares.FREE.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | RolloutOut]
    """

    kwargs = _get_kwargs(
        version=version,
        against=against,
        epoch=epoch,
        epoch_before=epoch_before,
        load_gib_per_s=load_gib_per_s,
        loss_allowed=loss_allowed,
        spares=spares,
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
    against: int | None | Unset = UNSET,
    epoch: int | Unset = 0,
    epoch_before: int | None | Unset = UNSET,
    load_gib_per_s: float | Unset = 1.0,
    loss_allowed: bool | Unset = True,
    spares: GetRolloutSpares | Unset = GetRolloutSpares.FREE,
    fleet: str | Unset = "default",
) -> Problem | RolloutOut | None:
    """Get Rollout

     The order of loads, unloads and switches to this plan: by default from the active one, or from the
    one
    before it.

    Where there is no such order the answer is 409 and names what is missing. What nodes would carry out
    now
    opens spares on kept GPUs only.

    Scope: reader, of the fleet asked for.

    Args:
        version (int): The plan's version.
        against (int | None | Unset): The version that runs.
        epoch (int | Unset): Of this plan: its demand is carried. Default: 0.
        epoch_before (int | None | Unset): Of the other plan, that is running; the same by
            default.
        load_gib_per_s (float | Unset): How fast a GPU loads weights. Default: 1.0.
        loss_allowed (bool | Unset): Whether demand may be left out for a while where there is no
            other way. Default: True.
        spares (GetRolloutSpares | Unset): On which GPUs spares may be opened: any that are free,
            or those that nodes keep. Default: GetRolloutSpares.FREE.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | RolloutOut
    """

    return sync_detailed(
        version=version,
        client=client,
        against=against,
        epoch=epoch,
        epoch_before=epoch_before,
        load_gib_per_s=load_gib_per_s,
        loss_allowed=loss_allowed,
        spares=spares,
        fleet=fleet,
    ).parsed


async def asyncio_detailed(
    version: int,
    *,
    client: AuthenticatedClient | Client,
    against: int | None | Unset = UNSET,
    epoch: int | Unset = 0,
    epoch_before: int | None | Unset = UNSET,
    load_gib_per_s: float | Unset = 1.0,
    loss_allowed: bool | Unset = True,
    spares: GetRolloutSpares | Unset = GetRolloutSpares.FREE,
    fleet: str | Unset = "default",
) -> Response[Problem | RolloutOut]:
    """Get Rollout

     The order of loads, unloads and switches to this plan: by default from the active one, or from the
    one
    before it.

    Where there is no such order the answer is 409 and names what is missing. What nodes would carry out
    now
    opens spares on kept GPUs only.

    Scope: reader, of the fleet asked for.

    Args:
        version (int): The plan's version.
        against (int | None | Unset): The version that runs.
        epoch (int | Unset): Of this plan: its demand is carried. Default: 0.
        epoch_before (int | None | Unset): Of the other plan, that is running; the same by
            default.
        load_gib_per_s (float | Unset): How fast a GPU loads weights. Default: 1.0.
        loss_allowed (bool | Unset): Whether demand may be left out for a while where there is no
            other way. Default: True.
        spares (GetRolloutSpares | Unset): On which GPUs spares may be opened: any that are free,
            or those that nodes keep. Default: GetRolloutSpares.FREE.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | RolloutOut]
    """

    kwargs = _get_kwargs(
        version=version,
        against=against,
        epoch=epoch,
        epoch_before=epoch_before,
        load_gib_per_s=load_gib_per_s,
        loss_allowed=loss_allowed,
        spares=spares,
        fleet=fleet,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    version: int,
    *,
    client: AuthenticatedClient | Client,
    against: int | None | Unset = UNSET,
    epoch: int | Unset = 0,
    epoch_before: int | None | Unset = UNSET,
    load_gib_per_s: float | Unset = 1.0,
    loss_allowed: bool | Unset = True,
    spares: GetRolloutSpares | Unset = GetRolloutSpares.FREE,
    fleet: str | Unset = "default",
) -> Problem | RolloutOut | None:
    """Get Rollout

     The order of loads, unloads and switches to this plan: by default from the active one, or from the
    one
    before it.

    Where there is no such order the answer is 409 and names what is missing. What nodes would carry out
    now
    opens spares on kept GPUs only.

    Scope: reader, of the fleet asked for.

    Args:
        version (int): The plan's version.
        against (int | None | Unset): The version that runs.
        epoch (int | Unset): Of this plan: its demand is carried. Default: 0.
        epoch_before (int | None | Unset): Of the other plan, that is running; the same by
            default.
        load_gib_per_s (float | Unset): How fast a GPU loads weights. Default: 1.0.
        loss_allowed (bool | Unset): Whether demand may be left out for a while where there is no
            other way. Default: True.
        spares (GetRolloutSpares | Unset): On which GPUs spares may be opened: any that are free,
            or those that nodes keep. Default: GetRolloutSpares.FREE.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | RolloutOut
    """

    return (
        await asyncio_detailed(
            version=version,
            client=client,
            against=against,
            epoch=epoch,
            epoch_before=epoch_before,
            load_gib_per_s=load_gib_per_s,
            loss_allowed=loss_allowed,
            spares=spares,
            fleet=fleet,
        )
    ).parsed
