"""
Observed load kept for years: reporters, reported time, roll-ups; profiles in versions, and proposals for
them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.String(length=200)
REPORT_OLD, REPORT_NEW = (
    "uq_load_reports_fleet_sub_cluster_interval_start",
    "uq_load_reports_fleet_sub_cluster_plan_version_interval_start",
)


def upgrade() -> None:
    _create_reporters()
    _create_rollups()
    _change_reports(
        REPORT_OLD, REPORT_NEW, ["fleet", "sub_cluster", "plan_version", "interval_start"], adds=True
    )
    op.create_index("ix_observed_load_model", "observed_load", ["model", "report_id"])
    _create_profile_versions()
    _create_profile_proposals()


def downgrade() -> None:
    """What was rolled up has no place in the schema before, and is lost; so is the history of profiles."""
    op.drop_table("profile_proposals")
    op.drop_column("profiles", "version")
    op.drop_table("profile_versions")
    op.drop_index("ix_observed_load_model", "observed_load")
    _drop_reports_of_other_plans()
    _change_reports(REPORT_NEW, REPORT_OLD, ["fleet", "sub_cluster", "interval_start"], adds=False)
    for table in ("observed_rollups", "reported_spans", "load_reporters"):
        op.drop_table(table)


def _fleet() -> sa.Column[str]:
    return sa.Column("fleet", ID, nullable=False, server_default="default")


def _create_reporters() -> None:
    op.create_table(
        "load_reporters",
        _fleet(),
        sa.Column("sub_cluster", ID, nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("new", sa.BigInteger(), nullable=False),
        sa.Column("known", sa.BigInteger(), nullable=False),
        sa.Column("differing", sa.BigInteger(), nullable=False),
        sa.Column("overlapping", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("fleet", "sub_cluster", "plan_version", name="pk_load_reporters"),
    )
    op.create_table(
        "reported_spans",
        _fleet(),
        sa.Column("sub_cluster", ID, nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("spans", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("fleet", "sub_cluster", "plan_version", "day", name="pk_reported_spans"),
    )


def _create_rollups() -> None:
    op.create_table(
        "observed_rollups",
        _fleet(),
        sa.Column("model", ID, nullable=False),
        sa.Column("period_start_s", sa.BigInteger(), nullable=False),
        sa.Column("resolution_s", sa.Integer(), nullable=False),
        sa.Column("sub_cluster", ID, nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("counts", sa.LargeBinary(), nullable=False),
        sa.Column("latencies", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(
            "fleet",
            "model",
            "period_start_s",
            "resolution_s",
            "sub_cluster",
            "plan_version",
            name="pk_observed_rollups",
        ),
    )
    op.create_index(
        "ix_observed_rollups_resolution_s", "observed_rollups", ["resolution_s", "period_start_s"]
    )
    op.create_index("ix_observed_rollups_plan_version", "observed_rollups", ["plan_version"])


def _change_reports(old: str, new: str, columns: list[str], *, adds: bool) -> None:
    """SQLite can only make the table anew, which those that point to it forbid: they step aside."""
    aside = op.get_bind().dialect.name == "sqlite"
    if aside:
        op.execute(sa.text("CREATE TABLE observed_load_aside AS SELECT * FROM observed_load"))
        op.drop_table("observed_load")
    with op.batch_alter_table("load_reports") as batch:
        batch.drop_constraint(old, type_="unique")
        batch.create_unique_constraint(new, columns)
        if adds:
            batch.add_column(sa.Column("digest", sa.String(length=16), nullable=True))
        else:
            batch.drop_column("digest")
    if aside:
        _create_observed_load()
        named = ", ".join(column.name for column in _observed_load_columns())
        op.execute(sa.text(f"INSERT INTO observed_load SELECT {named} FROM observed_load_aside"))
        op.drop_table("observed_load_aside")
    if adds:
        op.add_column("observed_load", sa.Column("traffic_share", sa.Double(), nullable=True))
    elif not aside:
        op.drop_column("observed_load", "traffic_share")


def _create_observed_load() -> None:
    op.create_table(
        "observed_load",
        *_observed_load_columns(),
        sa.ForeignKeyConstraint(
            ["report_id"], ["load_reports.id"], name="fk_observed_load_report_id_load_reports"
        ),
        sa.PrimaryKeyConstraint("report_id", "model", name="pk_observed_load"),
    )


def _observed_load_columns() -> list[sa.Column[object]]:
    """As the first schema has it."""
    return [
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("model", ID, nullable=False),
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
    ]


def _drop_reports_of_other_plans() -> None:
    """One report for each interval of a sub-cluster: the first that came."""
    first = "SELECT min(id) FROM load_reports GROUP BY fleet, sub_cluster, interval_start"
    op.execute(sa.text(f"DELETE FROM observed_load WHERE report_id NOT IN ({first})"))
    op.execute(sa.text(f"DELETE FROM load_reports WHERE id NOT IN ({first})"))


def _create_profile_versions() -> None:
    op.create_table(
        "profile_versions",
        sa.Column("model", ID, nullable=False),
        sa.Column("gpu_type", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("curve", sa.JSON(), nullable=False),
        sa.Column("weights_gib", sa.Double(), nullable=False),
        sa.Column("workspace_gib_per_item", sa.Double(), nullable=False),
        sa.Column("batch_size_max", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("measured_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposal_id", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("model", "gpu_type", "version", name="pk_profile_versions"),
    )
    op.add_column("profiles", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    facts = "model, gpu_type, version, curve, weights_gib, workspace_gib_per_item, batch_size_max, source"
    op.execute(
        sa.text(
            f"INSERT INTO profile_versions ({facts}, created_at, measured_since)"
            f" SELECT {facts}, updated_at, updated_at FROM profiles"
        )
    )


def _create_profile_proposals() -> None:
    op.create_table(
        "profile_proposals",
        sa.Column("id", sa.Integer(), nullable=False),
        _fleet(),
        sa.Column("model", ID, nullable=False),
        sa.Column("gpu_type", ID, nullable=False),
        sa.Column("profile_version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("curve", sa.JSON(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", ID, nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.CheckConstraint(
            "state IN ('proposed', 'accepted', 'rejected', 'superseded')",
            name=op.f("ck_profile_proposals_state"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_profile_proposals"),
    )
    op.create_index(
        "uq_profile_proposals_open",
        "profile_proposals",
        ["model", "gpu_type"],
        unique=True,
        sqlite_where=sa.text("state = 'proposed'"),
        postgresql_where=sa.text("state = 'proposed'"),
    )
