"""Proposals for profiles, and their versions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from api.rest.bodies import Entry, Text
from api.rest.schemas.common import Out
from api.rest.schemas.registry import example
from planner.store.records import ProfileProposal, ProfileVersion, ProposalState

RATIO_EXAMPLE: dict[str, Any] = {
    "batch_size": None,
    "batches": 48210,
    "intervals": 144,
    "measured_ms": 5.52,
    "profiled_ms": 4.6,
    "ratio": 1.2,
    "ratio_low": 1.19,
    "ratio_high": 1.21,
}
PROPOSAL_EXAMPLE: dict[str, Any] = {
    "id": 1,
    "model": "resnet50",
    "gpu_type": "A100-40GB",
    "profile_version": 1,
    "state": "proposed",
    "alpha_ms": 0.36,
    "beta_ms": 2.4,
    "evidence": {
        "since": "2026-11-22T08:00:00Z",
        "until": "2026-11-23T08:00:00Z",
        "overall": RATIO_EXAMPLE,
        "by_batch_size": [{**RATIO_EXAMPLE, "batch_size": 8}],
        "error_before": 0.17,
        "error_after": 0.01,
    },
    "created_at": "2026-11-23T08:00:00Z",
}


class DecisionBody(Entry[str | None]):
    """Why a proposal is accepted or rejected."""

    model_config = example({"note": "new driver since Monday"})
    subject: ClassVar[str] = "decision"

    note: Annotated[Text | None, Field(description="For those who look later.")] = None

    def to_record(self) -> str | None:
        return self.note


class MeasuredRatioOut(Out):
    """Measured over profiled execution time: the median over intervals, with its confidence interval."""

    batch_size: int | None = Field(description="null: all sizes together.")
    batches: int
    intervals: int
    measured_ms: float
    profiled_ms: float
    ratio: float
    ratio_low: float
    ratio_high: float


class DriftEvidenceOut(Out):
    """What was measured, when, and how far either curve is from it."""

    since: datetime
    until: datetime
    overall: MeasuredRatioOut
    by_batch_size: list[MeasuredRatioOut]
    error_before: float = Field(description="Mean relative error of the registered curve.")
    error_after: float = Field(description="Mean relative error of the proposed curve.")


class CurveOut(BaseModel):
    """`alpha_ms` and `beta_ms`, or `latency_ms`."""

    alpha_ms: float | None = None
    beta_ms: float | None = None
    latency_ms: list[tuple[int, float]] | None = None


class ProfileProposalOut(CurveOut):
    """A corrected curve for a profile that measurements contradict, and what became of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [PROPOSAL_EXAMPLE]})

    id: int
    model: str
    gpu_type: str
    profile_version: int = Field(description="The version of the profile that it corrects.")
    state: ProposalState
    evidence: DriftEvidenceOut
    created_at: datetime
    decided_at: datetime | None = None
    decided_by: str | None = None
    note: str | None = None

    @classmethod
    def of(cls, record: ProfileProposal) -> ProfileProposalOut:
        return cls(**_flat(record, "evidence"), evidence=DriftEvidenceOut.model_validate(record.evidence))


class ProfileVersionOut(CurveOut):
    """A profile as it was registered once."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": "resnet50",
                    "gpu_type": "A100-40GB",
                    "version": 2,
                    "alpha_ms": 0.36,
                    "beta_ms": 2.4,
                    "weights_gib": 0.1,
                    "workspace_gib_per_item": 0.02,
                    "batch_size_max": 64,
                    "source": "measured by dispatchers, proposal 1",
                    "created_at": "2026-11-23T09:12:00Z",
                    "measured_since": "2026-11-22T08:00:00Z",
                    "proposal_id": 1,
                }
            ]
        }
    )

    model: str
    gpu_type: str
    version: int
    weights_gib: float
    workspace_gib_per_item: float
    batch_size_max: int
    source: str | None = None
    created_at: datetime
    measured_since: datetime = Field(description="Measurements from before say nothing of this version.")
    proposal_id: int | None = Field(default=None, description="The accepted proposal that it comes from.")

    @classmethod
    def of(cls, record: ProfileVersion) -> ProfileVersionOut:
        return cls(**_flat(record))


class PlannedProfileOut(Out):
    """The version of a profile that a plan counted on; null where none of its versions says the same."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={"examples": [{"model": "resnet50", "gpu_type": "A100-40GB", "version": 2}]},
    )

    model: str
    gpu_type: str
    version: int | None


def _flat(record: ProfileProposal | ProfileVersion, *left_out: str) -> Mapping[str, Any]:
    """The record's fields with its curve's beside them."""
    names = [name for name in type(record).__slots__ if name not in ("curve", "fleet", *left_out)]
    return {**record.curve, **{name: getattr(record, name) for name in names}}
