from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.activation_body import ActivationBody
from ...models.activation_out import ActivationOut
from ...models.problem import Problem
from ...models.run_out import RunOut
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: ActivationBody,
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

    params["fleet"] = fleet

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/activations",
        "params": params,
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ActivationOut | Problem | RunOut | None:
    if response.status_code == 201:
        response_201 = ActivationOut.from_dict(response.json())

        return response_201

    if response.status_code == 202:
        response_202 = RunOut.from_dict(response.json())

        return response_202

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
) -> Response[ActivationOut | Problem | RunOut]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: ActivationBody,
    fleet: str | Unset = "default",
    x_actor: str | Unset = "anonymous",
    if_match: None | str | Unset = UNSET,
    if_none_match: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[ActivationOut | Problem | RunOut]:
    """Activate Plan

     Make an approved plan the active one.

    A superseded plan becomes active again (a roll back) once it is certified against the newest demand:
    the
    answer is 202 and the run that does so, which ends with the activation of a new version that repeats
    the
    old one. With `certify: "skip"` and a reason it becomes active at once, and the audit log says so.

    If-Match is compared with the ETag of the activation in force, `GET /v1/activations/current`.

    Scope: approver, of the fleet asked for.

    Args:
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        x_actor (str | Unset): Who asks, for the audit log; where tokens are needed, the token's
            name counts instead. Default: 'anonymous'.
        if_match (None | str | Unset): The ETag of the state to be changed; 412 if it is another
            by now.
        if_none_match (None | str | Unset): `*`: only if it does not exist yet; 412 if it does.
        idempotency_key (str | Unset):
        body (ActivationBody): Which plan version is to become the active one.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ActivationOut | Problem | RunOut]
    """

    kwargs = _get_kwargs(
        body=body,
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
    body: ActivationBody,
    fleet: str | Unset = "default",
    x_actor: str | Unset = "anonymous",
    if_match: None | str | Unset = UNSET,
    if_none_match: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> ActivationOut | Problem | RunOut | None:
    """Activate Plan

     Make an approved plan the active one.

    A superseded plan becomes active again (a roll back) once it is certified against the newest demand:
    the
    answer is 202 and the run that does so, which ends with the activation of a new version that repeats
    the
    old one. With `certify: "skip"` and a reason it becomes active at once, and the audit log says so.

    If-Match is compared with the ETag of the activation in force, `GET /v1/activations/current`.

    Scope: approver, of the fleet asked for.

    Args:
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        x_actor (str | Unset): Who asks, for the audit log; where tokens are needed, the token's
            name counts instead. Default: 'anonymous'.
        if_match (None | str | Unset): The ETag of the state to be changed; 412 if it is another
            by now.
        if_none_match (None | str | Unset): `*`: only if it does not exist yet; 412 if it does.
        idempotency_key (str | Unset):
        body (ActivationBody): Which plan version is to become the active one.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ActivationOut | Problem | RunOut
    """

    return sync_detailed(
        client=client,
        body=body,
        fleet=fleet,
        x_actor=x_actor,
        if_match=if_match,
        if_none_match=if_none_match,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: ActivationBody,
    fleet: str | Unset = "default",
    x_actor: str | Unset = "anonymous",
    if_match: None | str | Unset = UNSET,
    if_none_match: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[ActivationOut | Problem | RunOut]:
    """Activate Plan

     Make an approved plan the active one.

    A superseded plan becomes active again (a roll back) once it is certified against the newest demand:
    the
    answer is 202 and the run that does so, which ends with the activation of a new version that repeats
    the
    old one. With `certify: "skip"` and a reason it becomes active at once, and the audit log says so.

    If-Match is compared with the ETag of the activation in force, `GET /v1/activations/current`.

    Scope: approver, of the fleet asked for.

    Args:
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        x_actor (str | Unset): Who asks, for the audit log; where tokens are needed, the token's
            name counts instead. Default: 'anonymous'.
        if_match (None | str | Unset): The ETag of the state to be changed; 412 if it is another
            by now.
        if_none_match (None | str | Unset): `*`: only if it does not exist yet; 412 if it does.
        idempotency_key (str | Unset):
        body (ActivationBody): Which plan version is to become the active one.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ActivationOut | Problem | RunOut]
    """

    kwargs = _get_kwargs(
        body=body,
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
    body: ActivationBody,
    fleet: str | Unset = "default",
    x_actor: str | Unset = "anonymous",
    if_match: None | str | Unset = UNSET,
    if_none_match: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> ActivationOut | Problem | RunOut | None:
    """Activate Plan

     Make an approved plan the active one.

    A superseded plan becomes active again (a roll back) once it is certified against the newest demand:
    the
    answer is 202 and the run that does so, which ends with the activation of a new version that repeats
    the
    old one. With `certify: "skip"` and a reason it becomes active at once, and the audit log says so.

    If-Match is compared with the ETag of the activation in force, `GET /v1/activations/current`.

    Scope: approver, of the fleet asked for.

    Args:
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.
        x_actor (str | Unset): Who asks, for the audit log; where tokens are needed, the token's
            name counts instead. Default: 'anonymous'.
        if_match (None | str | Unset): The ETag of the state to be changed; 412 if it is another
            by now.
        if_none_match (None | str | Unset): `*`: only if it does not exist yet; 412 if it does.
        idempotency_key (str | Unset):
        body (ActivationBody): Which plan version is to become the active one.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ActivationOut | Problem | RunOut
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            fleet=fleet,
            x_actor=x_actor,
            if_match=if_match,
            if_none_match=if_none_match,
            idempotency_key=idempotency_key,
        )
    ).parsed
