"""The console while a run goes on, and with a schedule, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from planner.store.store import Store
from tests.control_plane import forecast, register_fleet, served, sqlite_url
from tests.e2e.test_console import ARGUMENTS, CHROMIUM


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(sqlite_url(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def page(store: Store) -> Iterator[Page]:
    """A fleet with a schedule and one run in the queue, on a small screen."""
    assert CHROMIUM, "needs Chromium: make setup-system"
    with served(store.database_url, run_worker=False, scheduler=False) as client, sync_playwright() as play:
        register_fleet(client)
        client.post("/v1/forecasts", json=forecast())
        client.put("/v1/schedule", json={"cron": "30 2 * * *", "time_zone": "Europe/Berlin"})
        client.post("/v1/runs", json={"forecast_id": 1})
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        opened = browser.new_page(viewport={"width": 400, "height": 900})
        opened.set_default_timeout(30_000)
        opened.complaints = []  # type: ignore[attr-defined]
        opened.on("console", lambda message: opened.complaints.append(message.text))  # type: ignore[attr-defined]
        opened.on("pageerror", lambda error: opened.complaints.append(str(error)))  # type: ignore[attr-defined]
        opened.goto(f"{client.base_url}/console")
        yield opened
        browser.close()


def test_progress_appears_as_it_comes_and_the_end_shows_what_came_of_it(page: Page, store: Store) -> None:
    page.evaluate("() => { window.neverReloaded = true; }")
    with store.writing() as work:
        claimed = work.runs.claim("tester", timedelta(minutes=5))
        assert claimed is not None
        work.runs.report(
            claimed.lease, {"stage": "solving", "incumbent": 1234.5, "bound": 1111.0, "gap": 0.1}
        )
    page.wait_for_function("() => document.querySelector('.runs .stage').textContent === 'solving'")
    assert page.inner_text(".runs .progress").startswith(
        "incumbent $1,234.50/h · bound $1,111.00/h · gap 10.0"
    )
    assert page.inner_text(".runs .state") == "running"
    assert page.evaluate("() => window.neverReloaded")
    with store.writing() as work:
        work.runs.fail(claimed.lease, {"code": "x", "message": "it was not to be"})
    page.wait_for_function("() => document.querySelector('.runs .error') !== null")
    assert page.inner_text(".runs .error") == "it was not to be"
    assert page.complaints == []  # type: ignore[attr-defined]


def test_the_schedule_shows_its_next_slot_in_its_own_time_and_fits_a_small_screen(page: Page) -> None:
    text = page.inner_text("#schedule")
    assert "30 2 * * *" in text
    assert "Europe/Berlin" in text
    assert " 02:30" in page.inner_text(".next-slot b")
    assert "No slot has been due yet." in text
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
