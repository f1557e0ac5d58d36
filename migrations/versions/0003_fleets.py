"""Fleets: whose a row is, for everything that is planned or observed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ADDED_TO = ("forecasts", "plans", "runs", "load_reports", "audit_log")
REPORT_OLD, REPORT_NEW = (
    "uq_load_reports_sub_cluster_interval_start",
    "uq_load_reports_fleet_sub_cluster_interval_start",
)


def _fleet() -> sa.Column[str]:
    return sa.Column("fleet", sa.String(length=200), nullable=False, server_default="default")


def upgrade() -> None:
    fleets = op.create_table(
        "fleets",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("environment", sa.String(length=200), nullable=False),
        sa.Column("policy", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_fleets"),
    )
    first = {"id": "default", "environment": "default", "policy": {}, "created_at": sa.func.now()}
    op.execute(fleets.insert().values(**first))
    for table in ADDED_TO:
        op.add_column(table, _fleet())
    _change_report_identity(REPORT_OLD, REPORT_NEW, ["fleet", "sub_cluster", "interval_start"])
    _change_primary_key("pools", ["fleet", "gpu_type", "zone"])
    _change_primary_key("nodes", ["fleet", "id"])


def downgrade() -> None:
    """Keeps the rows of the fleet ``default``: without fleets, those of others would be taken for its own."""
    for table in ("pools", "nodes"):
        op.execute(sa.text(f"DELETE FROM {table} WHERE fleet <> 'default'"))
    _drop_other_fleets()
    _change_primary_key("nodes", ["id"])
    _change_primary_key("pools", ["gpu_type", "zone"])
    _change_report_identity(REPORT_NEW, REPORT_OLD, ["sub_cluster", "interval_start"])
    for table in ADDED_TO:
        op.drop_column(table, "fleet")
    op.drop_table("fleets")


def _drop_other_fleets() -> None:
    others = "fleet <> 'default'"
    for statement in (
        f"DELETE FROM observed_load WHERE report_id IN (SELECT id FROM load_reports WHERE {others})",
        f"DELETE FROM load_reports WHERE {others}",
        f"DELETE FROM activations WHERE {others}",
        f"DELETE FROM runs WHERE {others}",
        f"DELETE FROM certificates WHERE plan_version IN (SELECT version FROM plans WHERE {others})",
        f"DELETE FROM plans WHERE {others}",
        f"DELETE FROM forecast_models WHERE forecast_id IN (SELECT id FROM forecasts WHERE {others})",
        f"DELETE FROM forecasts WHERE {others}",
        f"DELETE FROM audit_log WHERE {others}",
    ):
        op.execute(sa.text(statement))


def _change_primary_key(table: str, columns: list[str]) -> None:
    adds = "fleet" in columns
    with op.batch_alter_table(table) as batch:
        if adds:
            batch.add_column(_fleet())
        batch.drop_constraint(f"pk_{table}", type_="primary")
        batch.create_primary_key(f"pk_{table}", columns)
        if not adds:
            batch.drop_column("fleet")


def _change_report_identity(old: str, new: str, columns: list[str]) -> None:
    """SQLite can only make the table anew, which those that point to it forbid: they step aside."""
    aside = op.get_bind().dialect.name == "sqlite"
    if aside:
        op.execute(sa.text("CREATE TABLE observed_load_aside AS SELECT * FROM observed_load"))
        op.drop_table("observed_load")
    with op.batch_alter_table("load_reports") as batch:
        batch.drop_constraint(old, type_="unique")
        batch.create_unique_constraint(new, columns)
    if aside:
        _create_observed_load()
        op.execute(sa.text("INSERT INTO observed_load SELECT * FROM observed_load_aside"))
        op.drop_table("observed_load_aside")


def _create_observed_load() -> None:
    """As the first schema has it."""
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
