"""``Idempotency-Key``: one effect and one answer, whatever is sent again, by whom, when, and whoever dies."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from api.rest.app import create_app
from api.settings import Settings
from planner.store.idempotency import KeptAnswer, KeyedRequest, Standing
from planner.store.store import Store
from planner.store.tables import IdempotencyKeyRow
from tests.control_plane import START, forecast, register_fleet, served
from tests.integration.test_store_runs import Clock

KEY = "Idempotency-Key"
HOLD, KEEP = timedelta(seconds=60), timedelta(days=1)


@pytest.fixture
def client(migrated_url: str) -> Iterator[httpx.Client]:
    options = {"run_worker": False, "scheduler": False, "webhook_loopback": True}
    with served(migrated_url, **options) as opened:
        register_fleet(opened)
        yield opened


def submit(client: httpx.Client, key: str, **changes: Any) -> httpx.Response:
    return client.post("/v1/forecasts", json=forecast(**changes), headers={KEY: key})


def count(client: httpx.Client) -> int:
    return len(client.get("/v1/forecasts").json()["items"])


def problem(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).rpartition(":")[2]


def test_sent_again_it_has_the_same_answer_and_no_second_effect(client: httpx.Client) -> None:
    first, second = submit(client, "a"), submit(client, "a")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert count(client) == 1
    assert submit(client, "b").json()[0]["id"] != first.json()[0]["id"]


def test_headers_are_part_of_the_answer(client: httpx.Client) -> None:
    submit(client, "f")
    first, second = (client.post("/v1/runs", json={"forecast_id": 1}, headers={KEY: "r"}) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    assert len(client.get("/v1/runs").json()["items"]) == 1


def test_another_request_with_the_key_is_refused(client: httpx.Client) -> None:
    submit(client, "a")
    for answer in (
        submit(client, "a", name="another"),
        client.post("/v1/runs", json={"forecast_id": 1}, headers={KEY: "a"}),
    ):
        assert (answer.status_code, problem(answer)) == (422, "idempotency-key-reused")
    assert count(client) == 1


def test_a_request_cut_in_the_middle_leaves_its_key_free(client: httpx.Client, migrated_url: str) -> None:
    """Half a body is no request: it must not be answered, nor its answer kept for the whole one."""
    body = json.dumps(forecast()).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    said: list[Any] = []

    async def say(message: Any) -> None:
        said.append(message)

    async def cut() -> None:
        store = Store(migrated_url)
        settings = Settings(database_url=migrated_url, run_worker=False, scheduler=False)
        heard = [
            {"type": "http.request", "body": body[: len(body) // 2], "more_body": True},
            {"type": "http.disconnect"},
        ]

        async def hear() -> Any:
            return heard.pop(0) if heard else {"type": "http.disconnect"}

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/forecasts",
            "query_string": b"",
            "headers": [*headers, (b"host", b"127.0.0.1"), (KEY.lower().encode(), b"cut")],
            "scheme": "http",
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1),
            "http_version": "1.1",
            "root_path": "",
        }
        await create_app(settings, store)(scope, hear, say)
        store.close()

    asyncio.run(cut())
    assert said == []
    assert submit(client, "cut").status_code == 201
    assert count(client) == 1


def test_keys_are_their_owners(client: httpx.Client) -> None:
    for actor in ("ann", "bob"):
        answer = client.post("/v1/forecasts", json=forecast(), headers={KEY: "a", "X-Actor": actor})
        assert answer.status_code == 201
    assert count(client) == 2


def test_many_at_once_are_carried_out_once(client: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: submit(client, "a"), range(16)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {problem(answer) for answer in answers if answer.status_code == 409} <= {"idempotency-key-in-use"}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert count(client) == 1


def test_a_refusal_is_an_answer_too(client: httpx.Client) -> None:
    first = client.post("/v1/runs", json={"forecast_id": 1}, headers={KEY: "a"})
    submit(client, "f")
    second = client.post("/v1/runs", json={"forecast_id": 1}, headers={KEY: "a"})
    assert (first.status_code, second.status_code) == (404, 404)
    assert first.content == second.content


@pytest.mark.parametrize("key", ["", "a b", '"', '"a', "x" * 256, "ü".encode().decode("latin-1")])
def test_a_key_that_is_none_is_refused(client: httpx.Client, key: str) -> None:
    answer = client.post("/v1/forecasts", json=forecast(), headers=[(KEY.encode(), key.encode("latin-1"))])
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["faults"]] == [KEY]
    assert count(client) == 0


def test_quotes_around_a_key_are_none_of_it(client: httpx.Client) -> None:
    submit(client, '"a"')
    assert submit(client, "a").headers["idempotency-replayed"] == "true"


def test_a_secret_shown_once_is_not_kept(client: httpx.Client, migrated_url: str) -> None:
    body = {"url": "http://127.0.0.1:9/hook", "events": ["replan.waiting"]}
    first, second = (client.post("/v1/webhooks", json=body, headers={KEY: "a"}) for _ in range(2))
    assert first.status_code == 201
    assert (second.status_code, problem(second)) == (409, "idempotency-answer-not-kept")
    assert len(client.get("/v1/webhooks").json()["items"]) == 1
    assert first.json()["secret"] not in second.text


def test_every_post_route_takes_keys(client: httpx.Client) -> None:
    """Also those that were not there when this was written."""
    document = client.get("/v1/openapi.json").json()
    paths = [path for path, item in document["paths"].items() if "post" in item]
    assert len(paths) >= 10
    for path in paths:
        parameters = document["paths"][path]["post"]["parameters"]
        assert KEY in [parameter["name"] for parameter in parameters], path
        url = re.sub(r"\{[^}]+\}", "1", path)
        sent = {"headers": {KEY: sha256(path.encode()).hexdigest()}}
        first, again = (client.post(url, json={"none": "such"}, **sent) for _ in range(2))  # type: ignore[arg-type]
        other = client.post(url, json={"none": "other"}, **sent)  # type: ignore[arg-type]
        assert first.status_code < 500, path
        assert (again.status_code, again.content) == (first.status_code, first.content), path
        assert again.headers["idempotency-replayed"] == "true", path
        assert problem(other) == "idempotency-key-reused", path


@pytest.mark.parametrize("point", ["reserved", "written", "answered", "committed"])
def test_a_server_killed_at_any_point_has_done_all_or_nothing(
    client: httpx.Client, migrated_url: str, point: str
) -> None:
    """Killed between any two steps, the request counts once in the end and is answered alike from then on."""
    arguments = [sys.executable, "-m", "tests.integration.killed_request", migrated_url, point, "a"]
    killed = subprocess.run(arguments, input=json.dumps(forecast()), text=True, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    if point == "committed":
        assert count(client) == 1
    else:
        assert count(client) == 0
        assert problem(submit(client, "a")) == "idempotency-key-in-use"  # until the reservation runs out
        let_reservations_run_out(migrated_url)
        assert "idempotency-replayed" not in submit(client, "a").headers
    again = submit(client, "a")
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert count(client) == 1


def let_reservations_run_out(url: str) -> None:
    with Store(url).writing() as work:
        session = work.idempotency._session
        session.execute(update(IdempotencyKeyRow).values(reserved_until=START))


def keyed(token: str, request: str = "r") -> KeyedRequest:
    return KeyedRequest("default", "ann", "k" * 64, request * 64, token)


ANSWER = KeptAnswer(201, (("content-type", "application/json"),), b"[]" * 1_000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(migrated_url: str, clock: Clock) -> Iterator[Store]:
    opened = Store(migrated_url, clock=clock)
    yield opened
    opened.close()


def reserve(store: Store, request: KeyedRequest) -> Standing:
    with store.writing() as work:
        return work.idempotency.reserve(request, hold=HOLD, keep=KEEP).standing


def finish(store: Store, request: KeyedRequest) -> bool:
    with store.writing() as work:
        return work.idempotency.finish(request, ANSWER)


def test_who_lost_its_reservation_may_not_finish(timed: Store, clock: Clock) -> None:
    assert reserve(timed, keyed("first")) is Standing.RESERVED
    assert reserve(timed, keyed("second")) is Standing.IN_FLIGHT
    clock.advance(61)
    assert reserve(timed, keyed("other", "x")) is Standing.OTHER_REQUEST
    assert reserve(timed, keyed("second")) is Standing.RESERVED
    assert not finish(timed, keyed("first"))
    with timed.writing() as work:
        work.idempotency.release(keyed("first"))
    assert finish(timed, keyed("second"))
    with timed.writing() as work:
        assert work.idempotency.reserve(keyed("third"), hold=HOLD, keep=KEEP).answer == ANSWER


def test_answers_are_forgotten_after_a_day_and_no_sooner(timed: Store, clock: Clock) -> None:
    reserve(timed, keyed("first"))
    finish(timed, keyed("first"))
    clock.advance(86_399)
    with timed.writing() as work:
        assert work.idempotency.forget_expired() == 0
    assert reserve(timed, keyed("second")) is Standing.ANSWERED
    clock.advance(1)
    assert reserve(timed, keyed("third", "x")) is Standing.RESERVED
    clock.advance(86_400)
    with timed.writing() as work:
        assert work.idempotency.forget_expired() == 1


def test_together_is_all_or_nothing_and_a_part_that_fails_is_undone_alone(timed: Store) -> None:
    def note(subject: str, *, fails: bool = False) -> None:
        with timed.writing() as work:
            work.audit.add(actor="a", action="b", subject=subject)
            if fails:
                raise ZeroDivisionError

    def subjects() -> list[str]:
        with timed.reading() as work:
            return [entry.subject for entry in work.audit.newest(limit=9)]

    with timed.together():
        note("first")
        with pytest.raises(ZeroDivisionError):
            note("second", fails=True)
        assert subjects() == ["first"]
        with timed.of_fleet("other").writing() as work:
            work.audit.add(actor="a", action="b", subject="third")
    assert subjects() == ["first"]
    with pytest.raises(ZeroDivisionError), timed.together():
        note("fourth", fails=True)
    assert subjects() == ["first"]
