"""
Every route by every scope, for its own fleet and another, and without any good credential.

The table of the product says what a route takes; the expectations here are made from the plain words of
docs/reference/security.md, so that a line that is wrong in the table is wrong here too only if both are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest

from api.access.table import RULES, Reach
from planner.service import tokens
from planner.service.access import COMMAND_LINE, Scope
from planner.store.store import Store, utc_now
from tests.access import OTHER_FLEET, add_fleet, bearer, issue, problem_of, requested
from tests.control_plane import served, sqlite_url
from tests.tidy.tree import ROOT

PUBLIC = [key for key, rule in RULES.items() if rule.is_public]
GUARDED = [key for key, rule in RULES.items() if not rule.is_public]


@dataclass(frozen=True)
class Secured:
    client: httpx.Client
    by_scope: dict[Scope, str]
    elsewhere: dict[Scope, str]
    everywhere: dict[Scope, str]
    bad: dict[str, str]


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    url = sqlite_url(tmp_path_factory.mktemp("access"))
    with served(
        url, run_worker=False, strangers_per_s_max=0, reads_per_s_max=0, writes_per_s_max=0
    ) as client:
        store = Store(url)
        past = Store(url, clock=lambda: utc_now() - timedelta(days=9))
        add_fleet(store, OTHER_FLEET)
        own = {s: issue(store, f"{s}-own", s, fleets=["default"]).token for s in Scope}
        elsewhere = {s: issue(store, f"{s}-else", s, fleets=[OTHER_FLEET]).token for s in Scope}
        everywhere = {s: issue(store, f"{s}-all", s).token for s in Scope}
        revoked = issue(store, "revoked", *Scope)
        tokens.revoke(store, revoked.record.id, by=COMMAND_LINE)
        rotated = issue(store, "rotated", *Scope)
        tokens.rotate(store, rotated.record.id, grace_s=0, by=COMMAND_LINE)
        good = everywhere[Scope.ADMIN]
        bad = {
            "wrong secret": good[:-1] + ("0" if good[-1] != "0" else "1"),
            "unknown id": "fermata_aaaaaaaaaa_" + "0" * 64,
            "no form": "nonsense",
            "signed by nobody": "eyJhbGciOiJub25lIn0.e30.",
            "expired": issue(past, "expired", *Scope, days=1).token,
            "revoked": revoked.token,
            "rotated": rotated.token,
        }
        yield Secured(client, own, elsewhere, everywhere, bad)
        store.close()
        past.close()


@pytest.mark.parametrize("key", GUARDED)
def test_without_a_good_credential_nothing_is_answered(secured: Secured, key: str) -> None:
    answers = {"none": requested(secured.client, key)} | {
        why: requested(secured.client, key, headers=bearer(token)) for why, token in secured.bad.items()
    }
    answers["another scheme"] = requested(secured.client, key, headers={"Authorization": "Basic YTpi"})
    for why, answer in answers.items():
        if key.startswith("GET /console"):
            assert (answer.status_code, answer.headers["location"][:16]) == (303, "/console/sign-in"), why
            continue
        assert answer.status_code == 401, why
        assert answer.headers["www-authenticate"].startswith("Bearer"), why
        assert problem_of(answer) == "unauthenticated"


@pytest.mark.parametrize("key", GUARDED)
def test_a_scope_opens_its_routes_and_no_other(secured: Secured, key: str) -> None:
    allowed = RULES[key].scopes
    for scope in Scope:
        answer = requested(secured.client, key, headers=bearer(secured.everywhere[scope]))
        carries = {Scope.ADMIN: set(Scope), Scope.PLANNER: {Scope.READER}, Scope.APPROVER: {Scope.READER}}
        if ({scope} | carries.get(scope, set())) & allowed:
            assert answer.status_code not in (401, 403), (scope, answer.text)
            assert answer.status_code < 500, (scope, answer.text)
        else:
            assert (answer.status_code, problem_of(answer)) == (403, "forbidden"), (scope, answer.text)
            assert f"needs the scope {' or '.join(sorted(allowed))}" in answer.json()["detail"]


@pytest.mark.parametrize("key", GUARDED)
def test_a_grant_of_one_fleet_reaches_no_other(secured: Secured, key: str) -> None:
    rule = RULES[key]
    for scope in rule.scopes:
        own = requested(secured.client, key, headers=bearer(secured.by_scope[scope]))
        named = requested(secured.client, key, fleet="default", headers=bearer(secured.by_scope[scope]))
        other = requested(secured.client, key, fleet=OTHER_FLEET, headers=bearer(secured.by_scope[scope]))
        unnamed = requested(secured.client, key, headers=bearer(secured.elsewhere[scope]))
        assert problem_of(other) == "forbidden", (scope, other.text)
        assert other.status_code == 403
        if rule.reach is Reach.ALL:
            assert problem_of(own) == problem_of(named) == "forbidden"
            assert "every fleet" in own.json()["detail"]
        elif rule.fleet_in_path is None:
            assert own.status_code not in (401, 403), own.text
            assert named.status_code not in (401, 403), named.text
        if rule.reach is Reach.FLEET and rule.fleet_in_path is None:
            assert unnamed.status_code == 403
            assert "'default'" in unnamed.json()["detail"]


def test_two_fleets_in_one_query_are_both_looked_at(secured: Secured) -> None:
    headers = bearer(secured.by_scope[Scope.READER])
    for order in (("default", OTHER_FLEET), (OTHER_FLEET, "default")):
        answer = secured.client.get("/v1/plans", params=[("fleet", each) for each in order], headers=headers)
        assert problem_of(answer) == "forbidden"


@pytest.mark.parametrize("key", PUBLIC)
def test_public_routes_need_nobody(secured: Secured, key: str) -> None:
    path = key + "/console.css" if key == "GET /console/static" else key
    found = requested(secured.client, path)
    assert problem_of(found) not in ("unauthenticated", "forbidden", "cross-site", "route-not-found")


@pytest.mark.parametrize(
    "path",
    ["/v1/nothing", "/v1/plans/", "//v1/plans", "/V1/plans", "/v1/plans/1/", "/v1/../v1/plans", "/docs/x"],
)
def test_what_has_no_line_is_not_there(secured: Secured, path: str) -> None:
    """Nor can a path that the application might read otherwise than the gate slip by."""
    url = str(secured.client.base_url).rstrip("/")
    raw = httpx.Request("GET", url, extensions={}).url.copy_with(raw_path=path.encode())
    assert secured.client.send(httpx.Request("GET", raw)).status_code in (401, 404)


def test_a_body_is_not_read_for_a_stranger(secured: Secured) -> None:
    sent = []

    def chunks() -> Iterator[bytes]:
        for _ in range(200):
            sent.append(1)
            yield b" " * 65_536

    answer = secured.client.post("/v1/models", content=chunks(), headers={"content-type": "application/json"})
    assert answer.status_code == 401


def test_the_reference_tells_the_same_table(secured: Secured) -> None:
    text = (ROOT / "docs/reference/security.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `([A-Z]+ /[^`]*)` \| ([^|]+?) \|", text, re.MULTILINE))
    expected = {
        key: "public" if rule.is_public else _words(rule.scopes, rule.reach) for key, rule in RULES.items()
    }
    assert documented == expected


def _words(scopes: frozenset[Scope], reach: Reach) -> str:
    named = "any" if scopes == frozenset(Scope) else " or ".join(sorted(scopes))
    return named + (", every fleet" if reach is Reach.ALL else "")


def test_the_document_of_the_api_tells_scopes(secured: Secured) -> None:
    document = secured.client.get("/v1/openapi.json").json()
    start = document["paths"]["/v1/runs"]["post"]
    assert start["security"] == [{"token": []}, {}]
    assert start["x-scopes"] == ["planner"]
    assert {"401", "403", "429"} <= set(start["responses"])
    assert document["paths"]["/healthz"]["get"]["security"] == []
