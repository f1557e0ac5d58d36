"""
Business refusals, one class each under one base.

``code`` is the stable name that the doors show (docs/reference/errors.md), ``title`` what it
means in general, the message what it means here, ``hint`` what to do about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar


class Refusal(Exception):
    """A request that was understood and cannot be granted."""

    code: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)


class NotFound(Refusal):
    """What was asked for does not exist."""


class Conflict(Refusal):
    """What was asked for exists, and its state forbids the request."""


class Conditional(Refusal):
    """The request names a state that is not the present one, or none at all."""


class Forbidden(Refusal):
    """Whoever asks may not do this."""


class GpuTypeNotFound(NotFound):
    code = "gpu-type-not-found"
    title = "No such GPU type"

    def __init__(self, gpu_type: str) -> None:
        super().__init__(f"there is no GPU type {gpu_type!r}", hint="GET /v1/gpu-types lists them")


class FleetNotFound(NotFound):
    code = "fleet-not-found"
    title = "No such fleet"

    def __init__(self, fleet: str) -> None:
        super().__init__(f"there is no fleet {fleet!r}", hint="GET /v1/fleets lists them")


class PoolNotFound(NotFound):
    code = "pool-not-found"
    title = "No such pool"

    def __init__(self, gpu_type: str, zone: str) -> None:
        super().__init__(
            f"there is no pool of {gpu_type!r} in zone {zone!r}", hint="GET /v1/pools lists them"
        )


class ModelNotFound(NotFound):
    code = "model-not-found"
    title = "No such model"

    def __init__(self, model: str) -> None:
        super().__init__(f"there is no model {model!r}", hint="GET /v1/models lists them")


class ProfileNotFound(NotFound):
    code = "profile-not-found"
    title = "No such profile"

    def __init__(self, model: str, gpu_type: str) -> None:
        super().__init__(
            f"there is no profile of {model!r} on {gpu_type!r}", hint="GET /v1/profiles lists them"
        )


class ProposalNotFound(NotFound):
    code = "proposal-not-found"
    title = "No such profile proposal"

    def __init__(self, proposal_id: int) -> None:
        super().__init__(
            f"there is no profile proposal {proposal_id}", hint="GET /v1/profile-proposals lists them"
        )


class ForecastNotFound(NotFound):
    code = "forecast-not-found"
    title = "No such forecast"

    def __init__(self, forecast_id: int) -> None:
        super().__init__(f"there is no forecast {forecast_id}", hint="GET /v1/forecasts lists them")


class RunNotFound(NotFound):
    code = "run-not-found"
    title = "No such run"

    def __init__(self, run_id: str) -> None:
        super().__init__(f"there is no run {run_id!r}", hint="GET /v1/runs lists them")


class PlanNotFound(NotFound):
    code = "plan-not-found"
    title = "No such plan version"

    def __init__(self, version: int) -> None:
        super().__init__(f"there is no plan version {version}", hint="GET /v1/plans lists them")


class SubClusterNotFound(NotFound):
    code = "sub-cluster-not-found"
    title = "No such sub-cluster"

    def __init__(self, version: int, sub_cluster: str) -> None:
        super().__init__(
            f"plan version {version} has no sub-cluster {sub_cluster!r}",
            hint=f"GET /v1/plans/{version} lists them",
        )


class WaveNotFound(NotFound):
    code = "wave-not-found"
    title = "No such wave of a rollout"

    def __init__(self, activation_id: int, wave: int) -> None:
        super().__init__(
            f"activation {activation_id} has no wave {wave}",
            hint="GET /v1/activations/current/rollout says which one is open",
        )


class NodeNotFound(NotFound):
    code = "node-not-found"
    title = "No such node"

    def __init__(self, node: str) -> None:
        super().__init__(f"no heartbeat of a node {node!r} has come", hint="GET /v1/nodes lists them")


class ScheduleNotFound(NotFound):
    code = "schedule-not-found"
    title = "The fleet has no schedule"

    def __init__(self, fleet: str) -> None:
        super().__init__(f"fleet {fleet!r} has no schedule", hint="PUT /v1/schedule sets one")


class WebhookNotFound(NotFound):
    code = "webhook-not-found"
    title = "No such webhook"

    def __init__(self, webhook: str) -> None:
        super().__init__(f"there is no webhook {webhook!r}", hint="GET /v1/webhooks lists them")


class NoActivePlan(NotFound):
    code = "no-active-plan"
    title = "No plan is active"

    def __init__(self) -> None:
        super().__init__("no plan is active yet", hint="POST /v1/activations with an approved plan version")


class PlanNotCertified(Conflict):
    code = "plan-not-certified"
    title = "The plan has no passed certificate"

    def __init__(self, version: int) -> None:
        super().__init__(
            f"plan version {version} did not pass its certificate",
            hint=f"GET /v1/plans/{version}/certificate tells which sub-clusters failed",
        )


class PlanNotApproved(Conflict):
    code = "plan-not-approved"
    title = "The plan is not approved"

    def __init__(self, version: int) -> None:
        super().__init__(
            f"plan version {version} is certified and not yet approved",
            hint=f"POST /v1/plans/{version}/approval",
        )


class PlanNotApprovable(Conflict):
    code = "plan-not-approvable"
    title = "The plan has passed the point of approval"

    def __init__(self, version: int, state: str) -> None:
        super().__init__(f"plan version {version} is {state}: only a certified plan can be approved")


class PlanAlreadyActive(Conflict):
    code = "plan-already-active"
    title = "The plan is active already"

    def __init__(self, version: int) -> None:
        super().__init__(f"plan version {version} is the active one")


class ProposalDecided(Conflict):
    code = "proposal-decided"
    title = "The proposal is not open any more"

    def __init__(self, proposal_id: int, state: str) -> None:
        super().__init__(f"profile proposal {proposal_id} is {state}: only an open one can be decided")


class ProposalStale(Conflict):
    code = "proposal-stale"
    title = "The profile has changed meanwhile"

    def __init__(self, proposal_id: int, proposed_for: int, registered: int | None) -> None:
        now = "is gone" if registered is None else f"is at version {registered}"
        super().__init__(
            f"profile proposal {proposal_id} corrects version {proposed_for} of a profile that {now}"
        )


class RunFinished(Conflict):
    code = "run-finished"
    title = "The run has ended"

    def __init__(self, run_id: str, state: str) -> None:
        super().__init__(f"run {run_id} has {state}: there is nothing left to cancel")


class StillUsed(Conflict):
    code = "still-used"
    title = "Something else needs it"

    def __init__(self, subject: str, users: Sequence[str]) -> None:
        super().__init__(f"{subject} is used by {', '.join(users)}", hint="take it out of those first")


class PreconditionFailed(Conditional):
    code = "precondition-failed"
    title = "The state is another than the request names"

    def __init__(self, subject: str, what: str, *, current: str | None, named: str) -> None:
        """``current`` is the tag of the present state, if there is one; ``named`` what the request says."""
        now = "it has no ETag now" if current is None else f'its ETag is "{current}"'
        super().__init__(
            f"{subject} {what}: {now}, {named}; nothing was stored",
            hint="read it again and send its new ETag in If-Match",
        )


class PreconditionRequired(Conditional):
    code = "precondition-required"
    title = "The request must say which state it changes"

    def __init__(self, subjects: Sequence[str]) -> None:
        super().__init__(
            f"{', '.join(subjects)}: must not be replaced unseen on this server; nothing was stored",
            hint="PUT or DELETE each one with its ETag in If-Match",
        )


class NoSlotDue(Conflict):
    code = "no-slot-due"
    title = "No slot is due yet"

    def __init__(self, fleet: str, next_slot: datetime) -> None:
        super().__init__(
            f"no slot of fleet {fleet!r} has been due since its schedule was set",
            hint=f"the first is at {next_slot.isoformat()}",
        )


class TokenNotFound(NotFound):
    code = "token-not-found"
    title = "No such token"

    def __init__(self, token_id: str) -> None:
        super().__init__(f"there is no token {token_id!r}", hint="GET /v1/tokens lists them")


class TokenNameTaken(Conflict):
    code = "token-name-taken"
    title = "Another token has this name"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"a token named {name!r} exists",
            hint="rotate it, or revoke it first",
        )


class TokenRevoked(Conflict):
    code = "token-revoked"
    title = "The token was revoked"

    def __init__(self, token_id: str) -> None:
        super().__init__(f"token {token_id!r} was revoked", hint="create another")


class GrantTooWide(Forbidden):
    code = "grant-too-wide"
    title = "Nobody can grant more than was granted"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name}: a new token may have no scope and no fleet that yours has not",
            hint="GET /v1/me tells what yours has",
        )


def refusals() -> list[type[Refusal]]:
    """Every refusal there is, for the documentation and its test."""
    from planner.service import plan_errors  # noqa: F401  (defines some of them)

    return [leaf for kind in (NotFound, Conflict, Conditional, Forbidden) for leaf in kind.__subclasses__()]
