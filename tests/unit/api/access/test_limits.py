"""What a request may cost: rates, headers, bodies, time; and what a bomb does to the server's memory."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from api.access.buckets import Buckets
from api.access.json_shape import DEPTH_MAX, VALUES_MAX, shape_of
from api.access.table import RULES, Rule
from api.rest.middleware import TimeLimitMiddleware
from planner.service import access
from planner.store.store import Store
from tests.access import bearer, issue, problem_of
from tests.control_plane import served, sqlite_url

JSON = {"content-type": "application/json"}


def test_a_bucket_fills_again() -> None:
    now_s = 100.0
    buckets = Buckets("reads", 2.0, now_s=lambda: now_s)
    assert [buckets.take("a").granted for _ in range(5)] == [True] * 4 + [False]
    refused = buckets.take("a")
    assert (refused.retry_after_s, buckets.take("b").granted) == (1, True)
    now_s += 0.5
    assert [buckets.take("a").granted for _ in range(2)] == [True, False]
    now_s += 3_600
    assert [buckets.take("a").granted for _ in range(5)] == [True] * 4 + [False]
    assert all(Buckets("x", 0, now_s=lambda: now_s).take("a").granted for _ in range(1_000))


def test_buckets_are_bounded() -> None:
    buckets = Buckets("strangers", 1.0, now_s=lambda: 0.0)
    for address in range(20_000):
        buckets.take(str(address))
    assert len(buckets._filled) == 10_000


def test_each_token_has_its_own_rate(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    with served(url, run_worker=False, reads_per_s_max=0.01, writes_per_s_max=0.01) as client:
        store = Store(url)
        one, two = (bearer(issue(store, name, access.Scope.PLANNER).token) for name in ("one", "two"))
        first = client.get("/v1/plans", headers=one)
        assert first.status_code == 200
        assert first.headers["ratelimit-policy"] == '"reads";q=1;w=100'
        assert first.headers["ratelimit"].startswith('"reads";r=0;t=')
        refused = client.get("/v1/plans", headers=one)
        assert (refused.status_code, problem_of(refused)) == (429, "rate-limited")
        assert 1 <= int(refused.headers["retry-after"]) <= 100
        assert client.post("/v1/models", json=[], headers=one).status_code == 422  # writes are counted apart
        assert client.get("/v1/plans", headers=two).status_code == 200
        store.close()


def test_strangers_are_counted_by_address_and_good_tokens_pass(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    with served(url, run_worker=False, strangers_per_s_max=0.01) as client:
        store = Store(url)
        token = issue(store, "good", access.Scope.READER).token
        statuses = [client.get("/v1/plans", headers=bearer(token[:-2] + "xx")).status_code for _ in range(3)]
        assert statuses == [401, 429, 429]
        assert client.post("/console/sign-in", data={"token": "x"}).status_code == 429
        assert client.get("/v1/plans", headers=bearer(token)).status_code == 200
        assert client.get("/healthz").status_code == 200
        store.close()


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (b"[" * DEPTH_MAX + b"]" * DEPTH_MAX, 0),
        (b"[" * (DEPTH_MAX + 1), 1),
        (b'{"a":' * (DEPTH_MAX + 1), 1),
        (b'"' + b"[" * 1_000 + b'"', 0),
        (b'"\\"' + b"[" * 1_000 + b'"', 0),
        (b'"\\\\"' + b"[" * 1_000, 1),
        (b"[" + b"0," * (VALUES_MAX - 2) + b"0]", 0),
        (b"[" + b"0," * VALUES_MAX + b"0]", 1),
        (b'["' + b"," * VALUES_MAX + b'"]', 0),
        (b"{" + b'"a":1,' * 999 + b'"a":1}', 0),
        (b"{" + b'"a":1,' * 1_000 + b'"a":1}', 1),
        (b"[" + (b"{" + b'"a":1,' * 999 + b'"a":1},') * 9 + b"0]", 0),
        (b"", 0),
        (b"\xff\xfe", 0),
    ],
)
def test_shapes_are_seen_in_the_text(text: bytes, count: int) -> None:
    assert len(shape_of(text).faults) == count


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with served(
        sqlite_url(tmp_path_factory.mktemp("limits")), run_worker=False, body_silence_s_max=0.3
    ) as client:
        yield client


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1_000_000,
        b"[" + b"[]," * 3_000_000 + b"[]]",
        b"{" + b",".join(b'"%d":1' % i for i in range(2_500_000)) + b"}",
        b'[{"id": "a", "slo_ms": ' + b"9" * 5_000 + b"}]",
        b'[{"id": "a", "slo_ms": 1e308}]',
        b'[{"id": "a", "slo_ms": 1e999}]',
        b'[{"id": "a", "slo_ms": NaN}]',
        b'[{"id": "a", "slo_ms": -Infinity}]',
        b'[{"id": "\\ud800", "slo_ms": 5}]',
        b'[{"id": "a\\u0000", "slo_ms": 5}]',
    ],
    ids=["deep", "lists", "keys", "digits", "1e308", "1e999", "NaN", "-Infinity", "surrogate", "NUL"],
)
def test_bombs_are_faults(quick: httpx.Client, body: bytes) -> None:
    answer = quick.post("/v1/models", content=body, headers=JSON)
    assert (answer.status_code, problem_of(answer)) == (422, "input-invalid"), answer.text
    assert answer.json()["faults"]
    assert quick.get("/v1/models").json()["items"] == []


def test_a_body_that_stalls_is_given_up(quick: httpx.Client) -> None:
    for kind in ("application/json", "text/csv"):
        with connected(quick) as connection:
            head = f"POST /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
            connection.sendall(head.encode() + b"Content-Length: 100\r\n\r\n[")
            assert connection.recv(65_536).startswith(b"HTTP/1.1 408 ")


def connected(client: httpx.Client) -> socket.socket:
    return socket.create_connection(("127.0.0.1", client.base_url.port or 0), timeout=20)


async def slow(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(0.5)
    await PlainTextResponse("done")(scope, receive, send)


async def answered(rule: Rule) -> httpx.Response:
    async def with_rule(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = {"rule": rule}
        await TimeLimitMiddleware(slow, seconds=0.05)(scope, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(with_rule), base_url="http://a") as client:
        return await client.get("/x")


def test_a_slow_request_is_answered_and_one_that_may_wait_is_left_alone() -> None:
    late = asyncio.run(answered(RULES["GET /v1/plans"]))
    assert (late.status_code, problem_of(late)) == (503, "out-of-time")
    waiting = asyncio.run(answered(RULES["GET /v1/activations/current"]))
    assert (waiting.status_code, waiting.text) == (200, "done")


def test_security_headers(quick: httpx.Client) -> None:
    headers = quick.get("/console").headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 404),
        ({"Origin": "http://{own}"}, 404),
        ({"Origin": "https://elsewhere.example.com"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 404),
        ({"Host": "elsewhere.example.com"}, 403),
    ],
)
def test_an_open_server_takes_nothing_from_pages_of_others(
    quick: httpx.Client, headers: dict[str, str], status: int
) -> None:
    own = f"127.0.0.1:{quick.base_url.port}"
    sent = {name: value.replace("{own}", own) for name, value in headers.items()}
    answer = quick.post("/v1/plans/1/approval", headers=sent, json={"plan_id": "0" * 64})
    assert answer.status_code == status
    if status == 403:
        assert problem_of(answer) == "cross-site"
