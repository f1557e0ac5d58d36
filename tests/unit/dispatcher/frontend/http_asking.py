"""Requests to an HTTP door in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import httpx

from dispatcher.frontend.http_door import HttpDoor
from tests.unit.dispatcher.frontend.twice import Twice

INFER = "/v2/models/twice%2Fnow/infer"


def body(**changes: Any) -> dict[str, Any]:
    return {
        "id": "r1",
        "inputs": [
            {"name": "n", "datatype": "INT64", "shape": [1], "data": [7]},
            {"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [1.5, -2]},
        ],
    } | changes


def asking(
    service: Twice, ask: Callable[[httpx.AsyncClient], Coroutine[Any, Any, httpx.Response]]
) -> httpx.Response:
    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(HttpDoor(service), raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
            return await ask(client)

    return asyncio.run(run())


def get(path: str, service: Twice | None = None) -> httpx.Response:
    return asking(service or Twice(), lambda client: client.get(path))


def infer(content: object, service: Twice | None = None, **headers: str) -> httpx.Response:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return asking(service or Twice(), lambda client: client.post(INFER, content=data, headers=headers))


def many(items: int) -> dict[str, Any]:
    return {
        "inputs": [
            {"name": "x", "datatype": "FP32", "shape": [items, 2], "data": list(range(2 * items))},
            {"name": "n", "datatype": "INT64", "shape": [items], "data": list(range(items))},
        ]
    }


def post(path: str, content: object, service: Twice) -> httpx.Response:
    return asking(service, lambda client: client.post(path, content=json.dumps(content).encode()))
