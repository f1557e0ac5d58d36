"""The waves of an activation, and how far the fleet is; what is active now is taken to be served whole."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ACTIVATIONS = sa.table(
    "activations", *(sa.column(name) for name in ("id", "fleet", "activated_at", "deactivated_at"))
)


def upgrade() -> None:
    rollouts = op.create_table(
        "rollouts",
        sa.Column("activation_id", sa.Integer(), nullable=False),
        sa.Column("fleet", sa.String(length=200), nullable=False, server_default="default"),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("waves", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("step >= 0 AND step <= 2 * waves", name="ck_rollouts_step"),
        sa.ForeignKeyConstraint(
            ["activation_id"], ["activations.id"], name="fk_rollouts_activation_id_activations"
        ),
        sa.PrimaryKeyConstraint("activation_id", name="pk_rollouts"),
    )
    own = ACTIVATIONS.c
    whole = sa.literal_column("'{\"reasons\": []}'")
    columns = [own.id, own.fleet, whole, sa.literal_column("0"), sa.literal_column("0"), own.activated_at]
    current = sa.select(*columns).where(own.deactivated_at.is_(None))
    names = ["activation_id", "fleet", "document", "waves", "step", "moved_at"]
    if op.get_bind().dialect.name == "postgresql":
        columns[2] = sa.cast(whole, sa.JSON())
        current = sa.select(*columns).where(own.deactivated_at.is_(None))
    op.execute(sa.insert(rollouts).from_select(names, current))


def downgrade() -> None:
    """Nodes of the version before take the active plan at once."""
    op.drop_table("rollouts")
