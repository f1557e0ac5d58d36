"""How a fleet gets to the active plan: waves, and where traffic goes meanwhile."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field

from api.rest.schemas.common import Out

PROGRESS_EXAMPLE: dict[str, Any] = {
    "activation_id": 4,
    "plan_version": 3,
    "state": "waves",
    "wave": 2,
    "waves": 3,
    "waves_done": 1,
    "moved_at": "2026-10-01T12:00:00Z",
    "waits_for": ["A100-40GB/zone-a/1"],
    "lost_rps": {},
    "reasons": [],
    "spares": ["spare-gpu-7"],
    "spares_left_out": [],
}


class RolloutProgressOut(Out):
    """
    How far the fleet is on its way to the active plan.

    `ordering`: its waves are being computed, nodes keep what they hold. `waves`: they hold what the open wave
    says. `done`: they hold what the plan says. `at_once`: nothing moves, or there are no waves for
    the `reasons`; nodes take the plan up and each lets go of what leaves once it is served elsewhere.
    """

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [PROGRESS_EXAMPLE]})

    activation_id: int
    plan_version: int
    state: str = Field(description="ordering, waves, done or at_once.")
    wave: int = Field(description="The wave that is open, or was the last.")
    waves: int
    waves_done: int
    moved_at: datetime | None = Field(description="When the last wave was opened or done.")
    waits_for: list[str] = Field(description="Sub-clusters that have not done their part of the open wave.")
    lost_rps: dict[str, float] = Field(
        description="Requests per second by model that no sub-cluster carries while the wave is open."
    )
    reasons: list[str]
    spares: list[str] = Field(
        description="Sub-clusters on GPUs that nodes keep for rollouts, which the waves go through."
    )
    spares_left_out: list[str] = Field(
        description="Of kept GPUs that nodes announce and that are not used: why they cannot be."
    )


class RoutesOut(Out):
    """
    Where requests are to go now: each model's sub-clusters and the share of its traffic.

    During a rollout these are its own routes, which name no sub-cluster that is about to let the model go.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"plan_version": 3, "models": {"resnet50": {"A100-40GB/zone-a/1": 1.0}}}]
        }
    )

    plan_version: int
    models: dict[str, dict[str, float]]
