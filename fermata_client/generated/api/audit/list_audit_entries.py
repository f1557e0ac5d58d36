import datetime
from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.audit_entry_page import AuditEntryPage
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    actor: None | str | Unset = UNSET,
    action: None | str | Unset = UNSET,
    subject: None | str | Unset = UNSET,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
    fleet: str | Unset = "default",
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_actor: None | str | Unset
    if isinstance(actor, Unset):
        json_actor = UNSET
    else:
        json_actor = actor
    params["actor"] = json_actor

    json_action: None | str | Unset
    if isinstance(action, Unset):
        json_action = UNSET
    else:
        json_action = action
    params["action"] = json_action

    json_subject: None | str | Unset
    if isinstance(subject, Unset):
        json_subject = UNSET
    else:
        json_subject = subject
    params["subject"] = json_subject

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

    params["limit"] = limit

    json_before: int | None | Unset
    if isinstance(before, Unset):
        json_before = UNSET
    else:
        json_before = before
    params["before"] = json_before

    params["fleet"] = fleet

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/audit",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> AuditEntryPage | Problem | None:
    if response.status_code == 200:
        response_200 = AuditEntryPage.from_dict(response.json())

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
) -> Response[AuditEntryPage | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    actor: None | str | Unset = UNSET,
    action: None | str | Unset = UNSET,
    subject: None | str | Unset = UNSET,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
    fleet: str | Unset = "default",
) -> Response[AuditEntryPage | Problem]:
    """List Audit Entries

     Who changed what in the fleet, when, from where and why; the newest first.

    Scope: reader, of the fleet asked for.

    Args:
        actor (None | str | Unset):
        action (None | str | Unset):
        subject (None | str | Unset):
        since (datetime.datetime | None | Unset): Only from this instant on.
        until (datetime.datetime | None | Unset): Only before this instant.
        limit (int | Unset): How many to return at most. Default: 50.
        before (int | None | Unset): Only what is older than this.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AuditEntryPage | Problem]
    """

    kwargs = _get_kwargs(
        actor=actor,
        action=action,
        subject=subject,
        since=since,
        until=until,
        limit=limit,
        before=before,
        fleet=fleet,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    actor: None | str | Unset = UNSET,
    action: None | str | Unset = UNSET,
    subject: None | str | Unset = UNSET,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
    fleet: str | Unset = "default",
) -> AuditEntryPage | Problem | None:
    """List Audit Entries

     Who changed what in the fleet, when, from where and why; the newest first.

    Scope: reader, of the fleet asked for.

    Args:
        actor (None | str | Unset):
        action (None | str | Unset):
        subject (None | str | Unset):
        since (datetime.datetime | None | Unset): Only from this instant on.
        until (datetime.datetime | None | Unset): Only before this instant.
        limit (int | Unset): How many to return at most. Default: 50.
        before (int | None | Unset): Only what is older than this.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AuditEntryPage | Problem
    """

    return sync_detailed(
        client=client,
        actor=actor,
        action=action,
        subject=subject,
        since=since,
        until=until,
        limit=limit,
        before=before,
        fleet=fleet,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    actor: None | str | Unset = UNSET,
    action: None | str | Unset = UNSET,
    subject: None | str | Unset = UNSET,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
    fleet: str | Unset = "default",
) -> Response[AuditEntryPage | Problem]:
    """List Audit Entries

     Who changed what in the fleet, when, from where and why; the newest first.

    Scope: reader, of the fleet asked for.

    Args:
        actor (None | str | Unset):
        action (None | str | Unset):
        subject (None | str | Unset):
        since (datetime.datetime | None | Unset): Only from this instant on.
        until (datetime.datetime | None | Unset): Only before this instant.
        limit (int | Unset): How many to return at most. Default: 50.
        before (int | None | Unset): Only what is older than this.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AuditEntryPage | Problem]
    """

    kwargs = _get_kwargs(
        actor=actor,
        action=action,
        subject=subject,
        since=since,
        until=until,
        limit=limit,
        before=before,
        fleet=fleet,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    actor: None | str | Unset = UNSET,
    action: None | str | Unset = UNSET,
    subject: None | str | Unset = UNSET,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
    fleet: str | Unset = "default",
) -> AuditEntryPage | Problem | None:
    """List Audit Entries

     Who changed what in the fleet, when, from where and why; the newest first.

    Scope: reader, of the fleet asked for.

    Args:
        actor (None | str | Unset):
        action (None | str | Unset):
        subject (None | str | Unset):
        since (datetime.datetime | None | Unset): Only from this instant on.
        until (datetime.datetime | None | Unset): Only before this instant.
        limit (int | Unset): How many to return at most. Default: 50.
        before (int | None | Unset): Only what is older than this.
        fleet (str | Unset): Whose data: a fleet's id. Default: 'default'.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AuditEntryPage | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            actor=actor,
            action=action,
            subject=subject,
            since=since,
            until=until,
            limit=limit,
            before=before,
            fleet=fleet,
        )
    ).parsed
