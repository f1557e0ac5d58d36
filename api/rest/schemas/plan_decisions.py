"""Approvals, rejections, a plan's history, plans handed in."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from pydantic import ConfigDict, Field

from api.rest.bodies import Entry, Strict, Text
from api.rest.schemas.audit import AUDIT_EXAMPLE, AuditEntryOut
from api.rest.schemas.common import Out
from api.rest.schemas.plans import SUMMARY_EXAMPLE, PlanSummaryOut
from api.rest.schemas.registry import example
from planner.service.plan_import import NewImport

PLAN_ID = "7c41d0aa" * 8
DECISION_EXAMPLE: dict[str, Any] = {
    "plan_version": 3,
    "plan_id": PLAN_ID,
    "decision": "approved",
    "actor": "ann",
    "reason": "cheaper, and nothing moves that matters",
    "at": "2026-11-23T07:04:00Z",
}
SUB_CLUSTERS_EXAMPLE: list[dict[str, Any]] = [
    {
        "id": "vision",
        "gpu_type": "A100-40GB",
        "zone": "zone-a",
        "gpus": [14],
        "models": [{"id": "resnet50", "share": [1.0], "batch_size": 8}],
    }
]


class ApprovalBody(Strict):
    """What was looked at, so that nothing else can be approved."""

    model_config = ConfigDict(
        **Strict.model_config, json_schema_extra={"examples": [{"plan_id": PLAN_ID, "reason": "cheaper"}]}
    )

    plan_id: str = Field(pattern=r"^[0-9a-f]{64}$", description="As `GET /v1/plans/{version}` showed it.")
    reason: Text | None = Field(default=None, description="Why, for the audit log.")


class RejectionBody(Strict):
    """What was looked at, and why it is not wanted."""

    model_config = ConfigDict(
        **Strict.model_config,
        json_schema_extra={"examples": [{"plan_id": PLAN_ID, "reason": "moves bert on a Friday"}]},
    )

    plan_id: str = Field(pattern=r"^[0-9a-f]{64}$", description="As `GET /v1/plans/{version}` showed it.")
    reason: Text = Field(description="Why; kept with the plan.")


class DecisionOut(Out):
    """What was decided of a plan."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [DECISION_EXAMPLE]})

    plan_version: int
    plan_id: str
    decision: str = Field(description="approved or rejected.")
    actor: str
    reason: str | None
    at: datetime


class HistoryOut(Out):
    """What was decided of a plan, and every entry of the audit log about it, the oldest first."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={"examples": [{"decisions": [DECISION_EXAMPLE], "audit": [AUDIT_EXAMPLE]}]},
    )

    decisions: list[DecisionOut]
    audit: list[AuditEntryOut]


class ImportBody(Entry[NewImport]):
    """
    The plan that a fleet runs by other means, to compare with.

    `plan` is a plan document of which `sub_clusters` is enough; a list of one GPU count or share holds for
    every epoch of the forecast.
    """

    model_config = example({"plan": {"sub_clusters": SUB_CLUSTERS_EXAMPLE}, "note": "as of Monday"})
    subject: ClassVar[str] = "imported plan"

    plan: dict[str, Any] = Field(description="In the plan's file format (docs/reference/plan.schema.json).")
    forecast_id: int | None = Field(
        default=None, ge=1, le=2**31 - 1, description="Whose demand it is judged by; default: the newest."
    )
    as_it_is: bool = Field(
        default=False, description="Take it although it breaks rules: it runs, whatever they say."
    )
    note: Text | None = None

    def to_record(self) -> NewImport:
        return NewImport(self.plan, self.forecast_id, self.as_it_is, self.note)


class ImportedOut(Out):
    """The imported plan, and the rules that it breaks."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "plan": SUMMARY_EXAMPLE
                    | {
                        "state": "imported",
                        "origin": "imported",
                        "run_id": None,
                        "certificate_passed": None,
                        "certificate_bad_rate": None,
                    },
                    "violations": [],
                }
            ]
        }
    )

    plan: PlanSummaryOut
    violations: list[str]
