"""The console in a real browser: it draws, asks nobody else for anything, escapes, and fits small screens."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from planner.store.records import RunRecord, RunState
from planner.store.store import Store
from tests.control_plane import (
    finished_run,
    forecast,
    load_report,
    register_fleet,
    served,
    sqlite_url,
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
HOSTILE = "<img src=x onerror=\"document.title='broken'\"> & </script>"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with an active plan, observed load, and a run that failed with hostile words."""
    url = sqlite_url(tmp_path_factory.mktemp("console"))
    with served(url) as client:
        register_fleet(client)
        client.post("/v1/forecasts", json=forecast())
        location = client.post("/v1/runs", json={"forecast_id": 1, "time_limit_s": 5.0}).headers["location"]
        run = finished_run(client, location)
        decided_with_hostile_words(client, run["plan_version"])
        client.post("/v1/observed-load", json=load_report())
        add_failed_run(url, run["problem_digest"])
        yield str(client.base_url)


def decided_with_hostile_words(client: httpx.Client, version: int) -> None:
    plan = client.get(f"/v1/plans/{version}").json()
    body = {"plan_id": plan["plan_id"], "reason": HOSTILE}
    client.post(f"/v1/plans/{version}/approval", json=body, headers={"X-Actor": "ann"})
    body = {"plan_version": version, "reason": "cheaper by 4 %"}
    assert client.post("/v1/activations", json=body, headers={"X-Actor": "bob"}).status_code == 201


def add_failed_run(url: str, digest: str) -> None:
    store = Store(url)
    with store.writing() as work:
        work.runs.add(
            RunRecord(
                id="hostile",
                state=RunState.FAILED,
                forecast_id=1,
                problem_digest=digest,
                options={"solver": "auto", "use_observed": False},
                demand=None,
                actor="tester",
                created_at=work.now,
                started_at=work.now,
                finished_at=work.now + timedelta(seconds=2),
                progress={"stage": "solving"},
                error={"code": "run-crashed", "message": HOSTILE},
            )
        )
    store.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM, "needs Chromium: make setup-system"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The console, with everything noted that it complains of or asks for."""
    width, scheme = getattr(request, "param", (1280, "light"))
    opened = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    opened.set_default_timeout(10_000)
    opened.complaints = []  # type: ignore[attr-defined]
    opened.asked = []  # type: ignore[attr-defined]
    opened.on("console", lambda message: opened.complaints.append(message.text))  # type: ignore[attr-defined]
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))  # type: ignore[attr-defined]
    opened.on("request", lambda asked: opened.asked.append(asked.url))  # type: ignore[attr-defined]
    opened.goto(f"{address}/console")
    opened.wait_for_selector("#chart svg")
    yield opened
    opened.close()


SCREENS = [(1280, "light"), (1280, "dark"), (400, "light"), (400, "dark")]


@pytest.mark.parametrize("page", SCREENS, indirect=True, ids=str)
def test_it_draws_without_complaint_and_asks_nobody_else(page: Page, address: str) -> None:
    assert page.complaints == []  # type: ignore[attr-defined]
    assert [url for url in page.asked if not url.startswith(address)] == []  # type: ignore[attr-defined]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_plan_figures_and_sub_clusters_are_those_of_the_api(page: Page, address: str) -> None:
    plan = httpx.get(f"{address}/v1/plans/1").json()
    assert page.inner_text("#plan-title") == "Plan 1"
    assert page.inner_text(".headline .state") == "active"
    figures = page.inner_text(".figures")
    assert f"${plan['cost_usd_per_hour']:.2f}" in figures
    assert f"{plan['gap'] * 100:.1f}\N{NO-BREAK SPACE}%" in figures
    assert "passed" in figures
    assert page.locator(".card").count() == len(plan["plan"]["sub_clusters"])
    card = page.locator(".card").first
    assert card.locator(".load-strip g").count() == 2
    card.locator("summary").click()
    models = {row["id"] for row in plan["plan"]["sub_clusters"][0]["models"]}
    assert set(card.locator(".models td:first-child").all_inner_texts()) == models


def test_the_chart_has_observed_beside_forecast_and_changes_with_the_choice(page: Page) -> None:
    options = page.locator("#chart-series option").all_inner_texts()
    assert options[:2] == ["Observed models (1 of 2)", "All models"]
    assert set(options[2:]) == {"resnet", "bert"}
    before = page.inner_html("#chart")
    page.select_option("#chart-series", label="bert")
    page.wait_for_function("before => document.getElementById('chart').innerHTML !== before", arg=before)


def test_hostile_words_are_words(page: Page) -> None:
    assert HOSTILE in page.locator(".runs .error").all_inner_texts()
    assert page.title() == "Fermata · plan 1"
    assert page.locator("img").count() == 0


def test_another_plan_can_be_looked_at(page: Page) -> None:
    page.click("#plans a")
    page.wait_for_selector("#chart svg")
    assert page.url.endswith("/console?plan=1")


def test_headers_forbid_everything_foreign(address: str) -> None:
    headers = httpx.get(f"{address}/console").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_vendored_files_name_version_and_licence() -> None:
    folder = Path(__file__).parents[2] / "api/console/static/vendor/echarts"
    assert "6.1.0" in (folder / "README.md").read_text(encoding="utf-8")
    assert {"LICENSE", "NOTICE", "echarts.min.js"} <= {path.name for path in folder.iterdir()}


def test_a_plan_shows_what_it_is_and_who_decided_what(page: Page) -> None:
    assert page.locator(".plan-id code").get_attribute("title")
    history = page.locator("#history")
    decision = history.locator(".decisions li")
    assert decision.count() == 1
    assert "approved by ann: " + HOSTILE in " ".join(decision.inner_text().split())
    rows = [row.inner_text().split("\t")[1:3] for row in history.locator("tbody tr").all()]
    assert rows[-2:] == [["ann", "approved"], ["bob", "activate"]]
    assert "cheaper by 4 %" in history.inner_text()
