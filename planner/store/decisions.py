"""Repository of what was decided of plans, and of how each compared with what ran."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from planner.store.records import Advice, PlanDecision
from planner.store.tables import AdviceRow, PlanDecisionRow


class DecisionRepository:
    def __init__(self, session: Session, now: datetime, fleet: str) -> None:
        self._session = session
        self._now = now
        self._fleet = fleet

    # -- approvals and rejections

    def add(
        self, version: int, plan_id: str, decision: str, *, actor: str, reason: str | None = None
    ) -> PlanDecision:
        """``decision``: approved or rejected; of each a plan has one at most."""
        row = PlanDecisionRow(
            fleet=self._fleet,
            plan_version=version,
            plan_id=plan_id,
            decision=decision,
            actor=actor,
            reason=reason,
            at=self._now,
        )
        self._session.add(row)
        self._session.flush()
        return _decision(row)

    def of(self, version: int) -> list[PlanDecision]:
        """The oldest first."""
        query = select(PlanDecisionRow).where(
            PlanDecisionRow.plan_version == version, PlanDecisionRow.fleet == self._fleet
        )
        return [_decision(row) for row in self._session.scalars(query.order_by(PlanDecisionRow.id))]

    # -- advice

    def add_advice(self, advice: Advice) -> None:
        values = {name: getattr(advice, name) for name in Advice.__slots__}
        self._session.add(AdviceRow(**values, fleet=self._fleet))
        self._session.flush()

    def advice(
        self,
        *,
        limit: int,
        since: datetime | None = None,
        until: datetime | None = None,
        before: int | None = None,
    ) -> list[Advice]:
        """Newest first, those of plans made in [since, until); ``before`` continues below that version."""
        query = select(AdviceRow).where(AdviceRow.fleet == self._fleet)
        if since is not None:
            query = query.where(AdviceRow.at >= since)
        if until is not None:
            query = query.where(AdviceRow.at < until)
        if before is not None:
            query = query.where(AdviceRow.plan_version < before)
        rows = self._session.scalars(query.order_by(AdviceRow.plan_version.desc()).limit(limit))
        return [Advice(**{name: getattr(row, name) for name in Advice.__slots__}) for row in rows]


def _decision(row: PlanDecisionRow) -> PlanDecision:
    return PlanDecision(**{name: getattr(row, name) for name in PlanDecision.__slots__})
