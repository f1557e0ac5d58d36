"""What the Python client sends and hears beyond JSON: events of a run, also over broken connections; CSV."""

from __future__ import annotations

import asyncio
import shutil
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from api.rest import run_stream
from fermata_client import AsyncFermata, Fermata, Refused, RunEvent
from fermata_client.models import RunBody, SubmitForecastsSource
from planner.store.store import Store
from tests.control_plane import forecast, register_fleet, served, sqlite_url
from tests.cutting_proxy import cutting_proxy

PROGRESS = 30
CSV = (
    "model,start,hours,demand_rps,low_rps,high_rps\n"
    "resnet,2026-11-23T08:00:00Z,1,200,150,260\n"
    "bert,2026-11-23T08:00:00Z,1,50,40,70\n"
)


@pytest.fixture
def url(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    shutil.copy(sqlite_template, tmp_path / "fermata.db")
    monkeypatch.setattr(run_stream, "RETRY_MS", 10)
    with served(sqlite_url(tmp_path), run_worker=False, scheduler=False) as client:
        register_fleet(client)
        client.post("/v1/forecasts", json=forecast())
        yield str(client.base_url)


@pytest.fixture
def run(url: str, tmp_path: Path) -> Iterator[str]:
    """A run that says something now and then, and fails."""
    with Fermata(url) as fermata:
        run = fermata.start_run(RunBody(forecast_id=1)).id
    store = Store(sqlite_url(tmp_path))
    with store.writing() as work:
        found = work.runs.claim("tester", timedelta(minutes=5))
    assert found is not None
    lease = found.lease
    for index in range(PROGRESS):
        with store.writing() as work:
            assert work.runs.report(lease, {"stage": "solving", "incumbent": 50.0 - index})

    def end() -> None:
        with store.writing() as work:
            work.runs.fail(lease, {"code": "x", "message": "y"})
        store.close()

    ending = threading.Timer(0.5, end)
    ending.start()
    yield run
    ending.join()


def heard(url: str, run: str, is_async: bool, last_event_id: int = 0, tries_max: int = 3) -> list[RunEvent]:
    """Every event of the run, to its end."""

    async def all_of_them() -> list[RunEvent]:
        async with AsyncFermata(url, tries_max=tries_max) as fermata:
            return [e async for e in fermata.stream_run_events(run, last_event_id=last_event_id)]

    if is_async:
        return asyncio.run(all_of_them())
    with Fermata(url, tries_max=tries_max) as fermata:
        return list(fermata.stream_run_events(run, last_event_id=last_event_id))


@pytest.mark.parametrize("is_async", [False, True])
def test_events_are_typed_and_end_with_the_run(url: str, run: str, is_async: bool) -> None:
    events = heard(url, run, is_async)
    assert [event.id for event in events] == list(range(1, PROGRESS + 4))
    assert [event.kind for event in events] == ["state", "state", *["progress"] * PROGRESS, "state"]
    assert (events[1].data.attempt, events[1].data.stage, events[2].data.state) == (1, None, None)
    assert not any(event.data.additional_properties for event in events)
    assert [event.data.incumbent for event in events[2:-1]] == [50.0 - i for i in range(PROGRESS)]
    assert events[-1].is_last
    assert events[-1].data.state == "failed"
    assert heard(url, run, is_async, last_event_id=events[-2].id) == events[-1:]
    assert heard(url, run, is_async, last_event_id=events[-1].id) == []


@pytest.mark.parametrize("is_async", [False, True])
def test_a_broken_connection_costs_no_event_and_repeats_none(url: str, run: str, is_async: bool) -> None:
    """Cut within headers, within an event, and between events."""
    cuts = [40, 900, 1_337, 2_500, 700]
    with cutting_proxy(httpx.URL(url).port or 0, cuts) as proxy:
        events = heard(proxy.url, run, is_async, tries_max=4)
        assert proxy.connections > len(cuts)
    assert [event.id for event in events] == list(range(1, PROGRESS + 4))


@pytest.mark.parametrize("is_async", [False, True])
def test_a_server_that_stays_away_is_given_up(url: str, run: str, is_async: bool) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{probe.getsockname()[1]}"
        with pytest.raises(httpx.TransportError):
            heard(away, run, is_async, tries_max=2)
    with cutting_proxy(httpx.URL(url).port or 0, [300] * 20) as proxy, pytest.raises(httpx.TransportError):
        heard(proxy.url, run, is_async, tries_max=2)


@pytest.mark.parametrize("is_async", [False, True])
def test_what_cannot_be_followed_is_refused(url: str, is_async: bool) -> None:
    with pytest.raises(Refused, match="run-not-found"):
        heard(url, "none", is_async)


@pytest.mark.parametrize("form", [CSV, CSV.encode()])
def test_a_forecast_as_csv(url: str, form: str | bytes) -> None:
    with Fermata(url) as fermata:
        planner = SubmitForecastsSource.PLANNER
        (stored,) = fermata.submit_forecasts_csv(form, name="by hand", note="a sale", source=planner)
        assert (stored.name, stored.note, stored.source.value) == ("by hand", "a sale", "planner")
        whole, etag = fermata.tagged(fermata.get_forecast, stored.id)
        assert {row.model: row.high_rps for row in whole.models} == {"resnet": [260.0], "bert": [70.0]}
        (better,) = fermata.submit_forecasts_csv(form, corrects=stored.id, if_match=etag)
        assert better.source.value == "import"
        with pytest.raises(Refused, match="precondition-failed"):
            fermata.submit_forecasts_csv(form, corrects=stored.id, if_match=etag)
        with pytest.raises(Refused, match="line 2, model"):
            fermata.submit_forecasts_csv(CSV.replace("resnet", "resnot"))


def test_a_forecast_as_csv_awaited(url: str) -> None:
    async def submit() -> list[int]:
        async with AsyncFermata(url) as fermata:
            (stored,) = await fermata.submit_forecasts_csv(CSV)
            return [row.id async for row in fermata.all_forecasts(limit=1) if row.id == stored.id]

    assert len(asyncio.run(submit())) == 1
