"""What repositories take and give: frozen values, free of the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from planner.demand.forecast import ForecastSource
from planner.store.run_records import DEFAULT_FLEET as DEFAULT_FLEET
from planner.store.run_records import Lease as Lease
from planner.store.run_records import RunCheckpoint as RunCheckpoint
from planner.store.run_records import RunEvent as RunEvent
from planner.store.run_records import RunRecord as RunRecord
from planner.store.run_records import RunState as RunState


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """
    A model's promise and how it is served.

    ``serving`` holds ``inputs``, ``outputs`` and ``backend`` in the form of the dispatcher's
    ``ServedModel``; what is missing takes that form's defaults.
    """

    id: str
    slo_ms: float
    priority: int = 1
    serving: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RegisteredProfile:
    """
    What one model costs on one GPU type.

    ``curve`` is ``{"alpha_ms": .., "beta_ms": ..}`` or ``{"latency_ms": [[batch size, ms], ..]}``;
    ``source`` says where the numbers come from.
    """

    model: str
    gpu_type: str
    curve: dict[str, Any]
    weights_gib: float
    workspace_gib_per_item: float
    batch_size_max: int
    source: str | None = None
    version: int = field(default=0, compare=False)
    """Which of its versions is registered; the store's to say."""


class ProposalState(StrEnum):
    """proposed -> accepted or rejected; superseded by a newer proposal, or because the profile changed."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class ProfileVersion:
    """
    A profile as it was registered once.

    Parameters
    ----------
    measured_since
        Measurements from before say nothing of it.
    proposal_id
        The accepted proposal that it comes from; None where somebody submitted it.
    """

    model: str
    gpu_type: str
    version: int
    curve: dict[str, Any]
    weights_gib: float
    workspace_gib_per_item: float
    batch_size_max: int
    source: str | None
    created_at: datetime
    measured_since: datetime
    proposal_id: int | None


@dataclass(frozen=True, slots=True)
class NewProposal:
    """
    A corrected curve for ``profile_version``; ``evidence`` is ``planner.demand.profile_drift.Drift`` as JSON.
    """

    model: str
    gpu_type: str
    profile_version: int
    curve: dict[str, Any]
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ProfileProposal:
    """A proposal, and what became of it; ``note`` is the reason that was given."""

    id: int
    fleet: str
    model: str
    gpu_type: str
    profile_version: int
    state: ProposalState
    curve: dict[str, Any]
    evidence: dict[str, Any]
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Fleet:
    """GPUs planned together; ``environment`` is a word of its owner's, as ``production``."""

    id: str
    environment: str
    policy: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class HeardNode:
    """A GPU node, when its last heartbeat came, and what it said."""

    id: str
    heard_at: datetime
    status: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reporter:
    """
    The dispatcher of one sub-cluster of one plan version, and how its reports stood.

    Parameters
    ----------
    new, known
        Reports that were taken, and repetitions of such.
    differing
        Repetitions that said something else: the first was kept.
    overlapping
        Reports not taken because their interval lay across others of the same reporter.
    """

    sub_cluster: str
    plan_version: int
    heard_at: datetime
    new: int
    known: int
    differing: int
    overlapping: int


@dataclass(frozen=True, slots=True)
class Upserted:
    """Ids of what a submission created and what it replaced."""

    created: tuple[str, ...]
    updated: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForecastSummary:
    """
    A stored forecast without its rows; it speaks of [starts_at, ends_at).

    ``corrected_by`` is the newest of those that stand in its place: all that ever changes of it.
    """

    id: int
    name: str
    created_at: datetime
    epoch_count: int
    model_count: int
    author: str
    note: str | None
    source: ForecastSource
    corrects: int | None
    starts_at: datetime
    ends_at: datetime
    corrected_by: int | None = None


class PlanState(StrEnum):
    """
    draft -> certified -> approved -> active -> superseded; a superseded plan may become active again.

    Before it is active a plan may be ``rejected`` by a person or ``expired`` by its age: both are final.
    ``imported`` is what somebody says is running; it is compared with, never activated.
    """

    DRAFT = "draft"
    CERTIFIED = "certified"
    APPROVED = "approved"
    ACTIVE = "active"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"
    EXPIRED = "expired"
    IMPORTED = "imported"


class PlanOrigin(StrEnum):
    """Where a plan comes from: solved by a run, an earlier plan certified again, or handed in."""

    RUN = "run"
    RECERTIFIED = "recertified"
    IMPORTED = "imported"


@dataclass(frozen=True, slots=True)
class NewPlan:
    """
    A plan as a run hands it in; the store gives it its version and its content-derived id.

    ``recertifies`` is the version that it repeats; an imported one has no ``run_id`` and no ``certificate``.
    """

    run_id: str | None
    forecast_id: int
    problem_digest: str
    document: dict[str, Any]
    sub_cluster_count: int
    gpu_count: int
    options: dict[str, Any]
    certificate: dict[str, Any] | None
    certificate_passed: bool
    certificate_bad_rate: float | None
    origin: PlanOrigin = PlanOrigin.RUN
    recertifies: int | None = None


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """
    A plan version without its documents; the numbers mean what ``planner.plan.plan.Plan`` says.

    ``plan_id`` is the digest of its content (``planner.plan.identity``), ``horizon_end`` the instant at
    which its last epoch ends; None where its epochs are no instants.
    """

    version: int
    plan_id: str
    state: PlanState
    origin: PlanOrigin
    recertifies: int | None
    run_id: str | None
    forecast_id: int
    problem_digest: str
    status: str
    objective: float
    bound: float
    gap: float
    fluid_bound: float
    physical_gap: float
    cost_usd_per_hour: float
    sub_cluster_count: int
    gpu_count: int
    solver: str
    options: dict[str, Any]
    seed: int
    created_at: datetime
    horizon_end: datetime | None
    certificate_passed: bool | None
    certificate_bad_rate: float | None


@dataclass(frozen=True, slots=True)
class PlanDocuments:
    """A plan version with everything it rests on, as stored JSON."""

    summary: PlanSummary
    plan: dict[str, Any]
    problem: dict[str, Any]
    certificate: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Activation:
    """
    A plan's time as the active one; ``deactivated_at`` None means now.

    ``kind``: activate, or roll_back to a plan that was active before (or its like, certified again).
    """

    id: int
    fleet: str
    plan_version: int
    kind: str
    actor: str
    activated_at: datetime
    deactivated_at: datetime | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RolloutRecord:
    """
    How far the waves of an activation are; ``RolloutRepository.document`` says what they are.

    ``step`` 2 k: wave k is done; 2 k - 1: wave k is open. It got there at ``moved_at``.
    """

    activation_id: int
    waves: int
    step: int
    moved_at: datetime

    @property
    def is_done(self) -> bool:
        return self.step == 2 * self.waves

    @property
    def wave(self) -> int:
        """The last wave that was opened; 0 before the first."""
        return (self.step + 1) // 2

    @property
    def done(self) -> int:
        """How many waves are done."""
        return self.step // 2


@dataclass(frozen=True, slots=True)
class PlanDecision:
    """What a person (or a fleet's policy) decided of a plan: ``decision`` is approved or rejected."""

    plan_version: int
    plan_id: str
    decision: str
    actor: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Advice:
    """
    A plan beside what ran when it was made.

    ``compared_with`` is the version that ran, None where none was known; ``churn_gib`` is what would be
    loaded to go from one to the other, ``unserved_models`` counts those of whose demand some is left out.
    """

    plan_version: int
    at: datetime
    compared_with: int | None
    gpus: int
    gpus_running: int | None
    cost_usd_per_hour: float
    cost_usd_per_hour_running: float | None
    churn_gib: float
    bad_rate: float | None
    unserved_models: int


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """
    Who changed what, when, from where and why.

    ``number`` counts the fleet's entries without gaps; ``digest`` covers the entry and ``digest_before``
    (``planner.store.audit_chain``).
    """

    id: int
    fleet: str
    number: int
    at: datetime
    actor: str
    action: str
    subject: str
    reason: str | None
    client_address: str | None
    request_id: str | None
    details: dict[str, Any]
    digest_before: str
    digest: str
