"""The waves of an activation, and how far the fleet is; what is active now is taken to be served whole."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rollouts",
        sa.Column("activation_id", sa.Integer(), nullable=False),
        sa.Column("fleet", sa.String(length=200), nullable=False, server_default="default"),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("waves", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("step >= 0 AND step <= 2 * waves", name="step"),
        sa.ForeignKeyConstraint(
            ["activation_id"], ["activations.id"], name="fk_rollouts_activation_id_activations"
        ),
        sa.PrimaryKeyConstraint("activation_id", name="pk_rollouts"),
    )
    op.execute(
        sa.text(
            "INSERT INTO rollouts (activation_id, fleet, document, waves, step, moved_at)"
            " SELECT id, fleet, '{}', 0, 0, activated_at FROM activations WHERE deactivated_at IS NULL"
        )
    )


def downgrade() -> None:
    """Nodes of the version before take the active plan at once."""
    op.drop_table("rollouts")
