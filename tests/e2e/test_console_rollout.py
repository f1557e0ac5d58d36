"""The way to the active plan in a real browser: waves as nodes confirm them, whom they wait for, the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page

from planner.plan.plan import Plan
from planner.service.access import Scope
from planner.service.rollouts import ordering
from planner.store import migrate
from planner.store.store import Store
from tests.access import bearer, issue
from tests.conducted import Clock, Fleet
from tests.control_plane import served, sqlite_url
from tests.e2e.test_console import SCREENS, browser  # noqa: F401  (a fixture)
from tests.integration.test_rollouts import FIRST, SECOND, TOO_MUCH, WAVES
from tests.planning import document, model, one_at_a_time
from tests.rollouts import by_hand, sub_cluster

LOSING = document(
    [model(name, [10.0], {"a": one_at_a_time(10.0, weights_gib=9.0)}) for name in ("x", "y")], pools={"a": 2}
)


@contextmanager
def on_the_way(
    folder: Path, *plans: Plan, monkeypatch: pytest.MonkeyPatch, **of_fleet: Any
) -> Iterator[Fleet]:
    """A fleet that holds all of these plans but the last, which it is on the way to."""
    url = sqlite_url(folder)
    migrate.upgrade(url)
    store = Store(url)
    monkeypatch.setattr(ordering, "apart", lambda function, *given, **_: function(*given))
    fleet = Fleet(store, Clock(), **of_fleet)
    for plan in plans:
        fleet.go(plan)
        fleet.turn()
        if plan is not plans[-1]:
            fleet.all_say()
    yield fleet
    store.close()


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    with on_the_way(tmp_path, FIRST, SECOND, monkeypatch=monkeypatch) as found:
        yield found


@pytest.fixture
def address(fleet: Fleet) -> Iterator[str]:
    with served(fleet.store.database_url, run_worker=False, scheduler=False) as client:
        yield str(client.base_url)


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:  # noqa: F811
    """Opens a page, on which everything is noted that it complains of or asks for."""
    pages: list[Page] = []

    def open_page(address: str, width: int = 1280, scheme: str = "light") -> Page:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
        page.set_default_timeout(30_000)
        page.complaints, page.asked = [], []  # type: ignore[attr-defined]
        page.on("console", lambda message: page.complaints.append(message.text))  # type: ignore[attr-defined]
        page.on("pageerror", lambda error: page.complaints.append(str(error)))  # type: ignore[attr-defined]
        page.on("request", lambda asked: page.asked.append(asked.url))  # type: ignore[attr-defined]
        page.goto(address)
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.close()


def rows(page: Page, wave: int) -> dict[str, list[str]]:
    """Of one wave: each sub-cluster's GPUs, what it loads and lets go, and where it is open how it is."""
    found = {}
    for row in page.locator(f"[data-wave='{wave}'] tbody tr").all():
        name, *others = [" ".join(text.split()) for text in row.locator("td").all_text_contents()]
        found[name] = others
    return found


def is_told(page: Page, words: str) -> None:
    page.wait_for_function("words => document.getElementById('rollout').innerText.includes(words)", arg=words)


def test_waves_go_by_as_nodes_confirm_them_and_nothing_else_moves(
    fleet: Fleet, address: str, opened: Callable[..., Page]
) -> None:
    page = opened(f"{address}/console")
    page.evaluate("() => { window.neverReloaded = true; }")
    is_told(page, f"wave 1 of {WAVES}")
    is_told(page, "waits for 2 sub-clusters")
    assert rows(page, 1) == {
        "three": ["1", "x", "–", "GPU 0 loads x"],
        "two": ["1", "light", "–", "GPU 0 loads light"],
    }
    assert page.inner_text(".headline-title [data-rollout-brief]") == f"wave 1 of {WAVES}"
    assert page.inner_text("#plans [data-rollout-brief]") == f"wave 1 of {WAVES}"
    page.click(f"[data-wave='{WAVES}'] summary")  # what one has opened stays so
    page.evaluate("n => { document.querySelector(`[data-wave='${n}']`).dataset.mine = 'yes'; }", WAVES)
    fleet.says("two", "light", "y")
    is_told(page, "waits for 1 sub-cluster,")
    assert rows(page, 1)["two"][-1] == "done"
    assert page.get_attribute(f"[data-wave='{WAVES}']", "data-mine") == "yes"
    assert page.get_attribute(f"[data-wave='{WAVES}']", "open") is not None
    for wave in range(1, WAVES + 1):
        is_told(page, f"Wave {wave} is open since")
        fleet.all_say()
    is_told(page, "Held by the fleet since")
    assert page.inner_text(".headline-title [data-rollout-brief]") == "held by the fleet"
    assert page.evaluate("() => window.neverReloaded")
    asked = len(page.asked)  # type: ignore[attr-defined]
    page.wait_for_timeout(2_500)
    assert len(page.asked) == asked  # type: ignore[attr-defined]
    assert page.complaints == []  # type: ignore[attr-defined]
    page.goto(f"{address}/console?plan=1")
    assert "active is plan 2, held by the fleet" in " ".join(page.inner_text(".headline-title").split())
    assert page.locator("#rollout").count() == 0


def test_another_plan_that_becomes_active_is_shown(
    fleet: Fleet, address: str, opened: Callable[..., Page]
) -> None:
    page = opened(f"{address}/console")
    assert page.inner_text("#plan-title") == "Plan 2"
    fleet.go(FIRST)
    page.wait_for_function("() => document.getElementById('plan-title').textContent === 'Plan 3'")
    assert page.complaints == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_what_a_wave_leaves_out_is_told_and_small_screens_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: Callable[..., Page], width: int, scheme: str
) -> None:
    first = by_hand(sub_cluster("one", 1, x=1.0), sub_cluster("two", 1, y=1.0))
    second = by_hand(sub_cluster("one", 1, y=1.0), sub_cluster("two", 1, x=1.0))
    tight = {"problem": LOSING, "names": ("one", "two")}
    with (
        on_the_way(tmp_path, first, second, monkeypatch=monkeypatch, **tight) as fleet,
        served(fleet.store.database_url, run_worker=False, scheduler=False) as client,
    ):
        page = opened(f"{client.base_url}/console", width, scheme)
        text = " ".join(page.inner_text("[data-wave='1']").split())
        assert "10 req/s left out" in text
        assert "nothing carries 10 req/s of" in text
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.complaints == []  # type: ignore[attr-defined]


def test_a_plan_that_is_taken_up_at_once_says_why_and_readers_may_see_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        on_the_way(tmp_path, FIRST, TOO_MUCH, monkeypatch=monkeypatch) as fleet,
        served(fleet.store.database_url, run_worker=False, scheduler=False, auth="tokens") as client,
    ):
        reader = bearer(issue(fleet.store, "reader", Scope.READER).token)
        page = client.get("/console", headers=reader).text
        assert "one needs 18.000 GiB" in page[page.index('id="rollout"') : page.index('id="sub-clusters"')]
        assert "data-rollout=" not in page
        alone = client.get("/console/rollout", headers=reader).text
        assert "one needs 18.000 GiB" in alone
        other = bearer(issue(fleet.store, "dispatcher", Scope.DISPATCHER).token)
        assert client.get("/console/rollout", headers=other).status_code == 403


def test_of_a_first_plan_and_of_none_there_is_little_to_tell(fleet: Fleet, address: str) -> None:
    assert httpx.get(f"{address}/console/rollout?fleet=default").status_code == 200
    first = Fleet(fleet.store.of_fleet("other"), Clock())
    httpx.post(f"{address}/v1/fleets", json={"id": "other"})
    assert httpx.get(f"{address}/console/rollout?fleet=other").text == ""
    first.go(FIRST)
    assert "being ordered" in httpx.get(f"{address}/console/rollout?fleet=other").text
    first.turn()
    assert "Nothing had to move" in httpx.get(f"{address}/console/rollout?fleet=other").text
