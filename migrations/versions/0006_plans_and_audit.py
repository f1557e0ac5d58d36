"""Plans: content-derived ids, decisions, states of their end, advice; the audit log as a chain."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations.stepping_aside import dependents_aside

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

STATES_OLD = "state IN ('draft', 'certified', 'approved', 'active', 'superseded')"
STATES_NEW = (
    "state IN ('draft', 'certified', 'approved', 'active', 'superseded', 'rejected', 'expired', 'imported')"
)
ORIGIN = "(origin = 'imported') = (run_id IS NULL)"
START = "0" * 64
ROWS_AT_A_TIME = 500

PLANS = sa.table(
    "plans",
    sa.column("version", sa.Integer),
    sa.column("plan_id", sa.String),
    sa.column("problem_digest", sa.String),
    sa.column("document", sa.JSON),
    sa.column("horizon_end", sa.DateTime(timezone=True)),
)
CERTIFICATES = sa.table("certificates", sa.column("plan_version", sa.Integer), sa.column("document", sa.JSON))
PROBLEMS = sa.table("problems", sa.column("digest", sa.String), sa.column("document", sa.JSON))
AUDIT = sa.table(
    "audit_log",
    sa.column("id", sa.Integer),
    sa.column("fleet", sa.String),
    sa.column("at", sa.DateTime(timezone=True)),
    sa.column("actor", sa.String),
    sa.column("action", sa.String),
    sa.column("subject", sa.String),
    sa.column("details", sa.JSON),
    sa.column("number", sa.Integer),
    sa.column("digest_before", sa.String),
    sa.column("digest", sa.String),
)
HEADS = sa.table(
    "audit_heads",
    sa.column("fleet", sa.String),
    sa.column("number", sa.Integer),
    sa.column("digest", sa.String),
)


def upgrade() -> None:
    _change_plans()
    _create_decisions()
    op.add_column("activations", sa.Column("reason", sa.String(), nullable=True))
    _chain_audit_log()
    _refuse_changes_of_the_log()


def downgrade() -> None:
    """Plans that only the newer schema knows go: imported, rejected and expired ones."""
    _allow_changes_of_the_log()
    with op.batch_alter_table("audit_log") as batch:
        batch.drop_constraint("uq_audit_log_fleet_number", type_="unique")
        for column in ("number", "reason", "client_address", "request_id", "digest_before", "digest"):
            batch.drop_column(column)
    op.drop_table("audit_heads")
    op.drop_column("activations", "reason")
    op.drop_table("advice")
    op.drop_table("plan_decisions")
    _change_plans_back()


# -- plans


def _change_plans() -> None:
    for column in (
        sa.Column("plan_id", sa.String(length=64), nullable=True),
        sa.Column("origin", sa.String(length=16), nullable=False, server_default="run"),
        sa.Column("recertifies", sa.Integer(), nullable=True),
        sa.Column("horizon_end", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("plans", column)
    _fill_plans()
    with dependents_aside("plans"), op.batch_alter_table("plans") as batch:
        batch.alter_column("plan_id", existing_type=sa.String(length=64), nullable=False)
        batch.alter_column("run_id", existing_type=sa.String(length=32), nullable=True)
        batch.alter_column("origin", existing_type=sa.String(length=16), server_default=None)
        batch.drop_constraint(op.f("ck_plans_state"), type_="check")
        batch.create_check_constraint(op.f("ck_plans_state"), STATES_NEW)
        batch.create_check_constraint(op.f("ck_plans_origin"), ORIGIN)
        batch.create_foreign_key("fk_plans_recertifies_plans", "plans", ["recertifies"], ["version"])
    op.create_index("ix_plans_fleet_state", "plans", ["fleet", "state"], unique=False)


def _change_plans_back() -> None:
    gone = "SELECT version FROM plans WHERE state IN ('rejected', 'expired', 'imported')"
    for statement in (
        f"UPDATE runs SET plan_version = NULL WHERE plan_version IN ({gone})",
        f"DELETE FROM certificates WHERE plan_version IN ({gone})",
        f"DELETE FROM activations WHERE plan_version IN ({gone})",
        f"UPDATE plans SET recertifies = NULL WHERE recertifies IN ({gone})",
        f"DELETE FROM plans WHERE version IN ({gone})",
    ):
        op.execute(sa.text(statement))
    op.drop_index("ix_plans_fleet_state", "plans")
    with dependents_aside("plans"), op.batch_alter_table("plans") as batch:
        batch.drop_constraint("fk_plans_recertifies_plans", type_="foreignkey")
        batch.drop_constraint(op.f("ck_plans_origin"), type_="check")
        batch.drop_constraint(op.f("ck_plans_state"), type_="check")
        batch.create_check_constraint(op.f("ck_plans_state"), STATES_OLD)
        batch.alter_column("run_id", existing_type=sa.String(length=32), nullable=False)
        for column in ("plan_id", "origin", "recertifies", "horizon_end"):
            batch.drop_column(column)


def _fill_plans() -> None:
    """As planner.plan.identity has it in this revision; stated here, for it may change there."""
    connection = op.get_bind()
    query = (
        sa.select(
            PLANS.c.version,
            PLANS.c.problem_digest,
            PLANS.c.document,
            CERTIFICATES.c.document.label("certificate"),
            PROBLEMS.c.document.label("problem"),
        )
        .join(PROBLEMS, PROBLEMS.c.digest == PLANS.c.problem_digest)
        .outerjoin(CERTIFICATES, CERTIFICATES.c.plan_version == PLANS.c.version)
    )
    versions = connection.execute(sa.select(PLANS.c.version)).scalars().all()
    for version in versions:
        row = connection.execute(query.where(PLANS.c.version == version)).one()
        content = {
            "certificate": row.certificate,
            "plan": row.document,
            "problem_digest": row.problem_digest,
        }
        values = {"plan_id": _digest(content), "horizon_end": _horizon_end(row.problem)}
        connection.execute(PLANS.update().where(PLANS.c.version == version).values(**values))


def _digest(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _horizon_end(problem: dict[str, Any]) -> datetime | None:
    ends = []
    for epoch in problem.get("epochs", []):
        try:
            start = datetime.fromisoformat(epoch["start"])
        except ValueError:
            return None
        if start.tzinfo is None:
            return None
        ends.append((start + timedelta(hours=epoch["hours"])).astimezone(UTC))
    return max(ends, default=None)


def _create_decisions() -> None:
    op.create_table(
        "plan_decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fleet", sa.String(length=200), nullable=False, server_default="default"),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.String(length=64), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("decision IN ('approved', 'rejected')", name=op.f("ck_plan_decisions_decision")),
        sa.ForeignKeyConstraint(
            ["plan_version"], ["plans.version"], name="fk_plan_decisions_plan_version_plans"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_plan_decisions"),
        sa.UniqueConstraint("plan_version", "decision", name="uq_plan_decisions_plan_version_decision"),
    )
    op.create_table(
        "advice",
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("fleet", sa.String(length=200), nullable=False, server_default="default"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("compared_with", sa.Integer(), nullable=True),
        sa.Column("gpus", sa.Integer(), nullable=False),
        sa.Column("gpus_running", sa.Integer(), nullable=True),
        sa.Column("cost_usd_per_hour", sa.Double(), nullable=False),
        sa.Column("cost_usd_per_hour_running", sa.Double(), nullable=True),
        sa.Column("churn_gib", sa.Double(), nullable=False),
        sa.Column("bad_rate", sa.Double(), nullable=True),
        sa.Column("unserved_models", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["compared_with"], ["plans.version"], name="fk_advice_compared_with_plans"),
        sa.ForeignKeyConstraint(["plan_version"], ["plans.version"], name="fk_advice_plan_version_plans"),
        sa.PrimaryKeyConstraint("plan_version", name="pk_advice"),
    )
    op.create_index("ix_advice_at", "advice", ["at"], unique=False)


# -- the audit log


def _chain_audit_log() -> None:
    op.create_table(
        "audit_heads",
        sa.Column("fleet", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("fleet", name="pk_audit_heads"),
    )
    for column in (
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("client_address", sa.String(length=200), nullable=True),
        sa.Column("request_id", sa.String(length=200), nullable=True),
        sa.Column("digest_before", sa.String(length=64), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
    ):
        op.add_column("audit_log", column)
    _fill_audit_log()
    with op.batch_alter_table("audit_log") as batch:
        batch.alter_column("number", existing_type=sa.Integer(), nullable=False)
        for column in ("digest_before", "digest"):
            batch.alter_column(column, existing_type=sa.String(length=64), nullable=False)
        batch.create_unique_constraint("uq_audit_log_fleet_number", ["fleet", "number"])


def _fill_audit_log() -> None:
    """As planner.store.audit_chain has it in this revision."""
    connection = op.get_bind()
    heads: dict[str, tuple[int, str]] = {}
    last = 0
    while rows := connection.execute(
        sa.select(AUDIT).where(AUDIT.c.id > last).order_by(AUDIT.c.id).limit(ROWS_AT_A_TIME)
    ).all():
        last = rows[-1].id
        for row in rows:
            number, digest_before = heads.get(row.fleet, (0, START))
            at = row.at.replace(tzinfo=UTC) if row.at.tzinfo is None else row.at.astimezone(UTC)
            content = [row.fleet, number + 1, at.isoformat(timespec="microseconds"), row.actor, row.action]
            content += [row.subject, None, None, None, row.details, digest_before]
            digest = _digest(content)
            values = {"number": number + 1, "digest_before": digest_before, "digest": digest}
            connection.execute(AUDIT.update().where(AUDIT.c.id == row.id).values(**values))
            heads[row.fleet] = number + 1, digest
    for fleet, (number, digest) in heads.items():
        connection.execute(HEADS.insert().values(fleet=fleet, number=number, digest=digest))


def _refuse_changes_of_the_log() -> None:
    """No statement of the product changes a row of the log; these stop every other one."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            sa.text(
                "CREATE FUNCTION audit_log_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                " RAISE EXCEPTION 'the audit log is never changed' USING ERRCODE ="
                " 'integrity_constraint_violation'; END $$"
            )
        )
        for name, event, level in (
            ("audit_log_no_change", "UPDATE OR DELETE", "ROW"),
            ("audit_log_no_truncate", "TRUNCATE", "STATEMENT"),
        ):
            op.execute(
                sa.text(
                    f"CREATE TRIGGER {name} BEFORE {event} ON audit_log FOR EACH {level}"
                    " EXECUTE FUNCTION audit_log_refuse_change()"
                )
            )
        return
    for event in ("UPDATE", "DELETE"):
        op.execute(
            sa.text(
                f"CREATE TRIGGER audit_log_no_{event.lower()} BEFORE {event} ON audit_log BEGIN"
                " SELECT RAISE(ABORT, 'the audit log is never changed'); END"
            )
        )


def _allow_changes_of_the_log() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for name in ("audit_log_no_change", "audit_log_no_truncate"):
            op.execute(sa.text(f"DROP TRIGGER {name} ON audit_log"))
        op.execute(sa.text("DROP FUNCTION audit_log_refuse_change()"))
        return
    for event in ("update", "delete"):
        op.execute(sa.text(f"DROP TRIGGER audit_log_no_{event}"))
