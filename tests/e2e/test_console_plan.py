"""The console's page of one plan: what proved its bound, its pipelines, and where more is said of it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import httpx
import pytest

from planner.store.store import Store
from tests.control_plane import served, sqlite_url
from tests.planning import batching, document
from tests.stored_plans import stored_plan

PIPELINE = {
    "id": "detect then name",
    "slo_ms": 100.0,
    "demand_rps": [200.0],
    "stages": [{"model": "find"}, {"model": "tell", "after": ["find"], "calls_per_request": 1.5}],
}
MODELS = [
    {"id": "find", "profiles": {"a": batching(0.5, 2.0)}},
    {"id": "tell", "profiles": {"a": batching(2.0, 10.0)}},
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Plan 1 of the default fleet and plan 2 of another have a pipeline."""
    url = sqlite_url(tmp_path_factory.mktemp("console-plan"))
    with served(url, run_worker=False, scheduler=False) as client:
        assert client.post("/v1/fleets", json={"id": "other"}).status_code == 201
        whole = document([], pools={"a": 8}, epochs=1) | {"models": MODELS, "pipelines": [PIPELINE]}
        store = Store(url)
        assert [stored_plan(each, whole) for each in (store, store.of_fleet("other"))] == [1, 2]
        store.close()
        yield client


def test_a_plan_shows_what_proved_its_bound_and_how_pipelines_are_divided(client: httpx.Client) -> None:
    page = client.get("/console?plan=1").text
    plan = client.get("/v1/plans/1").json()["plan"]
    assert f"to the proven bound ({plan['bound_method']})" in page
    section = page[page.index('id="pipelines"') : page.index('id="load"')]
    words = " ".join(re.sub("<[^>]*>", " ", section).split())
    assert "detect then name 100 ms in all" in words
    parts = re.findall(r"(find|tell) (the request|find) ([0-9.]+) ([0-9.]+) ms", words)
    assert [part[:3] for part in parts] == [("find", "the request", "1"), ("tell", "find", "1.5")]
    assert sum(float(part[3]) for part in parts) == pytest.approx(100.0, abs=0.2)


@pytest.mark.parametrize(("plan", "fleet"), [(1, ""), (2, "&fleet=other")])
def test_what_more_is_said_of_a_plan_is_a_click_away(client: httpx.Client, plan: int, fleet: str) -> None:
    page = client.get(f"/console?plan={plan}{fleet}").text
    asks = page[page.index("quiet asks") :].split("</p>")[0]
    links = [html.unescape(link) for link in re.findall('href="([^"]+)"', asks)]
    assert [link.split("/")[4].split("?")[0] for link in links] == [
        "explanation",
        "difference",
        "rollout",
        "certificate",
    ]
    for link in links[1:]:
        assert client.get(link).status_code == 200, link
