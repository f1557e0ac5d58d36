"""Runs as repositories take and give them: what one is, what it says, how it is leased and gone on with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

DEFAULT_FLEET = "default"


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """
    One durable execution of the planner.

    ``demand`` keeps the submitted forecast beside the corrected one, None when observed load
    was not used. ``progress`` has ``stage``, ``incumbent``, ``bound``, ``gap``, ``elapsed_s``.
    ``error`` has ``code``, ``message`` and, for bad input, ``faults``.
    """

    id: str
    state: RunState
    forecast_id: int
    problem_digest: str
    options: dict[str, Any]
    demand: dict[str, Any] | None
    actor: str
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    attempts: int = 0
    cancel_requested: bool = False
    lease_owner: str | None = None
    lease_number: int = 0
    lease_expires_at: datetime | None = None
    progress: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    plan_version: int | None = None
    fleet: str = DEFAULT_FLEET

    @property
    def lease(self) -> Lease:
        """Under which the run is worked on; raises ``ValueError`` where it is not."""
        if self.lease_owner is None:
            raise ValueError(f"run {self.id} is {self.state} and not leased.")
        return Lease(self.id, self.lease_owner, self.lease_number)


@dataclass(frozen=True, slots=True)
class Lease:
    """
    One claim of a run by one worker.

    ``number`` ascends with every claim of the run and is part of every write: a fencing token. What a worker
    writes after its run was claimed again, by whomever, cancelled or ended is refused.
    """

    run_id: str
    owner: str
    number: int


@dataclass(frozen=True, slots=True)
class RunEvent:
    """Something a run said: ``kind`` is ``state`` or ``progress``; sequences ascend from 1."""

    run_id: str
    sequence: int
    at: datetime
    kind: str
    data: dict[str, Any]

    @property
    def is_last(self) -> bool:
        return self.kind == "state" and RunState(self.data["state"]).is_final


@dataclass(frozen=True, slots=True)
class RunCheckpoint:
    """
    From where a run is gone on with: its best verified plan, and how far it had come.

    Parameters
    ----------
    stage
        ``solving``: the plan is to be improved on; ``certifying``: solved, not certified yet; ``storing``:
        certified, with ``certificate`` as a new plan version has it.
    solved_s
        Seconds of the solver's time limit that are spent.
    bound
        As the solver told it, in dollars per hour; the plan's own bound is the one that is proven.
    """

    run_id: str
    stage: str
    solved_s: float
    bound: float | None
    plan: dict[str, Any]
    certificate: dict[str, Any] | None = None
