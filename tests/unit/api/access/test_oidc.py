"""People of an identity provider, against a real one on loopback: bearer tokens, the console's sign-in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey

from api.settings import Settings
from tests.access import bearer, problem_of
from tests.control_plane import served, sqlite_url
from tests.issuer import CLIENT_ID, CLIENT_SECRET, TestIssuer, issuing

GRANTS = [
    {"group": "capacity", "scopes": ["planner"], "fleets": ["default"]},
    {"group": "leads", "scopes": ["approver"], "fleets": ["*"]},
]
PERSON = {"email": "ada@example.com", "email_verified": True, "groups": ["capacity"]}


@pytest.fixture(scope="module")
def provider() -> Iterator[TestIssuer]:
    with issuing() as found:
        yield found


@pytest.fixture(scope="module")
def server(provider: TestIssuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with secured_by(provider, sqlite_url(tmp_path_factory.mktemp("oidc"))) as found:
        yield found


@pytest.fixture
def issuer(provider: TestIssuer) -> TestIssuer:
    provider.claims = dict(PERSON)
    return provider


@pytest.fixture
def client(server: httpx.Client, issuer: TestIssuer) -> httpx.Client:
    server.cookies.clear()
    return server


@contextmanager
def secured_by(issuer: TestIssuer, url: str) -> Iterator[httpx.Client]:
    with served(
        url,
        run_worker=False,
        strangers_per_s_max=0,
        oidc_issuer=issuer.url,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
        oidc_grants=GRANTS,
        oidc_clock_skew_s=5,
    ) as found:
        yield found


def me(client: httpx.Client, token: str) -> httpx.Response:
    return client.get("/v1/me", headers=bearer(token))


def test_a_person_is_granted_what_the_groups_are(client: httpx.Client, issuer: TestIssuer) -> None:
    assert me(client, issuer.token()).json() == {
        "name": "oidc:ada@example.com",
        "scopes": ["planner"],
        "fleets": ["default"],
    }
    both = me(client, issuer.token(groups=["capacity", "leads", "others"])).json()
    assert (both["scopes"], both["fleets"]) == (["approver", "planner"], ["default"])
    assert client.get("/v1/plans", headers=bearer(issuer.token())).status_code == 200
    refused = client.post("/v1/plans/1/approval", headers=bearer(issuer.token()))
    assert problem_of(refused) == "forbidden"


def test_nobody_is_anybody_without_a_granted_group(client: httpx.Client, issuer: TestIssuer) -> None:
    for groups in (None, [], ["others"], {"capacity": True}, 5, "capacit"):
        assert me(client, issuer.token(groups=groups)).status_code == 401


def test_a_mail_address_that_is_not_verified_names_nobody(client: httpx.Client, issuer: TestIssuer) -> None:
    assert me(client, issuer.token(email_verified=False)).json()["name"] == "oidc:42"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://elsewhere.example.com"},
        {"aud": "another client"},
        {"aud": None},
        {"exp": None},
        {"exp": int(time.time()) - 60},
        {"nbf": int(time.time()) + 3_600},
        {"sub": None},
        {"exp": "never"},
    ],
)
def test_issuer_audience_and_times_are_looked_at(
    client: httpx.Client, issuer: TestIssuer, claims: dict[str, Any]
) -> None:
    assert me(client, issuer.token(**claims)).status_code == 401


def test_the_clock_may_be_off_by_the_setting(client: httpx.Client, issuer: TestIssuer) -> None:
    assert me(client, issuer.token(exp=int(time.time()) - 2)).status_code == 200


def test_only_signatures_of_the_issuer_count(client: httpx.Client, issuer: TestIssuer) -> None:
    stranger = RSAKey.generate_key(2048, {"kid": "first"})
    assert me(client, issuer.token(key=stranger)).status_code == 401
    none = "eyJhbGciOiJub25lIn0." + issuer.token().split(".")[1] + "."
    assert me(client, none).status_code == 401
    assert me(client, signed_with_the_public_key(issuer)).status_code == 401
    head, _, signature = issuer.token().split(".")
    other = issuer.token(groups=["leads"]).split(".")[1]
    assert me(client, f"{head}.{other}.{signature}").status_code == 401


def signed_with_the_public_key(issuer: TestIssuer) -> str:
    """As though the signature were symmetric: everybody has that key."""
    head, body = (
        base64.urlsafe_b64encode(part).rstrip(b"=").decode()
        for part in (
            b'{"alg":"HS256","kid":"first"}',
            base64.urlsafe_b64decode(issuer.token().split(".")[1] + "=="),
        )
    )
    digest = hmac.new(issuer.key.as_pem(private=False), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def test_a_flood_of_unknown_keys_asks_the_issuer_nothing(client: httpx.Client, issuer: TestIssuer) -> None:
    assert me(client, issuer.token()).status_code == 200
    before = issuer.key_requests
    for _ in range(20):
        assert me(client, issuer.token(kid="unknown")).status_code == 401
    assert issuer.key_requests <= before + 1  # not again within ten seconds


def test_an_issuer_that_is_away_is_no_fault_of_the_person(tmp_path: Any) -> None:
    with issuing() as issuer:
        token = issuer.token(**PERSON)
        url = issuer.url
    with served(sqlite_url(tmp_path), run_worker=False, oidc_issuer=url, oidc_grants=GRANTS) as client:
        answer = me(client, token)
        assert (answer.status_code, problem_of(answer)) == (503, "issuer-away")
        page = client.get("/console/sign-in/oidc")
        assert page.status_code == 503


def browser_signs_in(client: httpx.Client) -> httpx.Response:
    """As a browser would: to the issuer, and back."""
    begun = client.get("/console/sign-in/oidc", params={"next": "/console?fleet=default"})
    assert begun.status_code == 303, begun.text
    said_yes = httpx.get(begun.headers["location"])
    return client.get(said_yes.headers["location"])


def test_the_console_signs_in_with_the_issuer_and_out(client: httpx.Client) -> None:
    asked = client.get("/console")
    assert asked.headers["location"] == "/console/sign-in?next=/console"
    assert "Sign in with your organisation" in client.get("/console/sign-in").text
    back = browser_signs_in(client)
    assert back.status_code == 200, back.text
    cookie = next(c for c in back.headers.get_list("set-cookie") if c.startswith("fermata_session="))
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert 'content="0; url=/console?fleet=default"' in back.text
    page = client.get("/console?fleet=default")
    assert page.status_code == 200
    assert "oidc:ada@example.com" in page.text
    own = {"origin": str(client.base_url).rstrip("/")}
    assert client.post("/console/sign-out", headers=own).status_code == 303
    assert client.get("/console?fleet=default").status_code == 303


def test_a_sign_in_is_finished_by_the_browser_that_began_it(client: httpx.Client, issuer: TestIssuer) -> None:
    begun = client.get("/console/sign-in/oidc")
    back = httpx.get(begun.headers["location"]).headers["location"]
    stranger = httpx.Client(base_url=client.base_url)
    assert stranger.get(back).status_code == 401
    changed = back.replace("state=", "state=x")
    assert client.get(changed).status_code == 401
    elsewhere = httpx.URL(back).copy_set_param("iss", "https://elsewhere.example.com")
    assert client.get(elsewhere).status_code == 401
    assert client.get(back).status_code == 200
    assert client.get(back).status_code == 401  # the code was used, the cookie is gone
    issuer.claims["nonce"] = "of another sign-in"
    assert browser_signs_in(client).status_code == 401


@pytest.mark.parametrize("alg", [["HS256"], ["none"], ["RS256", "HS256"], []])
def test_only_asymmetric_signatures_can_be_set(alg: list[str]) -> None:
    with pytest.raises(ValueError, match="must be one or more of"):
        Settings(oidc_algorithms=alg)  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["http://elsewhere.example.com", "ftp://x", "elsewhere"])
def test_an_issuer_is_asked_over_https(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        Settings(oidc_issuer=url)
