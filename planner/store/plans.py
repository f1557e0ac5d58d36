"""Repository of plan versions, their certificates and their activations."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, defer, joinedload

from planner.store.records import Activation, NewPlan, PlanDocuments, PlanState, PlanSummary
from planner.store.tables import ActivationRow, CertificateRow, PlanRow, ProblemRow
from planner.store.upserts import insert_once


class PlanRepository:
    def __init__(self, session: Session, now: datetime, fleet: str) -> None:
        self._session = session
        self._now = now
        self._fleet = fleet

    # -- problems

    def put_problem(self, digest: str, document: dict[str, Any]) -> None:
        """Keep the problem under its digest; one that is already there stays."""
        row = {"digest": digest, "document": document, "created_at": self._now}
        insert_once(self._session, ProblemRow, row, ["digest"])

    def problem(self, digest: str) -> dict[str, Any] | None:
        row = self._session.get(ProblemRow, digest)
        return None if row is None else dict(row.document)

    # -- plans

    def add(self, new: NewPlan) -> PlanSummary:
        """The next version: certified if its certificate passed, else a draft."""
        plan = new.document
        state = PlanState.CERTIFIED if new.certificate_passed else PlanState.DRAFT
        names = ("status", "objective", "bound", "gap", "fluid_bound", "physical_gap", "cost_usd_per_hour")
        row = PlanRow(
            fleet=self._fleet,
            state=state.value,
            run_id=new.run_id,
            forecast_id=new.forecast_id,
            problem_digest=new.problem_digest,
            **{name: plan[name] for name in names},
            sub_cluster_count=new.sub_cluster_count,
            gpu_count=new.gpu_count,
            solver=plan["solver"],
            options=new.options,
            seed=plan["seed"],
            document=plan,
            created_at=self._now,
        )
        row.certificate = CertificateRow(
            passed=new.certificate_passed,
            bad_rate=new.certificate_bad_rate,
            document=new.certificate,
            created_at=self._now,
        )
        self._session.add(row)
        self._session.flush()
        return _summary(row)

    def _light(self) -> Any:
        return (
            select(PlanRow)
            .where(PlanRow.fleet == self._fleet)
            .options(
                defer(PlanRow.document, raiseload=True),
                joinedload(PlanRow.certificate).defer(CertificateRow.document, raiseload=True),
            )
        )

    def summary(self, version: int) -> PlanSummary | None:
        row = self._session.scalars(self._light().where(PlanRow.version == version)).one_or_none()
        return None if row is None else _summary(row)

    def newest(self, *, limit: int, before: int | None = None) -> list[PlanSummary]:
        """Newest first; ``before`` continues below that version."""
        query = self._light().order_by(PlanRow.version.desc()).limit(limit)
        if before is not None:
            query = query.where(PlanRow.version < before)
        return [_summary(row) for row in self._session.scalars(query)]

    def documents(self, version: int) -> PlanDocuments | None:
        query = (
            select(PlanRow)
            .where(PlanRow.version == version, PlanRow.fleet == self._fleet)
            .options(joinedload(PlanRow.certificate))
        )
        row = self._session.scalars(query).one_or_none()
        if row is None:
            return None
        problem = self._session.get_one(ProblemRow, row.problem_digest)
        certificate = row.certificate.document if row.certificate else None
        return PlanDocuments(_summary(row), row.document, problem.document, certificate)

    def set_state(self, version: int, state: PlanState) -> None:
        """The one thing about a plan that may change."""
        self._session.get_one(PlanRow, version, options=[defer(PlanRow.document)]).state = state.value
        self._session.flush()

    def lock(self, version: int) -> PlanSummary | None:
        """As ``summary``, and nobody else may change its state until this unit of work ends."""
        query = (
            select(PlanRow.version)
            .where(PlanRow.version == version, PlanRow.fleet == self._fleet)
            .with_for_update()
        )
        return None if self._session.scalar(query) is None else self.summary(version)

    # -- activations

    def activate(self, version: int, *, kind: str, actor: str) -> Activation:
        """Switch to ``version``: the plan active before becomes superseded, all in this unit of work."""
        current = self._current_row(for_update=True)
        if current is not None:
            current.deactivated_at = self._now
            self.set_state(current.plan_version, PlanState.SUPERSEDED)
        row = ActivationRow(
            fleet=self._fleet, plan_version=version, kind=kind, actor=actor, activated_at=self._now
        )
        self._session.add(row)
        self.set_state(version, PlanState.ACTIVE)
        return _activation(row)

    def current_activation(self) -> Activation | None:
        row = self._current_row()
        return None if row is None else _activation(row)

    def activations(self, *, limit: int) -> list[Activation]:
        """Newest first."""
        query = (
            select(ActivationRow)
            .where(ActivationRow.fleet == self._fleet)
            .order_by(ActivationRow.id.desc())
            .limit(limit)
        )
        return [_activation(row) for row in self._session.scalars(query)]

    def _current_row(self, *, for_update: bool = False) -> ActivationRow | None:
        query = select(ActivationRow).where(
            ActivationRow.fleet == self._fleet, ActivationRow.deactivated_at.is_(None)
        )
        return self._session.scalars(query.with_for_update() if for_update else query).one_or_none()


def _summary(row: PlanRow) -> PlanSummary:
    own = [name for name in PlanSummary.__slots__ if not name.startswith("certificate_")]
    values = {name: getattr(row, name) for name in own}
    certificate = row.certificate
    return PlanSummary(
        **values | {"state": PlanState(row.state)},
        certificate_passed=certificate.passed if certificate else None,
        certificate_bad_rate=certificate.bad_rate if certificate else None,
    )


def _activation(row: ActivationRow) -> Activation:
    return Activation(**{name: getattr(row, name) for name in Activation.__slots__})
