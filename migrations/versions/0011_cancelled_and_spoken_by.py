"""Requests whose clients left, in observed load; whose numbers a resolved forecast has;
an index for the question what corrects a forecast."""

from __future__ import annotations

import struct
import zlib

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None

ROLLUPS = sa.table(
    "observed_rollups",
    *(
        sa.column(name)
        for name in ("fleet", "model", "period_start_s", "resolution_s", "sub_cluster", "plan_version")
    ),
    sa.column("counts", sa.LargeBinary()),
)
KEY = tuple(column.name for column in ROLLUPS.columns if column.name != "counts")
HEADER = struct.Struct("<BBI")  # version, columns, rows
COLUMNS_BEFORE = 17  # of a roll-up's counts; cancelled requests are the one after
ROWS_AT_ONCE = 1_000


def upgrade() -> None:
    """Roll-ups stay as they are: a column that they lack counts as zero."""
    op.add_column(
        "observed_load", sa.Column("cancelled", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.add_column("forecast_models", sa.Column("spoken_by", sa.JSON(), nullable=True))
    op.create_index("ix_forecast_origins_corrects", "forecast_origins", ["corrects"])


def downgrade() -> None:
    """Cancelled requests stay in what arrived; how many they were is lost."""
    op.drop_index("ix_forecast_origins_corrects", "forecast_origins")
    op.drop_column("forecast_models", "spoken_by")
    op.drop_column("observed_load", "cancelled")
    _shorten_rollups()


def _shorten_rollups() -> None:
    """Take the new column out of the roll-ups: the schema before reads those of one width alone."""
    connection = op.get_bind()
    key = sa.tuple_(*(ROLLUPS.c[name] for name in KEY))
    after: tuple[object, ...] | None = None
    while True:
        query = sa.select(ROLLUPS).order_by(*(ROLLUPS.c[name] for name in KEY)).limit(ROWS_AT_ONCE)
        if after is not None:
            query = query.where(key > sa.tuple_(*(sa.literal(value) for value in after)))
        rows = connection.execute(query).all()
        for row in rows:
            counts = _shortened(row.counts)
            if counts is not None:
                one = sa.and_(*(ROLLUPS.c[name] == getattr(row, name) for name in KEY))
                connection.execute(sa.update(ROLLUPS).where(one).values(counts=counts))
        if len(rows) < ROWS_AT_ONCE:
            return
        after = tuple(getattr(rows[-1], name) for name in KEY)


def _shortened(counts: bytes) -> bytes | None:
    """Without its last column, which lies at the end, eight planes of one byte a row; None: it has none."""
    if len(counts) < HEADER.size:
        return None
    version, columns, rows = HEADER.unpack_from(counts)
    if columns != COLUMNS_BEFORE + 1:
        return None
    planes = zlib.decompress(counts[HEADER.size :])[: COLUMNS_BEFORE * 8 * rows]
    return HEADER.pack(version, COLUMNS_BEFORE, rows) + zlib.compress(planes, 6)
