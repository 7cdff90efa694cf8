"""Jobs are leased by whoever does them; how far one ever got, so that attempts count only where they led no further."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("lease_owner", sa.String(128)))
    op.add_column("jobs", sa.Column("lease_until", sa.DateTime(timezone=True)))
    op.add_column("jobs", sa.Column("furthest", sa.Float, nullable=False, server_default="0"))
