"""The first schema: registry, forecasts, observed load, plans, runs, audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "gpu_types",
    "pools",
    "models",
    "profiles",
    "forecasts",
    "forecast_models",
    "load_reports",
    "observed_load",
    "problems",
    "plans",
    "certificates",
    "activations",
    "runs",
    "audit_log",
)


def upgrade() -> None:
    _create_registry()
    _create_demand()
    _create_plans()
    _create_certificates_and_activations()
    _create_runs()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_registry() -> None:
    op.create_table(
        "gpu_types",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("memory_gib", sa.Double(), nullable=False),
        sa.Column("reserve_gib", sa.Double(), nullable=False),
        sa.Column("price_usd_per_hour", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_gpu_types"),
    )
    op.create_table(
        "pools",
        sa.Column("gpu_type", sa.String(length=200), nullable=False),
        sa.Column("zone", sa.String(length=200), nullable=False),
        sa.Column("available", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("available >= 0", name=op.f("ck_pools_available")),
        sa.ForeignKeyConstraint(["gpu_type"], ["gpu_types.id"], name="fk_pools_gpu_type_gpu_types"),
        sa.PrimaryKeyConstraint("gpu_type", "zone", name="pk_pools"),
    )
    op.create_table(
        "models",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("slo_ms", sa.Double(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("serving", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_models"),
    )
    op.create_table(
        "profiles",
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("gpu_type", sa.String(length=200), nullable=False),
        sa.Column("curve", sa.JSON(), nullable=False),
        sa.Column("weights_gib", sa.Double(), nullable=False),
        sa.Column("workspace_gib_per_item", sa.Double(), nullable=False),
        sa.Column("batch_size_max", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["gpu_type"], ["gpu_types.id"], name="fk_profiles_gpu_type_gpu_types"),
        sa.ForeignKeyConstraint(["model"], ["models.id"], name="fk_profiles_model_models"),
        sa.PrimaryKeyConstraint("model", "gpu_type", name="pk_profiles"),
    )


def _create_demand() -> None:
    op.create_table(
        "forecasts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("epochs", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_forecasts"),
    )
    op.create_table(
        "forecast_models",
        sa.Column("forecast_id", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("demand_rps", sa.JSON(), nullable=False),
        sa.Column("arrival_cv", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["forecast_id"], ["forecasts.id"], name="fk_forecast_models_forecast_id_forecasts"
        ),
        sa.ForeignKeyConstraint(["model"], ["models.id"], name="fk_forecast_models_model_models"),
        sa.PrimaryKeyConstraint("forecast_id", "model", name="pk_forecast_models"),
    )
    op.create_table(
        "load_reports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sub_cluster", sa.String(length=200), nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("interval_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("interval_s", sa.Double(), nullable=False),
        sa.Column("gpus", sa.Integer(), nullable=False),
        sa.Column("gpu_busy_share", sa.Double(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_load_reports"),
        sa.UniqueConstraint(
            "sub_cluster", "interval_start", name="uq_load_reports_sub_cluster_interval_start"
        ),
    )
    op.create_index("ix_load_reports_interval_start", "load_reports", ["interval_start"], unique=False)
    op.create_table(
        "observed_load",
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("arrived", sa.BigInteger(), nullable=False),
        sa.Column("served_in_time", sa.BigInteger(), nullable=False),
        sa.Column("late", sa.BigInteger(), nullable=False),
        sa.Column("dropped", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("arrival_cv", sa.Double(), nullable=True),
        sa.Column("batches", sa.BigInteger(), nullable=False),
        sa.Column("batch_size_mean", sa.Double(), nullable=False),
        sa.Column("busy_s", sa.Double(), nullable=False),
        sa.Column("latency_ms_by_batch", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["report_id"], ["load_reports.id"], name="fk_observed_load_report_id_load_reports"
        ),
        sa.PrimaryKeyConstraint("report_id", "model", name="pk_observed_load"),
    )


def _create_plans() -> None:
    op.create_table(
        "problems",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_problems"),
    )
    op.create_table(
        "plans",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("forecast_id", sa.Integer(), nullable=False),
        sa.Column("problem_digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("objective", sa.Double(), nullable=False),
        sa.Column("bound", sa.Double(), nullable=False),
        sa.Column("gap", sa.Double(), nullable=False),
        sa.Column("fluid_bound", sa.Double(), nullable=False),
        sa.Column("physical_gap", sa.Double(), nullable=False),
        sa.Column("cost_usd_per_hour", sa.Double(), nullable=False),
        sa.Column("sub_cluster_count", sa.Integer(), nullable=False),
        sa.Column("gpu_count", sa.Integer(), nullable=False),
        sa.Column("solver", sa.String(length=64), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('draft', 'certified', 'approved', 'active', 'superseded')", name=op.f("ck_plans_state")
        ),
        sa.ForeignKeyConstraint(["forecast_id"], ["forecasts.id"], name="fk_plans_forecast_id_forecasts"),
        sa.ForeignKeyConstraint(
            ["problem_digest"], ["problems.digest"], name="fk_plans_problem_digest_problems"
        ),
        sa.PrimaryKeyConstraint("version", name="pk_plans"),
        sa.UniqueConstraint("run_id", name="uq_plans_run_id"),
    )


def _create_certificates_and_activations() -> None:
    op.create_table(
        "certificates",
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("bad_rate", sa.Double(), nullable=True),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_version"], ["plans.version"], name="fk_certificates_plan_version_plans"
        ),
        sa.PrimaryKeyConstraint("plan_version", name="pk_certificates"),
    )
    op.create_table(
        "activations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fleet", sa.String(length=200), nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deactivated_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["plan_version"], ["plans.version"], name="fk_activations_plan_version_plans"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_activations"),
    )
    op.create_index(
        "uq_activations_current",
        "activations",
        ["fleet"],
        unique=True,
        sqlite_where=sa.text("deactivated_at IS NULL"),
        postgresql_where=sa.text("deactivated_at IS NULL"),
    )


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("forecast_id", sa.Integer(), nullable=False),
        sa.Column("problem_digest", sa.String(length=64), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("demand", sa.JSON(), nullable=True),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("lease_owner", sa.String(length=200), nullable=True),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("progress", sa.JSON(), nullable=False),
        sa.Column("error", sa.JSON(), nullable=True),
        sa.Column("plan_version", sa.Integer(), nullable=True),
        sa.CheckConstraint("(state = 'running') = (lease_owner IS NOT NULL)", name=op.f("ck_runs_lease")),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name=op.f("ck_runs_state")
        ),
        sa.ForeignKeyConstraint(["forecast_id"], ["forecasts.id"], name="fk_runs_forecast_id_forecasts"),
        sa.ForeignKeyConstraint(["plan_version"], ["plans.version"], name="fk_runs_plan_version_plans"),
        sa.ForeignKeyConstraint(
            ["problem_digest"], ["problems.digest"], name="fk_runs_problem_digest_problems"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_index("ix_runs_state_created_at", "runs", ["state", "created_at"], unique=False)
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
    )
