"""
Every table, one module an area.

Relations are loaded on purpose or not at all (``lazy="raise"``), constraints have names
by convention so that a migration can speak of them, and no object of these classes leaves
the store: repositories return frozen records.
"""

from planner.store.tables.audit import AuditHeadRow, AuditRow
from planner.store.tables.base import ID_LENGTH_MAX, Base, table_of
from planner.store.tables.decisions import AdviceRow, PlanDecisionRow
from planner.store.tables.demand import ForecastModelRow, ForecastOriginRow, ForecastRow
from planner.store.tables.fleets import FleetRow
from planner.store.tables.idempotency import IdempotencyKeyRow
from planner.store.tables.nodes import NodeRow
from planner.store.tables.observed import (
    LoadReportRow,
    ObservedLoadRow,
    ObservedRollupRow,
    ReportedSpansRow,
    ReporterRow,
)
from planner.store.tables.plans import ActivationRow, CertificateRow, PlanRow, ProblemRow
from planner.store.tables.profiles import ProfileProposalRow, ProfileVersionRow
from planner.store.tables.registry import GpuTypeRow, ModelRow, PoolRow, ProfileRow
from planner.store.tables.rollouts import RolloutRow
from planner.store.tables.run_events import RunCheckpointRow, RunEventRow
from planner.store.tables.runs import RunRow
from planner.store.tables.schedules import ScheduleRow, SlotRow
from planner.store.tables.tokens import SessionRow, TokenRow
from planner.store.tables.webhooks import DeliveryRow, WebhookRow

__all__ = [
    "ID_LENGTH_MAX",
    "ActivationRow",
    "AdviceRow",
    "AuditHeadRow",
    "AuditRow",
    "Base",
    "CertificateRow",
    "DeliveryRow",
    "FleetRow",
    "ForecastModelRow",
    "ForecastOriginRow",
    "ForecastRow",
    "GpuTypeRow",
    "IdempotencyKeyRow",
    "LoadReportRow",
    "ModelRow",
    "NodeRow",
    "ObservedLoadRow",
    "ObservedRollupRow",
    "PlanDecisionRow",
    "PlanRow",
    "PoolRow",
    "ProblemRow",
    "ProfileProposalRow",
    "ProfileRow",
    "ProfileVersionRow",
    "ReportedSpansRow",
    "ReporterRow",
    "RolloutRow",
    "RunCheckpointRow",
    "RunEventRow",
    "RunRow",
    "ScheduleRow",
    "SessionRow",
    "SlotRow",
    "TokenRow",
    "WebhookRow",
    "table_of",
]
