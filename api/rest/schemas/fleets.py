"""Fleets and their policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, ClassVar

from pydantic import ConfigDict, Field

from api.rest.bodies import Entry, Text
from api.rest.dependencies import FLEET_PATTERN
from api.rest.faults import path_of
from api.rest.schemas.common import Out, example
from planner.problem.reader import Reader
from planner.service.fleet_policy import read_fleet_policy
from planner.service.fleets import FleetChange, NewFleet
from profiles.faults import Fault

POLICY_EXAMPLE: dict[str, Any] = {
    "mode": "live",
    "four_eyes": True,
    "plan_valid_hours": 36.0,
    "profile_drift": "propose",
    "auto_approval": {"cost_increase_share_max": 0.05, "churn_gib_max": 200.0, "bad_rate_max": 0.01},
    "demand_quantile": 0.8,
}
FLEET_EXAMPLE: dict[str, Any] = {"id": "emea", "environment": "production", "policy": POLICY_EXAMPLE}
FLEET_OUT_EXAMPLE = FLEET_EXAMPLE | {"created_at": "2026-11-23T07:00:00Z"}
POLICY_KEYS = (
    "Keys: `mode` (live, advisory), `four_eyes`, `plan_valid_hours` (null: for ever), `profile_drift` "
    "(propose, accept), `auto_approval` (null, or its bounds), `demand_quantile` (0.5 to 0.995, of what runs "
    "plan for that do not name one)."
)
ADVICE_EXAMPLE: dict[str, Any] = {
    "day": "2026-11-23",
    "plan_version": 12,
    "plan_state": "certified",
    "compared_with": 11,
    "compared_with_origin": "imported",
    "at": "2026-11-23T02:00:41Z",
    "gpus": 118,
    "gpus_running": 131,
    "cost_usd_per_hour": 402.1,
    "cost_usd_per_hour_running": 455.2,
    "churn_gib": 61.5,
    "bad_rate": 0.004,
    "unserved_models": 0,
}


class FleetBody(Entry[NewFleet]):
    """A new fleet; what its policy leaves out takes the default."""

    model_config = example(FLEET_EXAMPLE)
    subject: ClassVar[str] = "fleet"

    id: str = Field(
        min_length=1, max_length=100, pattern=FLEET_PATTERN, description="Letters, digits and any of . _ -"
    )
    environment: Text = Field(default="production", description="production, staging, or what you call it.")
    policy: dict[str, Any] = Field(default={}, description=POLICY_KEYS)

    def to_record(self) -> NewFleet:
        return NewFleet(self.id, self.environment, self.policy)

    @classmethod
    def faults_between(cls, raw: Mapping[str, Any], path: str) -> Iterator[Fault]:
        yield from _policy_faults(raw, path)


class FleetChangeBody(Entry[FleetChange]):
    """What is to change; keys of the policy that are not named stay as they are."""

    model_config = example({"policy": {"four_eyes": True}, "reason": "two people for production"})
    subject: ClassVar[str] = "fleet"

    environment: Text | None = None
    policy: dict[str, Any] | None = Field(default=None, description=POLICY_KEYS)
    reason: Text | None = Field(default=None, description="Why, for the audit log.")

    def to_record(self) -> FleetChange:
        return FleetChange(self.environment, self.policy, self.reason)

    @classmethod
    def faults_between(cls, raw: Mapping[str, Any], path: str) -> Iterator[Fault]:
        yield from _policy_faults(raw, path)


def _policy_faults(raw: Mapping[str, Any], path: str) -> Iterator[Fault]:
    if isinstance(raw.get("policy"), dict):
        reader = Reader()
        read_fleet_policy(reader, path_of(["policy"], path), raw["policy"])
        yield from reader.faults


class FleetOut(Out):
    """A fleet; its policy with every default written out."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [FLEET_OUT_EXAMPLE]})

    id: str
    environment: str
    policy: dict[str, Any]
    created_at: datetime


class AdviceOut(Out):
    """One plan beside what ran when it was made."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [ADVICE_EXAMPLE]})

    day: date
    plan_version: int
    plan_state: str
    compared_with: int | None = Field(description="The plan that ran; null where none was known.")
    compared_with_origin: str | None = Field(description="`run`, `recertified` or `imported`.")
    at: datetime
    gpus: int
    gpus_running: int | None
    cost_usd_per_hour: float
    cost_usd_per_hour_running: float | None
    churn_gib: float = Field(description="Weights to load to go from one to the other.")
    bad_rate: float | None = Field(description="Of the worst sub-cluster in the plan's certificate.")
    unserved_models: int = Field(description="Models of whose demand the plan leaves out some.")
