"""Refusals about plans: their approval, their activation, and the fleet they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from planner.service.errors import Conflict

ID_SHOWN = 12


class PlanIdMismatch(Conflict):
    code = "plan-id-mismatch"
    title = "The plan is not the one that was looked at"

    def __init__(self, version: int, given: str, found: str) -> None:
        super().__init__(
            f"plan version {version} has the id {found[:ID_SHOWN]}..., the request names"
            f" {given[:ID_SHOWN]}...",
            hint=f"look at GET /v1/plans/{version} again, and send its plan_id",
        )


class PlanModified(Conflict):
    code = "plan-modified"
    title = "The stored plan is not the one that was certified"

    def __init__(self, version: int, kept: str, found: str) -> None:
        super().__init__(
            f"plan version {version} was stored as {kept[:ID_SHOWN]}..., its documents are now"
            f" {found[:ID_SHOWN]}...",
            hint="somebody changed the database; plan again, and see `fermata audit verify`",
        )


class PlanStale(Conflict):
    code = "plan-stale"
    title = "A newer plan has been active since"

    def __init__(self, version: int, newer: int) -> None:
        super().__init__(
            f"plan version {version} was made before plan version {newer}, which has been active since",
            hint="plan again from what runs now",
        )


class PlanExpired(Conflict):
    code = "plan-expired"
    title = "The plan is too old"

    def __init__(self, version: int) -> None:
        super().__init__(
            f"plan version {version} has expired: it is older than the fleet's plan_valid_hours, or its"
            " horizon has ended",
            hint="plan again, or raise plan_valid_hours for the next one",
        )


class PlanRejected(Conflict):
    code = "plan-rejected"
    title = "The plan was rejected"

    def __init__(self, version: int, actor: str, reason: str | None) -> None:
        said = f": {reason}" if reason else ""
        super().__init__(f"plan version {version} was rejected by {actor}{said}")


class PlanAlreadyApproved(Conflict):
    code = "plan-already-approved"
    title = "Somebody else has approved the plan"

    def __init__(self, version: int, actor: str, at: datetime) -> None:
        super().__init__(
            f"plan version {version} was approved by {actor} at {at:%Y-%m-%d %H:%M:%S} UTC",
            hint="one approval is enough: it can be activated",
        )


class PlanNotRejectable(Conflict):
    code = "plan-not-rejectable"
    title = "The plan has passed the point of rejection"

    def __init__(self, version: int, state: str) -> None:
        super().__init__(
            f"plan version {version} is {state}: only a draft, certified or approved plan can be rejected",
            hint="to leave the active plan, activate another one",
        )


class FourEyesRequired(Conflict):
    code = "four-eyes-required"
    title = "The plan needs the approval of another person"

    def __init__(self, version: int, author: str) -> None:
        super().__init__(
            f"plan version {version} was made for {author}, who may not approve it: the fleet asks for"
            " four eyes",
            hint="let somebody else approve it",
        )


class FleetAdvisory(Conflict):
    code = "fleet-advisory"
    title = "The fleet is in advisory mode"

    def __init__(self, fleet: str) -> None:
        super().__init__(
            f"fleet {fleet!r} is in advisory mode: its plans are compared with what runs, never activated",
            hint=f'PATCH /v1/fleets/{fleet} with {{"policy": {{"mode": "live"}}}}',
        )


class NoForecast(Conflict):
    code = "no-forecast"
    title = "The fleet has no forecast"

    def __init__(self, fleet: str, purpose: str) -> None:
        super().__init__(
            f"fleet {fleet!r} has no forecast {purpose}", hint=f"POST /v1/forecasts?fleet={fleet}"
        )


class FleetExists(Conflict):
    code = "fleet-exists"
    title = "There is such a fleet already"

    def __init__(self, fleet: str) -> None:
        super().__init__(f"there is a fleet {fleet!r} already", hint=f"PATCH /v1/fleets/{fleet} changes it")


class ReplayBusy(Conflict):
    code = "replay-busy"
    title = "Another replay is at work"

    def __init__(self) -> None:
        super().__init__("this server replays one day at a time", hint="ask again when it has answered")


class PlanQuestionBusy(Conflict):
    code = "plan-question-busy"
    title = "Another question about a plan is at work"

    def __init__(self) -> None:
        super().__init__(
            "this server answers one such question at a time", hint="ask again when it has answered"
        )


class PlanQuestionTooLong(Conflict):
    code = "plan-question-too-long"
    title = "The answer takes longer than is allowed"

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"there was no answer within {seconds:g} s",
            hint="ask `fermata plan explain` or `fermata plan rollout`, which may take their time",
        )


class PlanBreaksRules(Conflict):
    code = "plan-breaks-rules"
    title = "The plan breaks rules of its problem"

    def __init__(self, version: int, broken: Sequence[str]) -> None:
        super().__init__(
            f"plan version {version} cannot be explained, it breaks rules: {'; '.join(broken)}",
            hint=f"GET /v1/plans/{version}/problem has the rules; a plan that a run made breaks none",
        )


class RolloutImpossible(Conflict):
    code = "rollout-impossible"
    title = "No order of steps leads to the plan"

    def __init__(self, version: int, before: int | None, reasons: Sequence[str]) -> None:
        start = "nothing" if before is None else f"plan version {before}"
        super().__init__(
            f"from {start} to plan version {version}: {'; '.join(reasons)}",
            hint="loss_allowed lets demand be left out for a while, if that was refused",
        )
