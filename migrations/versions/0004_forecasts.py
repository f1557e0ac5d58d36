"""Forecasts: intervals, and whose they are, where from, and what they correct."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STANDING_OF_A_PLANNER = 3


def upgrade() -> None:
    """Forecasts that are there already count as a planner's, of an author nobody wrote down."""
    for column in ("low_rps", "high_rps"):
        op.add_column("forecast_models", sa.Column(column, sa.JSON(), nullable=True))
    origins = op.create_table(
        "forecast_origins",
        sa.Column("forecast_id", sa.Integer(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.Column("note", sa.String(length=2_000), nullable=True),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("standing", sa.Integer(), nullable=False),
        sa.Column("corrects", sa.Integer(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("forecast_id", name="pk_forecast_origins"),
        sa.ForeignKeyConstraint(
            ["forecast_id"], ["forecasts.id"], name="fk_forecast_origins_forecast_id_forecasts"
        ),
        sa.ForeignKeyConstraint(
            ["corrects"], ["forecasts.id"], name="fk_forecast_origins_corrects_forecasts"
        ),
        sa.CheckConstraint(
            "source IN ('planner', 'import', 'model', 'resolved')", name=op.f("ck_forecast_origins_source")
        ),
        sa.CheckConstraint("corrects < forecast_id", name=op.f("ck_forecast_origins_corrects")),
    )
    op.create_index("ix_forecast_origins_ends_at", "forecast_origins", ["ends_at"])
    _give_origins(origins)


def downgrade() -> None:
    op.drop_table("forecast_origins")
    for column in ("low_rps", "high_rps"):
        op.drop_column("forecast_models", column)


def _give_origins(origins: sa.Table) -> None:
    bind = op.get_bind()
    forecasts = sa.table(
        "forecasts",
        sa.column("id", sa.Integer),
        sa.column("epochs", sa.JSON),
        sa.column("created_at", sa.DateTime(timezone=True)),
    )
    for forecast_id, epochs, created_at in bind.execute(sa.select(*forecasts.c)).all():
        spans = json.loads(epochs) if isinstance(epochs, str) else epochs
        starts = [datetime.fromisoformat(epoch["start"]).astimezone(UTC) for epoch in spans]
        ends = [start + timedelta(hours=epoch["hours"]) for start, epoch in zip(starts, spans, strict=True)]
        origin = {
            "forecast_id": forecast_id,
            "author": "unknown",
            "source": "planner",
            "standing": STANDING_OF_A_PLANNER,
            "starts_at": min(starts, default=created_at),
            "ends_at": max(ends, default=created_at),
        }
        bind.execute(origins.insert().values(**origin))
