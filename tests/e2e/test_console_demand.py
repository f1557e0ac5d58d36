"""Who was right, in a real browser: the verdicts are those of the API, a gap is a gap, small screens fit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
from playwright.sync_api import Page

from planner.store.records import RegisteredModel
from planner.store.store import Store
from tests.control_plane import served, sqlite_url
from tests.e2e.test_console import browser  # noqa: F401  (a fixture)
from tests.past_demand import HOUR, daily, hourly_reports, said

MIDNIGHT = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Ten days of load of two models, of which a planner doubled one."""
    url = sqlite_url(tmp_path_factory.mktemp("demand"))
    rates = {"known": daily(20.0), "quiet": daily(3.0)}
    with served(url, run_worker=False) as client:
        store = Store(url, clock=lambda: MIDNIGHT - HOUR)
        with store.writing() as work:
            work.registry.put_models([RegisteredModel(name, 60.0) for name in rates])
            work.forecasts.add(said(MIDNIGHT, 240, {"known": rates["known"]}, 2.0), author="pat")
            work.observed.take(hourly_reports(MIDNIGHT, 240, rates, range(150, 160)))
        store.close()
        yield str(client.base_url)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (400, "dark")])
def test_it_shows_what_the_api_says(browser: object, address: str, width: int, scheme: str) -> None:  # noqa: F811
    page: Page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[attr-defined]
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{address}/console/demand")
    page.wait_for_selector("#chart svg")
    known, quiet = httpx.get(f"{address}/v1/demand/accuracy", timeout=60).json()["models"]
    assert (known["verdict"], quiet["verdict"]) == ("model", None)
    cells = page.locator(".accuracy tbody tr").first.locator("td").all_inner_texts()
    assert cells[:2] == ["known", "model"]
    assert f"{known['planner_error'] * 100:.0f}" in cells[2]
    assert (
        page.evaluate(
            "JSON.parse(document.getElementById('chart-data').textContent).series[0].observed"
        ).count(None)
        == 10
    )
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert complaints == []
    page.close()
