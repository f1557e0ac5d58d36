"""A server with a tiny fleet registered; its run worker is off."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.control_plane import register_fleet, served, sqlite_url


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("api")
    with served(sqlite_url(folder), run_worker=False, request_bytes_max=1_000_000) as client:
        register_fleet(client)
        yield client
