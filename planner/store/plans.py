"""Repository of plan versions, their certificates and their activations."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, or_, select
from sqlalchemy.orm import Session, defer, joinedload

from planner.plan.identity import plan_id
from planner.store.filters import filtered
from planner.store.records import Activation, NewPlan, PlanDocuments, PlanOrigin, PlanState, PlanSummary
from planner.store.tables import ActivationRow, CertificateRow, PlanRow, ProblemRow, table_of
from planner.store.upserts import insert_once

PLANS, CERTIFICATES, ACTIVATIONS = (table_of(row) for row in (PlanRow, CertificateRow, ActivationRow))
OWN = [name for name in PlanSummary.__slots__ if not name.startswith("certificate_")]
LIGHT = (
    *(PLANS.c[name] for name in OWN),
    CERTIFICATES.c.passed.label("certificate_passed"),
    CERTIFICATES.c.bad_rate.label("certificate_bad_rate"),
)


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
        """The next version: certified if its certificate passed, else a draft; an imported one stays that."""
        plan = new.document
        names = ("status", "objective", "bound", "gap", "fluid_bound", "physical_gap", "cost_usd_per_hour")
        row = PlanRow(
            fleet=self._fleet,
            plan_id=plan_id(plan, new.problem_digest, new.certificate),
            state=_first_state(new).value,
            origin=new.origin.value,
            recertifies=new.recertifies,
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
            horizon_end=_horizon_end(self.problem(new.problem_digest) or {}),
        )
        row.certificate = None
        if new.certificate is not None:
            row.certificate = CertificateRow(
                passed=new.certificate_passed,
                bad_rate=new.certificate_bad_rate,
                document=new.certificate,
                created_at=self._now,
            )
        self._session.add(row)
        self._session.flush()
        return _summary(row)

    def _light(self) -> Select[Any]:
        both = PLANS.outerjoin(CERTIFICATES, CERTIFICATES.c.plan_version == PLANS.c.version)
        return select(*LIGHT).select_from(both).where(PLANS.c.fleet == self._fleet)

    def summary(self, version: int) -> PlanSummary | None:
        row = self._session.execute(self._light().where(PLANS.c.version == version)).one_or_none()
        return None if row is None else _light_summary(row)

    def newest(
        self,
        *,
        limit: int,
        before: int | None = None,
        state: str | None = None,
        forecast_id: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[PlanSummary]:
        """Newest first; ``before`` continues below that version, ``since`` and ``until`` bound its making."""
        own = PLANS.c
        query = self._light().order_by(own.version.desc()).limit(limit)
        if before is not None:
            query = query.where(own.version < before)
        wanted = {own.state: state, own.forecast_id: forecast_id}
        query = filtered(query, wanted, own.created_at, since, until)
        return [_light_summary(row) for row in self._session.execute(query)]

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

    def newest_imported(self) -> PlanSummary | None:
        query = self._light().where(PLANS.c.state == PlanState.IMPORTED).order_by(PLANS.c.version.desc())
        row = self._session.execute(query.limit(1)).one_or_none()
        return None if row is None else _light_summary(row)

    def overdue(self, valid_hours: float) -> list[int]:
        """Versions that wait for approval or activation and are older, or whose horizon has ended."""
        oldest = self._now - timedelta(hours=valid_hours)
        query = select(PlanRow.version).where(
            PlanRow.fleet == self._fleet,
            PlanRow.state.in_((PlanState.CERTIFIED, PlanState.APPROVED)),
            or_(PlanRow.created_at < oldest, PlanRow.horizon_end <= self._now),
        )
        return list(self._session.scalars(query.order_by(PlanRow.version)))

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

    def activate(self, version: int, *, kind: str, actor: str, reason: str | None = None) -> Activation:
        """Switch to ``version``: the plan active before becomes superseded, all in this unit of work."""
        current = self._locked_current()
        if current is not None:
            current.deactivated_at = self._now
            self.set_state(current.plan_version, PlanState.SUPERSEDED)
        row = ActivationRow(
            fleet=self._fleet,
            plan_version=version,
            kind=kind,
            actor=actor,
            activated_at=self._now,
            reason=reason,
        )
        self._session.add(row)
        self.set_state(version, PlanState.ACTIVE)
        return _activation(row)

    def current_activation(self) -> Activation | None:
        own = ACTIVATIONS.c
        query = select(ACTIVATIONS).where(own.fleet == self._fleet, own.deactivated_at.is_(None))
        row = self._session.execute(query).one_or_none()
        return None if row is None else _activation(row)

    def activation(self, activation_id: int) -> Activation | None:
        own = ACTIVATIONS.c
        query = select(ACTIVATIONS).where(own.fleet == self._fleet, own.id == activation_id)
        row = self._session.execute(query).one_or_none()
        return None if row is None else _activation(row)

    def newer_active_since(self, version: int) -> int | None:
        """The newest of the later versions that were ever active; None: there was none."""
        query = select(ActivationRow.plan_version).where(
            ActivationRow.fleet == self._fleet, ActivationRow.plan_version > version
        )
        return self._session.scalar(query.order_by(ActivationRow.plan_version.desc()).limit(1))

    def activations(
        self,
        *,
        limit: int,
        before: int | None = None,
        plan_version: int | None = None,
        kind: str | None = None,
        actor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Activation]:
        """Newest first; ``before`` continues below that id."""
        query = (
            select(ActivationRow)
            .where(ActivationRow.fleet == self._fleet)
            .order_by(ActivationRow.id.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(ActivationRow.id < before)
        wanted = {
            ActivationRow.plan_version: plan_version,
            ActivationRow.kind: kind,
            ActivationRow.actor: actor,
        }
        query = filtered(query, wanted, ActivationRow.activated_at, since, until)
        return [_activation(row) for row in self._session.scalars(query)]

    def _locked_current(self) -> ActivationRow | None:
        query = select(ActivationRow).where(
            ActivationRow.fleet == self._fleet, ActivationRow.deactivated_at.is_(None)
        )
        return self._session.scalars(query.with_for_update()).one_or_none()


def _summary(row: PlanRow) -> PlanSummary:
    values = {name: getattr(row, name) for name in OWN}
    certificate = row.certificate
    return PlanSummary(
        **values | {"state": PlanState(row.state), "origin": PlanOrigin(row.origin)},
        certificate_passed=certificate.passed if certificate else None,
        certificate_bad_rate=certificate.bad_rate if certificate else None,
    )


def _light_summary(row: Row[Any]) -> PlanSummary:
    return PlanSummary(
        **dict(row._mapping) | {"state": PlanState(row.state), "origin": PlanOrigin(row.origin)}
    )


def _activation(row: ActivationRow | Row[Any]) -> Activation:
    return Activation(**{name: getattr(row, name) for name in Activation.__slots__})


def _first_state(new: NewPlan) -> PlanState:
    if new.origin is PlanOrigin.IMPORTED:
        return PlanState.IMPORTED
    return PlanState.CERTIFIED if new.certificate_passed else PlanState.DRAFT


def _horizon_end(problem: dict[str, Any]) -> datetime | None:
    """When the last epoch ends; None where an epoch's start is no instant with a time zone."""
    ends = []
    for epoch in problem.get("epochs", []):
        try:
            start, hours = datetime.fromisoformat(epoch["start"]), epoch["hours"]
        except (KeyError, ValueError):
            return None
        if start.tzinfo is None:
            return None
        ends.append(start + timedelta(hours=hours))
    return max(ends, default=None)
