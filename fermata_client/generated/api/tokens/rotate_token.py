from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.issued_token_out import IssuedTokenOut
from ...models.problem import Problem
from ...models.rotation_body import RotationBody
from ...types import UNSET, Response, Unset


def _get_kwargs(
    token_id: str,
    *,
    body: None | RotationBody | Unset = UNSET,
    if_match: None | str | Unset = UNSET,
    if_none_match: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(if_match, Unset):
        headers["if-match"] = if_match

    if not isinstance(if_none_match, Unset):
        headers["if-none-match"] = if_none_match

    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/tokens/{token_id}/rotation".format(
            token_id=quote(str(token_id), safe=""),
        ),
    }

    if isinstance(body, RotationBody):
        _kwargs["json"] = body.to_dict()
    else:
        _kwargs["json"] = body

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> IssuedTokenOut | Problem | None:
    if response.status_code == 200:
        response_200 = IssuedTokenOut.from_dict(response.json())

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
) -> Response[IssuedTokenOut | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    token_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: None | RotationBody | Unset = UNSET,
    if_match: None | str | Unset = UNSET,
    if_none_match: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[IssuedTokenOut | Problem]:
    """Rotate Token

     Give a token a new secret; the old one stays good for a time of grace, a day by default.

    Scope: admin, of any fleet.

    Args:
        token_id (str): The token's id, the part after `fermata_`.
        if_match (None | str | Unset): The ETag of the state to be changed; 412 if it is another
            by now.
        if_none_match (None | str | Unset): `*`: only if it does not exist yet; 412 if it does.
        idempotency_key (str | Unset):
        body (None | RotationBody | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[IssuedTokenOut | Problem]
    """

    kwargs = _get_kwargs(
        token_id=token_id,
        body=body,
        if_match=if_match,
        if_none_match=if_none_match,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    token_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: None | RotationBody | Unset = UNSET,
    if_match: None | str | Unset = UNSET,
    if_none_match: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> IssuedTokenOut | Problem | None:
    """Rotate Token

     Give a token a new secret; the old one stays good for a time of grace, a day by default.

    Scope: admin, of any fleet.

    Args:
        token_id (str): The token's id, the part after `fermata_`.
        if_match (None | str | Unset): The ETag of the state to be changed; 412 if it is another
            by now.
        if_none_match (None | str | Unset): `*`: only if it does not exist yet; 412 if it does.
        idempotency_key (str | Unset):
        body (None | RotationBody | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        IssuedTokenOut | Problem
    """

    return sync_detailed(
        token_id=token_id,
        client=client,
        body=body,
        if_match=if_match,
        if_none_match=if_none_match,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    token_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: None | RotationBody | Unset = UNSET,
    if_match: None | str | Unset = UNSET,
    if_none_match: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[IssuedTokenOut | Problem]:
    """Rotate Token

     Give a token a new secret; the old one stays good for a time of grace, a day by default.

    Scope: admin, of any fleet.

    Args:
        token_id (str): The token's id, the part after `fermata_`.
        if_match (None | str | Unset): The ETag of the state to be changed; 412 if it is another
            by now.
        if_none_match (None | str | Unset): `*`: only if it does not exist yet; 412 if it does.
        idempotency_key (str | Unset):
        body (None | RotationBody | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[IssuedTokenOut | Problem]
    """

    kwargs = _get_kwargs(
        token_id=token_id,
        body=body,
        if_match=if_match,
        if_none_match=if_none_match,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    token_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: None | RotationBody | Unset = UNSET,
    if_match: None | str | Unset = UNSET,
    if_none_match: None | str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> IssuedTokenOut | Problem | None:
    """Rotate Token

     Give a token a new secret; the old one stays good for a time of grace, a day by default.

    Scope: admin, of any fleet.

    Args:
        token_id (str): The token's id, the part after `fermata_`.
        if_match (None | str | Unset): The ETag of the state to be changed; 412 if it is another
            by now.
        if_none_match (None | str | Unset): `*`: only if it does not exist yet; 412 if it does.
        idempotency_key (str | Unset):
        body (None | RotationBody | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        IssuedTokenOut | Problem
    """

    return (
        await asyncio_detailed(
            token_id=token_id,
            client=client,
            body=body,
            if_match=if_match,
            if_none_match=if_none_match,
            idempotency_key=idempotency_key,
        )
    ).parsed
