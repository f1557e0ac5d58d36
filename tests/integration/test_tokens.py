"""Tokens on both databases: digests only, grace, revocation and expiry at once, the first one once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from planner.service import tokens
from planner.service.access import COMMAND_LINE, Grant, Principal, Scope
from planner.service.errors import (
    FleetNotFound,
    GrantTooWide,
    TokenNameTaken,
    TokenNotFound,
    TokenRevoked,
)
from planner.service.tokens import NotRecognised
from planner.store.store import Store
from tests.access import OTHER_FLEET, add_fleet, issue

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Clock:
    now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(migrated_url: str, clock: Clock) -> Store:
    return Store(migrated_url, clock=clock)


def who(store: Store, token: str) -> Principal:
    return tokens.recognised(store, token)[0]


def test_a_token_is_recognised_with_its_grant(timed: Store) -> None:
    issued = issue(timed, "ci", Scope.PLANNER, fleets=["default"])
    assert who(timed, issued.token) == Principal(
        "ci", f"token:{issued.record.id}", Grant(frozenset({Scope.PLANNER}), frozenset({"default"}))
    )
    assert issued.token not in repr(issued.record)
    assert len(bytes.fromhex(issued.token.rsplit("_", 1)[1])) == 32


def test_expiry_and_revocation_count_from_the_next_request(timed: Store, clock: Clock) -> None:
    issued = issue(timed, "ci", Scope.READER, days=1)
    clock.now += timedelta(days=1) - timedelta(seconds=1)
    who(timed, issued.token)
    clock.now += timedelta(seconds=1)
    with pytest.raises(NotRecognised, match="expired"):
        who(timed, issued.token)
    second = issue(timed, "second", Scope.READER)
    tokens.revoke(timed, second.record.id, by=COMMAND_LINE)
    tokens.revoke(timed, second.record.id, by=COMMAND_LINE)
    with pytest.raises(NotRecognised, match="revoked"):
        who(timed, second.token)
    with pytest.raises(TokenRevoked):
        tokens.rotate(timed, second.record.id, grace_s=5, by=COMMAND_LINE)
    issue(timed, "second", Scope.READER)  # the name is free again


def test_rotation_leaves_the_old_secret_its_grace(timed: Store, clock: Clock) -> None:
    old = issue(timed, "ci", Scope.READER)
    new = tokens.rotate(timed, old.record.id, grace_s=60, by=COMMAND_LINE)
    assert new.token != old.token
    assert who(timed, old.token) == who(timed, new.token)
    clock.now += timedelta(seconds=60)
    who(timed, new.token)
    with pytest.raises(NotRecognised, match="grace"):
        who(timed, old.token)
    newest = tokens.rotate(timed, old.record.id, grace_s=60, by=COMMAND_LINE)
    with pytest.raises(NotRecognised, match="not known"):
        who(timed, old.token)
    assert who(timed, new.token) == who(timed, newest.token)
    tokens.revoke(timed, old.record.id, by=COMMAND_LINE)
    for each in (new, newest):
        with pytest.raises(NotRecognised):
            who(timed, each.token)


def test_nobody_grants_more_than_was_granted(timed: Store) -> None:
    add_fleet(timed, OTHER_FLEET)
    admin = who(timed, issue(timed, "boss", Scope.ADMIN, fleets=["default"]).token)
    wide = issue(timed, "wide", Scope.READER)
    away = issue(timed, "away", Scope.READER, fleets=[OTHER_FLEET])
    own = issue(timed, "own", Scope.READER, fleets=["default"])
    seen = {record.name for record in tokens.tokens(timed, by=admin)}
    assert seen == {"boss", "own"}
    for token in (wide, away):
        with pytest.raises(TokenNotFound):
            tokens.revoke(timed, token.record.id, by=admin)
        with pytest.raises(TokenNotFound):
            tokens.rotate(timed, token.record.id, grace_s=0, by=admin)
    for fleets in (None, [OTHER_FLEET], ["default", OTHER_FLEET]):
        with pytest.raises(GrantTooWide):
            issue(timed, "more", Scope.READER, fleets=fleets, by=admin)
    issue(timed, "less", Scope.PLANNER, fleets=["default"], by=admin)
    tokens.revoke(timed, own.record.id, by=admin)


def test_names_and_fleets_are_checked(timed: Store) -> None:
    issue(timed, "ci", Scope.READER)
    with pytest.raises(TokenNameTaken):
        issue(timed, "ci", Scope.READER)
    with pytest.raises(FleetNotFound):
        issue(timed, "nowhere", Scope.READER, fleets=["nowhere"])


def test_the_first_token_is_made_once(timed: Store) -> None:
    assert tokens.any_token(timed) is False
    first = tokens.create_first(timed, name="first-admin", by=COMMAND_LINE)
    assert first is not None
    assert who(timed, first.token).grant == Grant(frozenset({Scope.ADMIN}), None)
    assert tokens.create_first(timed, name="first-admin", by=COMMAND_LINE) is None
    tokens.revoke(timed, first.record.id, by=COMMAND_LINE)
    assert tokens.create_first(timed, name="first-admin", by=COMMAND_LINE) is None
    assert tokens.any_token(timed) is True


def test_last_use_is_noted_coarsely(timed: Store, clock: Clock) -> None:
    issued = issue(timed, "ci", Scope.READER)
    assert tokens.recognised(timed, issued.token)[1] is True
    tokens.note_use(timed, issued.record.id)
    clock.now += timedelta(minutes=9)
    assert tokens.recognised(timed, issued.token)[1] is False
    clock.now += timedelta(minutes=1)
    assert tokens.recognised(timed, issued.token)[1] is True
    assert tokens.tokens(timed, by=COMMAND_LINE)[0].last_used_at == NOON


def test_a_session_ends_with_its_token_and_its_time(timed: Store, clock: Clock) -> None:
    issued = issue(timed, "ada", Scope.READER)
    principal = who(timed, issued.token)
    opened = tokens.open_session(timed, principal, token_id=issued.record.id, hours=1)
    assert tokens.session_principal(timed, opened) == principal
    person = Principal("oidc:ada", "person:42", Grant(frozenset({Scope.APPROVER}), frozenset({"default"})))
    theirs = tokens.open_session(timed, person, token_id=None, hours=2)
    assert tokens.session_principal(timed, theirs).grant == person.grant
    tokens.revoke(timed, issued.record.id, by=COMMAND_LINE)
    with pytest.raises(NotRecognised):
        tokens.session_principal(timed, opened)
    clock.now += timedelta(hours=2)
    with pytest.raises(NotRecognised):
        tokens.session_principal(timed, theirs)


def test_what_is_done_to_tokens_is_in_the_audit_log(timed: Store) -> None:
    issued = issue(timed, "ci", Scope.READER)
    tokens.rotate(timed, issued.record.id, grace_s=0, by=COMMAND_LINE)
    tokens.revoke(timed, issued.record.id, by=COMMAND_LINE)
    with timed.reading() as work:
        found = [(entry.actor, entry.action, entry.subject) for entry in work.audit.newest(limit=9)]
    assert found == [("command-line", f"token.{action}", "ci") for action in ("revoke", "rotate", "create")]
