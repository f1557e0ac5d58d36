"""Events and checkpoints of runs, idempotency keys, schedules and slots, webhooks and deliveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NEW_TABLES = (
    "webhook_deliveries",
    "webhooks",
    "schedule_slots",
    "schedules",
    "idempotency_keys",
    "run_checkpoints",
    "run_events",
)
ADDED_TO_RUNS = ("lease_number", "event_count")


def upgrade() -> None:
    for name in ADDED_TO_RUNS:
        op.add_column("runs", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    _runs()
    _idempotency_keys()
    _schedules()
    _webhooks()


def downgrade() -> None:
    """Runs and their plans stay; what they said on the way, schedules and webhooks go."""
    for table in NEW_TABLES:
        op.drop_table(table)
    for name in ADDED_TO_RUNS:
        op.drop_column("runs", name)


def _id(name: str, *, length: int = 200, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=nullable)


def _at(name: str, *, nullable: bool = False) -> sa.Column[sa.DateTime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _runs() -> None:
    op.create_table(
        "run_events",
        _id("run_id", length=32),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        _at("at"),
        _id("kind", length=16),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_events_run_id_runs"),
        sa.PrimaryKeyConstraint("run_id", "sequence", name="pk_run_events"),
    )
    op.create_table(
        "run_checkpoints",
        _id("run_id", length=32),
        sa.Column("lease_number", sa.Integer(), nullable=False),
        _id("stage", length=16),
        sa.Column("solved_s", sa.Double(), nullable=False),
        sa.Column("bound", sa.Double(), nullable=True),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("certificate", sa.JSON(), nullable=True),
        _at("at"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_checkpoints_run_id_runs"),
        sa.PrimaryKeyConstraint("run_id", name="pk_run_checkpoints"),
    )


def _idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        _id("fleet"),
        _id("principal"),
        _id("key_digest", length=64),
        _id("request_digest", length=64),
        _id("token", length=32),
        _at("reserved_until"),
        _at("expires_at"),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("fleet", "principal", "key_digest", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_expires_at", "idempotency_keys", ["expires_at"])


def _schedules() -> None:
    op.create_table(
        "schedules",
        _id("fleet"),
        _id("cron"),
        _id("time_zone"),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        _at("since"),
        _at("next_slot"),
        _at("updated_at"),
        _id("actor"),
        sa.ForeignKeyConstraint(["fleet"], ["fleets.id"], name="fk_schedules_fleet_fleets"),
        sa.PrimaryKeyConstraint("fleet", name="pk_schedules"),
    )
    op.create_index("ix_schedules_next_slot", "schedules", ["next_slot"])
    op.create_table(
        "schedule_slots",
        _id("fleet"),
        _at("slot"),
        _at("started_at"),
        _id("started_by"),
        sa.Column("missed_before", sa.Integer(), nullable=False),
        _id("run_id", length=32, nullable=True),
        _id("outcome", length=16),
        _at("settled_at", nullable=True),
        sa.Column("details", sa.JSON(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('running', 'activated', 'waiting', 'failed', 'cancelled')",
            name=op.f("ck_schedule_slots_outcome"),
        ),
        sa.ForeignKeyConstraint(["fleet"], ["fleets.id"], name="fk_schedule_slots_fleet_fleets"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_schedule_slots_run_id_runs"),
        sa.PrimaryKeyConstraint("fleet", "slot", name="pk_schedule_slots"),
    )
    op.create_index("ix_schedule_slots_outcome", "schedule_slots", ["outcome"])


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        _id("id", length=32),
        _id("fleet"),
        _id("url", length=2_000),
        sa.Column("events", sa.JSON(), nullable=False),
        _id("secret"),
        _id("actor"),
        _at("created_at"),
        _at("failing_since", nullable=True),
        _at("disabled_at", nullable=True),
        _id("disabled_because", nullable=True),
        sa.ForeignKeyConstraint(["fleet"], ["fleets.id"], name="fk_webhooks_fleet_fleets"),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )
    op.create_index("ix_webhooks_fleet", "webhooks", ["fleet"])
    op.create_table(
        "webhook_deliveries",
        sa.Column("number", sa.Integer(), nullable=False),
        _id("id", length=40),
        _id("webhook_id", length=32),
        _id("event", length=64),
        sa.Column("body", sa.Text(), nullable=False),
        _id("state", length=16),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _at("created_at"),
        _at("next_at"),
        _at("finished_at", nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        _id("last_error", nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'delivered', 'failed')", name=op.f("ck_webhook_deliveries_state")
        ),
        sa.ForeignKeyConstraint(
            ["webhook_id"],
            ["webhooks.id"],
            name="fk_webhook_deliveries_webhook_id_webhooks",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("number", name="pk_webhook_deliveries"),
        sa.UniqueConstraint("id", name="uq_webhook_deliveries_id"),
    )
    op.create_index("ix_webhook_deliveries_webhook_id", "webhook_deliveries", ["webhook_id"])
    op.create_index("ix_webhook_deliveries_state_next_at", "webhook_deliveries", ["state", "next_at"])
